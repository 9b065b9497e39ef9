"""Whose turn it is: nobody is dialed for twice, and neither kind of call waits long for an agent of both."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any, cast

import pytest

from dialer.core.lifecycle import EventKind
from dialer.core.outcome import Network
from dialer.engine.agent_view import NextStep, Record
from dialer.engine.turns import Turns
from dialer.store import Enrolment
from tests.campaigns import NOW, customer, number
from tests.engine.floor_world import PREDICTIVE, SECOND, Office

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dialer.engine.pools import Pool
    from dialer.store import Seat
    from tests.mortal import World

DAYS = timedelta(days=3)
LIKELY = 0.4


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What is decided here is the same on every database; the store's own tests run on each."""
    return sqlite_url


@pytest.fixture
async def office(world: World) -> Office:
    return Office(world)


def enrol(office: Office, campaign: str, *which: int, **about: Any) -> None:
    """Customers who may be called by one campaign."""
    now = office.clock.now()
    names = [f"C{one}" for one in which]
    office.store.customers.upsert([customer(f"C{one}", number(one), **about) for one in which], now)
    keys = office.store.customers.keys(names)
    office.store.callbacks.enrol(campaign, [Enrolment(keys[name], "once", now, now + DAYS) for name in names], now)
    office.world.turn()


def campaigns(office: Office) -> list[str]:
    """For which campaigns was dialed, in order."""
    found = [office.store.attempts.briefing(call.token) for call in office.carrier.calls]
    return [one.campaign.id for one in found if one is not None]


async def unanswered(office: Office, calls: int) -> None:
    """Nobody answers any call, until so many were made."""
    for _ in range(150 * calls):
        await office.pump()
        for call in office.carrier.calls:
            if call.ended is None and office.clock.now() >= call.created + 20 * SECOND:
                await office.end(call.token, Network.NO_ANSWER)
                office.carrier.end(call, Network.NO_ANSWER)
        if len(office.carrier.calls) >= calls:
            return
    pytest.fail(f"only {campaigns(office)}")


@pytest.mark.anyio
async def test_an_agent_for_whom_a_call_rings_is_not_set_aside(office: Office) -> None:
    await office.ready("101")
    office.world.apply("ahead", agents=PREDICTIVE)
    office.world.apply("aside", agents={})
    enrol(office, "ahead", 1)
    assert await office.pump() == 1
    enrol(office, "aside", 2)
    for _ in range(12):
        assert await office.pump() == 0
    assert campaigns(office) == ["ahead"]
    await office.end(office.token(), Network.NO_ANSWER)
    assert await office.pump() == 1
    assert campaigns(office) == ["ahead", "aside"]


@pytest.mark.anyio
async def test_nor_for_who_needs_an_agent_first_in_the_same_campaign(office: Office) -> None:
    retry = {"retry": [{"after": "abandoned", "wait": "10 min"}], "other_hour": False}
    token = await office.ahead(agents=PREDICTIVE | {"legal_limit": None}, attempts=retry)
    await office.tell(token, "connect")
    await office.end(token)
    await office.pass_time(timedelta(minutes=9))
    await office.ready("101")
    enrol(office, "survey", 7)
    assert await office.pump() == 1
    await office.pass_time(timedelta(minutes=1))
    for _ in range(6):
        assert await office.pump() == 0
    await office.end(office.token(), Network.NO_ANSWER)
    assert await office.pump() == 1
    assert office.standing() == [("101", office.token(), "held")]


@pytest.mark.anyio
async def test_those_whom_no_call_needs_are_set_aside(office: Office) -> None:
    """Two calls ring, of which one is likely to be answered, then both have been: of three agents one, then none."""
    await office.ready("101", "102", "103")
    office.world.apply("ahead", agents=PREDICTIVE)
    office.world.apply("aside", agents={})
    enrol(office, "ahead", 1, 2)
    first, second = await office.dialer.ahead(2, ["ahead"])
    for token in (first, second):
        await office.tell(token, "status", EventKind.RINGING)
    enrol(office, "aside", 3, 4, 5)
    assert await office.pump() == 2
    await office.end(office.token(-1), Network.NO_ANSWER)
    await office.end(office.token(-2), Network.NO_ANSWER)
    await office.tell(first, "status", EventKind.ANSWERED)
    await office.tell(second, "status", EventKind.ANSWERED)
    assert len(office.store.attempts.in_flight()) == 2
    for _ in range(8):
        await office.pump()
    assert len(office.standing()) == 1


@pytest.mark.anyio
async def test_a_promise_goes_first(office: Office) -> None:
    await office.ready("101")
    token = await office.call()
    await office.talk(token)
    await office.end(token)
    at = (office.clock.now() + timedelta(hours=1)).replace(second=0, microsecond=0, tzinfo=None)
    await office.shifts.finish("101", token, Record(next_step=NextStep.PROMISE, at=at))
    office.world.apply("ahead", agents=PREDICTIVE)
    while office.clock.now().replace(tzinfo=None) < at - 5 * SECOND:
        await office.pass_time(5 * SECOND)
    enrol(office, "ahead", 5)
    assert await office.pump() == 1
    assert campaigns(office) == ["survey", "ahead"]
    for _ in range(30):
        await office.pump()
    assert campaigns(office) == ["survey", "ahead", "survey"]
    assert office.standing() == [("101", office.token(), "held")]


