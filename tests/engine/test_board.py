"""The board's snapshot: its figures, that it is made once for all, and that what is slow is not read again."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from dialer.core.agent import AgentState
from dialer.engine.board import KEEP, Boards, Pace, Talk
from dialer.store import Store
from dialer.store.board import Flight, Hour, Vips
from tests.campaigns import NOW, house
from tests.store import floor
from tests.store.floor import AGENTS, SECOND
from tests.store.steps import DAY, HOUR, MINUTE, crowd, enrol, people, start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.anyio


class AtOnce:
    """A desk whose answers are counted; every transaction is done at once."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def ask(self, transaction: Callable[..., Any], *args: Any) -> Any:
        self.asked.append(transaction.__name__)
        await asyncio.sleep(0)
        return transaction(*args)


class Hand:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return (self.at - datetime(2026, 1, 1, tzinfo=UTC)).total_seconds()


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    opened = Store.open(database_url, house())
    yield opened
    opened.close()


@pytest.fixture
def desk() -> AtOnce:
    return AtOnce()


@pytest.fixture
def clock() -> Hand:
    return Hand()


@pytest.fixture
def boards(store: Store, desk: Any, clock: Any) -> Boards:
    paces = {"survey": Pace("dialing 3: 5 ready", NOW, {"ready": 5})}
    return Boards(store=store, desk=desk, clock=clock, paces=lambda: paces)


def staffed(store: Store, many: int = 6, **changes: Any) -> None:
    start(store, agents=AGENTS)
    people(store, *crowd(many, **changes))
    enrol(store)


def talking(store: Store, number: str, reference: str, since: timedelta) -> None:
    at = NOW - since
    token = floor.call(store, reference, at=at, answered_at=at, waited_at=at, connected_at=at, state="live")
    floor.reserve(store, floor.agent(store, number, state="on_call", since=at), token)


async def test_the_board_of_a_floor_at_work(store: Store, boards: Boards) -> None:
    staffed(store)
    talking(store, "1001", "C0", MINUTE)
    talking(store, "1002", "C1", 3 * MINUTE)
    talking(store, "1003", "C2", 5 * MINUTE)
    floor.agent(store, "1004")
    floor.call(store, "C3")
    floor.call(store, "C4", state="live", answered_at=NOW, waited_at=NOW - SECOND)
    floor.task(store, "C5", NOW - MINUTE)

    seen = await boards.snapshot()

    assert seen.states == {AgentState.ON_CALL: 3, AgentState.READY: 1}
    assert [one.talk for one in seen.agents] == [Talk.FINE, Talk.LONG, Talk.TOO_LONG, Talk.FINE]
    assert [one.at.staff_number for one in seen.long_talks] == ["1002", "1003"]
    assert seen.flights == {Flight.RINGING: 1, Flight.GREETING: 0, Flight.WAITING: 1, Flight.CONNECTED: 3}
    assert [one.customer for one in seen.in_line] == ["C4"]
    assert (seen.tasks, seen.overdue, seen.serial, seen.at) == (1, 1, 1, NOW)
    (campaign,) = seen.campaigns
    assert campaign.pace is not None
    assert campaign.pace.reason == "dialing 3: 5 ready"
    assert (campaign.in_flight, campaign.mode.value, campaign.paused) == (5, "predictive", False)


async def test_abandonment_over_thirty_days_and_today(store: Store, boards: Boards) -> None:
    staffed(store)
    floor.over(store, "C0", NOW - MINUTE, connected_at=NOW - MINUTE)
    floor.over(store, "C1", NOW - MINUTE, "abandoned")
    floor.over(store, "C2", NOW - 10 * DAY, "abandoned")
    floor.over(store, "C3", NOW - 40 * DAY, "abandoned")

    (campaign,) = (await boards.snapshot()).campaigns

    assert campaign.today is not None
    assert campaign.month is not None
    assert (campaign.today.abandoned, campaign.today.answered, campaign.today.rate) == (1, 2, 0.5)
    assert (campaign.month.abandoned, campaign.month.answered) == (2, 3)
    assert campaign.month.target == 0.03
    assert campaign.month.bound > 2 / 3


async def test_a_campaign_without_agents_abandons_nobody(store: Store, boards: Boards) -> None:
    start(store)
    (campaign,) = (await boards.snapshot()).campaigns
    assert (campaign.today, campaign.month) == (None, None)


async def test_promises_at_risk_and_missed(store: Store, boards: Boards) -> None:
    staffed(store)
    floor.promise(store, "C0", NOW - 10 * MINUTE, NOW + 5 * MINUTE)
    floor.promise(store, "C1", NOW - MINUTE, NOW + 59 * MINUTE)
    floor.promise(store, "C2", NOW + MINUTE, NOW + 3 * MINUTE)
    floor.promise(store, "C3", NOW - HOUR, NOW - MINUTE, "missed", settled_at=NOW)

    seen = await boards.snapshot()

    assert {one.of.customer: one.at_risk for one in seen.promises} == {"C0": True, "C1": False, "C2": False}
    assert (seen.promised, seen.at_risk, seen.missed) == (3, 1, 1)


async def test_a_promised_call_that_is_being_made_is_not_at_risk(store: Store, boards: Boards) -> None:
    staffed(store, 1)
    floor.promise(store, "C0", NOW - 10 * MINUTE, NOW + MINUTE)
    with store.database.write() as connection:
        connection.exec_driver_sql("UPDATE callback SET state = 'calling'")

    assert (await boards.snapshot()).at_risk == 0


async def test_vips_and_the_hours_of_the_day(store: Store, boards: Boards) -> None:
    staffed(store, 3, tier="vip")
    floor.over(store, "C0", NOW - 2 * HOUR)
    floor.call(store, "C1")

    seen = await boards.snapshot()

    assert seen.vips == Vips(3, 0, 3)
    hours = {f"{at:%H:%M}": one for at, one in seen.hours}
    assert len(hours) == 24
    assert hours["12:00"] == Hour(1, 1)
    assert hours["14:00"] == Hour(1, 0)


async def test_all_screens_share_one_snapshot(boards: Boards, desk: AtOnce, clock: Hand) -> None:
    first, *others = await asyncio.gather(*(boards.snapshot() for _ in range(20)))

    assert all(one is first for one in others)
    assert desk.asked.count("_now") == 1
    clock.at += KEEP - timedelta(milliseconds=1)
    assert await boards.snapshot() is first
    clock.at += timedelta(milliseconds=1)
    assert (await boards.snapshot()).serial == 2


async def test_what_changes_slowly_is_not_read_with_every_snapshot(
    store: Store, boards: Boards, desk: AtOnce, clock: Hand
) -> None:
    staffed(store)
    await boards.snapshot()
    desk.asked.clear()
    for _ in range(4):
        clock.at += SECOND
        await boards.snapshot()
    assert desk.asked == ["_now"] * 4

    desk.asked.clear()
    clock.at += MINUTE
    await boards.snapshot()
    # Of thirty days only today and yesterday are counted again, and of the hours those that may still change.
    assert desk.asked.count("abandonment") == 2
    assert desk.asked.count("calls") <= 2
    assert desk.asked.count("vips") == 1


async def test_a_new_day_begins_with_new_figures(store: Store, boards: Boards, clock: Hand) -> None:
    staffed(store)
    floor.over(store, "C0", NOW, "abandoned")
    await boards.snapshot()
    clock.at += DAY

    (campaign,) = (await boards.snapshot()).campaigns

    assert campaign.today is not None
    assert campaign.month is not None
    assert (campaign.today.answered, campaign.month.answered) == (0, 1)
    assert campaign.today.rate is None


async def test_a_snapshot_that_fails_is_made_anew(
    boards: Boards, desk: AtOnce, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any) -> Any:
        raise RuntimeError("the database is away")

    with monkeypatch.context() as patch:
        patch.setattr(desk, "ask", broken)
        with pytest.raises(RuntimeError):
            await boards.snapshot()
    assert (await boards.snapshot()).serial == 1