@pytest.mark.anyio
async def test_one_agent_serves_both_kinds_in_turn(office: Office) -> None:
    await office.ready("101")
    office.world.apply("ahead", agents=PREDICTIVE | {"legal_limit": 0.03})
    office.world.apply("aside", agents={})
    enrol(office, "ahead", *range(10))
    enrol(office, "aside", *range(10, 20))
    await unanswered(office, 6)
    assert campaigns(office) == ["aside", "ahead"] * 3
    began = [call.created for call in office.carrier.calls]
    assert max(after - before for before, after in pairwise(began)) < 25 * SECOND


@pytest.mark.anyio
async def test_neither_kind_waits_long_when_everybody_answers(office: Office) -> None:
    await office.ready("101")
    office.world.apply("ahead", agents=PREDICTIVE)
    office.world.apply("aside", agents={})
    enrol(office, "ahead", *range(10))
    enrol(office, "aside", *range(10, 20))
    for _ in range(8):
        while not (ringing := [call for call in office.carrier.calls if call.ended is None]):
            await office.pump()
        (call,) = ringing
        for _ in range(30):
            await office.pump()
        await office.talk(call.token)
        assert office.facts(call.token).connected_at is not None
        for _ in range(60):
            await office.pump()
        await office.end(call.token)
        office.carrier.end(call, Network.ANSWERED)
        await office.shifts.finish("101", call.token, Record(outcome="completed"))
    assert campaigns(office) == ["aside", "ahead"] * 4


@pytest.mark.anyio
async def test_what_waits_for_others_only_keeps_nobody_from_calls_ahead(office: Office) -> None:
    """102 talks, and may take calls of their own only: whom 101 may not have does not count as waiting for 101."""
    await office.ready("101", "102")
    office.world.apply("aside", agents={})
    enrol(office, "aside", 1, 2, agent="102")
    assert await office.pump() == 1
    office.world.apply("ahead", agents=PREDICTIVE | {"legal_limit": 0.03})
    enrol(office, "ahead", *range(5, 15))
    for _ in range(6):
        await office.pump()
    assert campaigns(office) == ["aside", "ahead"]
    assert office.pacing.paces["ahead"].inputs["ready"] == 1
    await office.end(office.token(), Network.NO_ANSWER)
    for _ in range(6):
        await office.pump()
    assert campaigns(office) == ["aside", "ahead", "ahead"]


@dataclass(frozen=True)
class _Seat:
    key: int


@dataclass(frozen=True)
class _Pool:
    seats: tuple[_Seat, ...]
    name: str = "pool"


def look(turns: Turns, free: Sequence[int], *ahead: tuple[int, float], all_seats: int = 9) -> list[int]:
    """Who of the free may be set aside, each asked alone; calls by the second at which they were made."""
    everybody = tuple(_Seat(key) for key in range(all_seats))
    calls = [(NOW + second * SECOND, chance) for second, chance in ahead]
    pool, seats = cast("Pool", _Pool(everybody)), cast("list[Seat]", [everybody[key] for key in free])
    turns.begin([pool], seats, {"pool": calls})
    return [key for key in free if turns.is_own(key)]


def test_who_belongs_to_no_pool_is_always_their_own() -> None:
    turns = Turns()
    turns.begin([], [cast("Seat", _Seat(1))], {})
    assert turns.is_own(1)
    turns.set_aside(1)
    assert turns.is_own(1)


def test_as_many_are_kept_as_calls_need() -> None:
    turns = Turns()
    assert look(turns, [1, 2], (0, LIKELY), (0, LIKELY)) == [1, 2], "either"
    turns.set_aside(1)
    assert not turns.is_own(2)
    assert turns.is_kept(2)
    assert look(turns, [1, 2], (0, 1.0), (0, LIKELY)) == []


def test_who_is_owed_a_call_waits_only_for_calls_that_were_made_before() -> None:
    """However many are called ahead for the others, meanwhile and after."""
    turns = Turns()
    assert look(turns, [1], (0, LIKELY)) == []
    turns.owe(1)
    turns.decided([1], NOW + SECOND)
    assert look(turns, [1], (0, LIKELY), (2, 1.0)) == []
    turns.decided([1], NOW + 2 * SECOND)
    assert look(turns, [1, 2], (2, 1.0), (3, LIKELY), (4, LIKELY)) == [1]
    assert look(turns, [1, 2], (2, LIKELY)) == [1], "the call is for 2"
    turns.set_aside(1)
    assert not turns.is_own(2)
    assert not turns.owed


def test_of_two_who_are_owed_the_later_one_is_kept_for_calls_between() -> None:
    turns = Turns()
    look(turns, [1, 2], (0, 1.0), (0, 1.0))
    turns.owe(1)
    turns.decided([], NOW + SECOND)
    turns.owe(2)
    turns.decided([], NOW + 5 * SECOND)
    assert look(turns, [2, 1], (3, LIKELY)) == [1]


def test_whoever_had_a_call_is_the_pacers_until_it_has_decided() -> None:
    turns = Turns()
    assert look(turns, [1]) == [1]
    turns.set_aside(1)
    assert look(turns, [1]) == []
    assert not turns.is_kept(1), "nothing is owed to them"
    turns.decided([], NOW)
    assert look(turns, [1]) == []
    turns.decided([1], NOW)
    assert look(turns, [1]) == [1]
