"""Whose a callback is, minute by minute: its own agent's, the team's, anybody's; and who may never have it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import case, create_engine, insert, select, update
from sqlalchemy.pool import StaticPool

from dialer.core.lifecycle import PREVIEW, EventKind, Mark
from dialer.core.outcome import Disposition, Network
from dialer.store.belonging import Taker, fits, is_free, ownership
from dialer.store.line import heads
from dialer.store.tables import QueueRow
from tests.campaigns import NOW, campaign, customer, number
from tests.store.floor import AGENTS
from tests.store.steps import DAY, HOUR, MINUTE, crowd, dial, ended, enrol, people, rows, start, tell, told
from tests.store.test_reservations import free, record, talk, token, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy import Connection

    from dialer.store import Store
    from dialer.store.proposals import Candidate

K = EventKind
queue: Any = QueueRow.__table__  # type: ignore[attr-defined] # SQLModel does not declare it
NAMES = ("101", "Ann", "102", "Bob", "103")
minutes = st.integers(-3, 3).map(lambda some: NOW + some * MINUTE)


@dataclass(frozen=True)
class Waiting:
    """What a queue's row says about whose it is."""

    owner: str
    agent_first: bool
    not_for: str
    team_at: datetime | None
    anyone_at: datetime | None


waiting = st.builds(
    Waiting,
    owner=st.sampled_from(["", *NAMES]),
    agent_first=st.booleans(),
    not_for=st.sampled_from(["", ",101,", ",102,", ",101,102,", ",1019,"]),
    team_at=st.none() | minutes,
    anyone_at=st.none() | minutes,
)
takers = st.builds(
    Taker,
    me=st.sampled_from([(), ("101", "Ann"), ("102", "Bob"), ("10", "An")]),
    team=st.frozensets(st.sampled_from(NAMES)),
    on_shift=st.frozensets(st.sampled_from(NAMES)),
    agent_first=st.sampled_from([frozenset(), frozenset({"survey"}), frozenset({"renewal"})]),
)


def may(taker: Taker, row: Waiting, now: datetime) -> bool:
    """The same in plain words, one row at a time."""
    if set(taker.me) & set(row.not_for.split(",")) - {""}:
        return False
    if not taker.me and row.agent_first:
        return False  # a pacer never dials ahead for who was abandoned or was promised an agent
    if taker.me and "survey" in taker.agent_first and not row.agent_first:
        return False  # an agent takes of a predictive campaign only what needs one beforehand
    if not row.owner or row.owner in taker.me:
        return True
    if row.anyone_at is not None and now >= row.anyone_at:
        return True
    if row.team_at is not None:
        return now >= row.team_at and row.owner in taker.team
    return row.owner not in taker.on_shift


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    engine = create_engine("sqlite://", poolclass=StaticPool)
    queue.create(engine)
    with engine.connect() as opened:
        yield opened
    engine.dispose()


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(waiting, min_size=1, max_size=8), takers)
def test_who_may_take_what(connection: Connection, some: list[Waiting], taker: Taker) -> None:
    connection.execute(queue.delete())
    place = {"campaign": "survey", "ready": True, "vip": False, "opens_at": NOW, "closes_at": NOW, "rank_at": NOW}
    for key, row in enumerate(some):
        connection.execute(insert(queue).values({"callback_id": key} | place | vars(row)))
    fitting = fits(taker.me, one_by_one=taker.gets_one_by_one("survey"))
    found = set(connection.scalars(select(queue.c.callback_id).where(is_free(taker, NOW), *fitting)))
    assert found == {key for key, row in enumerate(some) if may(taker, row, NOW)}


# From the callback to the queue


def candidate(**changes: Any) -> Candidate:
    """A callback as the queue is told of it."""
    known = {"owner": "", "divided": "", "not_agents": None, "agent_first": False, "promise": None} | changes
    promise = known["promise"]
    terms = {**AGENTS, "mode": known.get("mode", "progressive"), "divide": known.get("divide", "evenly")}
    staffed = campaign(agents={**terms, "belongs": known.get("belongs", {"agent": "4 min", "team": "6 min"})})
    proposal = SimpleNamespace(
        campaign=known.get("campaign", staffed),
        customer=customer(agent=known["owner"]),
        promise=promise,
        promised=known.get("promised", promise is not None),
        not_before=known.get("not_before", promise.at if promise is not None else None),
    )
    row = SimpleNamespace(
        cb_agent=known["divided"],
        cb_not_agents=known["not_agents"],
        cb_agent_first=known["agent_first"],
        cb_deadline_at=NOW + 3 * HOUR,
    )
    return cast("Candidate", SimpleNamespace(proposal=proposal, row=row))


def promised(agent: str = "", tolerance: timedelta = HOUR) -> Any:
    return SimpleNamespace(agent=agent, at=NOW + HOUR, until=NOW + HOUR + tolerance)


def test_what_is_nobodys_is_anybodys() -> None:
    nobodys = {"agent_first": False, "owner": "", "not_for": "", "team_at": None, "anyone_at": None}
    assert ownership(candidate(), NOW) == nobodys
    assert ownership(candidate(campaign=campaign(), owner="101", agent_first=True), NOW) == nobodys


def test_the_customers_own_agent_has_it_for_the_campaigns_minutes() -> None:
    whose = ownership(candidate(owner="101"), NOW)
    assert (whose["owner"], whose["team_at"], whose["anyone_at"]) == ("101", None, NOW + 4 * MINUTE)
    assert not whose["agent_first"]


def test_a_promise_is_its_agents_then_the_teams_then_anybodys() -> None:
    whose = ownership(candidate(owner="102", promise=promised("101")), NOW)
    assert (whose["owner"], whose["team_at"]) == ("101", NOW + HOUR + 4 * MINUTE)
    assert (whose["anyone_at"], whose["agent_first"]) == (NOW + HOUR + 10 * MINUTE, True)
    assert ownership(candidate(owner="102", promise=promised()), NOW)["owner"] == "102"


@pytest.mark.parametrize("tolerance", [timedelta(minutes=some) for some in (1, 5, 12, 15, 60)])
def test_a_promise_is_the_teams_and_anybodys_while_it_can_be_kept(tolerance: timedelta) -> None:
    """The campaign's minutes may be longer than the customer waits."""
    whose = ownership(candidate(promise=promised("101", tolerance)), NOW)
    team, anyone, until = whose["team_at"], whose["anyone_at"], NOW + HOUR + tolerance
    assert (team - NOW - HOUR, anyone - team) == (min(4 * MINUTE, tolerance / 3), min(6 * MINUTE, tolerance / 3))
    assert until - anyone >= tolerance / 3


@pytest.mark.parametrize("after", [timedelta(0), timedelta(microseconds=1), MINUTE])
def test_a_promise_that_its_agent_gave_back_is_the_teams_at_once(after: timedelta) -> None:
    whose = ownership(candidate(promise=promised("101"), not_before=NOW + HOUR + after), NOW + HOUR + after)
    waits = 4 * MINUTE if not after else timedelta(0)
    assert (whose["owner"], whose["team_at"]) == ("101", NOW + HOUR + waits)
    assert whose["anyone_at"] == NOW + HOUR + waits + 6 * MINUTE


@pytest.mark.parametrize("some", [{"owner": "101"}, {"owner": "101", "promise": promised("102"), "promised": False}])
def test_a_pacer_need_not_wait_for_a_customers_own_agent(some: dict[str, Any]) -> None:
    """Nobody could call them meanwhile: agents take of a predictive campaign only what needs one beforehand."""
    nobodys = ownership(candidate(), NOW)
    assert ownership(candidate(**some, mode="predictive"), NOW) == nobodys
    assert ownership(candidate(**some), NOW)["owner"]


def test_what_was_divided_is_called_one_by_one_where_others_are_dialed_ahead() -> None:
    whose = ownership(candidate(divided="101", mode="predictive"), NOW)
    assert (whose["owner"], whose["agent_first"], whose["anyone_at"]) == ("101", True, NOW + 90 * MINUTE)
    assert not ownership(candidate(divided="101"), NOW)["agent_first"]
    for mode in ("progressive", "predictive"):
        assert not ownership(candidate(divided="101", divide="no", mode=mode), NOW)["owner"], "nobody divides any more"


def test_who_needs_an_agent_beforehand_is_their_own_agents_however_others_are_dialed() -> None:
    whose = ownership(candidate(owner="101", agent_first=True, mode="predictive"), NOW)
    assert (whose["owner"], whose["agent_first"], whose["anyone_at"]) == ("101", True, NOW + 4 * MINUTE)
    whose = ownership(candidate(promise=promised("101"), mode="predictive"), NOW)
    assert (whose["owner"], whose["agent_first"], whose["team_at"]) == ("101", True, NOW + HOUR + 4 * MINUTE)
    whose = ownership(candidate(owner="101", not_agents=["102"], mode="predictive"), NOW)
    assert (whose["owner"], whose["agent_first"], whose["not_for"]) == ("101", True, ",102,")


def test_a_promise_that_was_called_upon_already_is_the_owners_like_any_other() -> None:
    whose = ownership(candidate(owner="102", promise=promised("101"), promised=False), NOW)
    assert (whose["owner"], whose["team_at"], whose["anyone_at"]) == ("101", None, NOW + 4 * MINUTE)


def test_what_was_divided_is_its_agents_for_half_of_the_time_there_is() -> None:
    whose = ownership(candidate(owner="102", divided="101"), NOW)
    assert (whose["owner"], whose["team_at"], whose["anyone_at"]) == ("101", None, NOW + 90 * MINUTE)
    late = ownership(candidate(divided="101"), NOW + 3 * HOUR - MINUTE)
    assert late["anyone_at"] == NOW + 3 * HOUR - MINUTE + 2 * MINUTE


def test_who_is_not_to_call_again_owns_nothing() -> None:
    whose = ownership(candidate(owner="101", not_agents=["101", "107"]), NOW)
    assert (whose["owner"], whose["not_for"], whose["agent_first"]) == ("", ",101,107,", True)


def test_who_is_not_to_call_again_owns_nothing_by_name_either(store: Store) -> None:
    """Else nobody calls for as long as the unwelcome agent is there and it is theirs."""
    begin(store, customer("C1", number(1), agent="Ann"))
    key = free(store, "101", name="Ann")
    call = take(store, key, Taker(me=("101", "Ann")))
    finish(store, call, another_agent=True, disposition=Disposition.NOT_CONVENIENT)
    (owner,) = rows(store, "SELECT owner FROM queue")
    assert owner == ("",)


# The whole way


def begin(store: Store, *some: Any, promises: Any = None, **terms: Any) -> None:
    attempts = {"retry": RETRY, "other_hour": False, "most": 9}
    start(store, agents=AGENTS | terms, attempts=attempts, promises=promises or {})
    people(store, *some)
    enrol(store)
    store.callbacks.turn(NOW)


RETRY = [{"after": one, "wait": "1 h"} for one in ("dissatisfied", "not_convenient", "abandoned", "hung_up")]


def take(store: Store, key: int, taker: Taker, at: datetime = NOW) -> str:
    store.callbacks.turn(at)
    found = store.reservations.claim(key, taker, ["survey"], at, owner="here", lease=MINUTE, token=token)
    if found is None:
        return ""
    store.attempts.commit([found.token], at)
    return found.token


def finish(
    store: Store,
    call: str,
    at: datetime = NOW,
    *,
    disposition: Disposition = Disposition.COMPLETED,
    **mark: Any,
) -> None:
    talk(store, call, at)
    tell(store, ended(call, Network.ANSWERED, at), record(call, disposition, at, **mark), wrapped(call, at), at=at)


@pytest.mark.parametrize(
    ("said", "excluded"),
    [
        ({"disposition": Disposition.DISSATISFIED}, True),
        ({"disposition": Disposition.NOT_CONVENIENT, "another_agent": True}, True),
        ({"disposition": Disposition.NOT_CONVENIENT}, False),
    ],
)
def test_another_time_and_another_agent(store: Store, said: dict[str, Any], excluded: bool) -> None:  # noqa: FBT001 - pytest gives it by name
    begin(store, customer("C1", number(1)))
    first, second = free(store, "101"), free(store, "102")
    finish(store, take(store, first, Taker(me=("101", "Agent 101"))), **said)
    later = NOW + 2 * HOUR
    again = take(store, first, Taker(me=("101", "Agent 101")), later)
    assert bool(again) != excluded
    assert bool(take(store, second, Taker(me=("102", "Agent 102")), later)) == excluded
    pacer = Taker(on_shift=frozenset())
    assert not dial_ahead(store, pacer, later)


def dial_ahead(store: Store, taker: Taker, at: datetime) -> list[str]:
    return list(
        store.callbacks.claim(9, at, owner="here", lease=MINUTE, token=token, campaigns=["survey"], taker=taker)
    )


def test_who_was_abandoned_is_called_with_an_agent_set_aside(store: Store) -> None:
    begin(store, customer("C1", number(1)), customer("C2", number(2)))
    key = free(store, "101")
    (first, second) = (call for call in dial_ahead(store, Taker(), NOW))
    store.attempts.commit([first, second], NOW)
    for call in (first, second):
        waits = () if call == second else (told(call, K.WAITING),)
        tell(store, told(call, K.PLACED), told(call, K.ANSWERED), *waits, ended(call, Network.ANSWERED))
    later = NOW + HOUR
    store.callbacks.turn(later)
    assert store.callbacks.for_agents(["survey", "other"], later) == {"survey": True}
    taker = Taker(me=("101", "Agent 101"), agent_first=frozenset({"survey"}))
    found = take(store, key, taker, later)
    who = dict(rows(store, "SELECT token, customer_id FROM attempt"))
    assert found
    assert who[found] == who[first], "who was not abandoned is called ahead"
    finish(store, found, later)
    (ahead,) = dial_ahead(store, Taker(), later + 2 * MINUTE)
    who = dict(rows(store, "SELECT token, customer_id FROM attempt"))
    assert who[ahead] == who[second]


def test_minute_by_minute(store: Store) -> None:
    """Own agent, then anyone; an owner who is not there keeps nobody waiting."""
    begin(store, customer("C1", number(1), agent="101"), belongs={"agent": "4 min"}, mode="progressive")
    keys = {name: free(store, name) for name in ("101", "102")}
    there = frozenset({"101", "102"})
    others = Taker(me=("102",), on_shift=there)
    assert not take(store, keys["102"], others)
    assert not dial_ahead(store, Taker(on_shift=there), NOW + 3 * MINUTE)
    assert take(store, keys["102"], Taker(me=("102",), on_shift=frozenset({"102"})))


def test_its_own_agent_takes_it_at_once(store: Store) -> None:
    begin(store, customer("C1", number(1), agent="Ann"))
    key = free(store, "101", name="Ann")
    assert take(store, key, Taker(me=("101", "Ann"), on_shift=frozenset({"101", "Ann"})))


def test_after_its_minutes_anybody_has_it(store: Store) -> None:
    begin(store, customer("C1", number(1), agent="101"), belongs={"agent": "4 min"}, mode="progressive")
    key, there = free(store, "102"), frozenset({"101", "102"})
    store.callbacks.turn(NOW)
    (whose,) = rows(store, "SELECT owner FROM queue")
    assert whose == ("101",)
    other = Taker(me=("102",), on_shift=there)
    assert not take(store, key, other, NOW + 3 * MINUTE)
    assert take(store, key, other, NOW + 6 * MINUTE)


@pytest.mark.parametrize("tolerance", ["15 min", "2 min"])
def test_a_promise_that_its_agent_skips_is_kept_by_the_team(store: Store, tolerance: str) -> None:
    begin(store, customer("C1", number(1)), mode="preview", promises={"tolerance": tolerance})
    keys = {name: free(store, name) for name in ("101", "102")}
    there = frozenset({"101", "102"})
    takers = {name: Taker(me=(name,), team=there, on_shift=there) for name in keys}
    at = NOW + HOUR
    finish(store, take(store, keys["101"], takers["101"]), disposition=Disposition.PROMISED, promise_at=at)
    assert not take(store, keys["102"], takers["102"], at)
    offered = store.reservations.claim(
        keys["101"], takers["101"], ["survey"], at, owner="here", lease=HOUR, token=token
    )
    assert offered is not None
    later = at + timedelta(seconds=20)
    skip = told(offered.token, K.DROPPED, later, carrier_call_id="", mark=Mark(PREVIEW, answer="countdown"))
    tell(store, skip, at=later)
    assert not take(store, keys["102"], takers["102"], later + timedelta(seconds=5))
    idle = sorted(store.presences.all(), key=lambda seat: seat.idle_since or at)
    assert [seat.agent.staff_number for seat in idle] == ["102", "101"], "who gave it back is asked last"
    kept = take(store, keys["102"], takers["102"], later + MINUTE)
    assert kept
    talk(store, kept, later + MINUTE)
    tell(store, ended(kept, Network.ANSWERED, later + MINUTE), at=later + MINUTE)
    tell(store, record(kept, Disposition.COMPLETED, later + MINUTE), wrapped(kept, later + MINUTE), at=later + MINUTE)
    assert rows(store, "SELECT state FROM promise") == [("kept",)]


def test_a_promise_is_kept_by_anybody_when_its_agent_went_away(store: Store) -> None:
    """However short the customer waits, and whatever the campaign's minutes are."""
    begin(store, customer("C1", number(1)), mode="progressive", promises={"tolerance": "3 min"})
    keys = {name: free(store, name) for name in ("101", "102", "103")}
    at, on_shift = NOW + HOUR, frozenset({"102", "103"})
    finish(
        store,
        take(store, keys["101"], Taker(me=("101",))),
        disposition=Disposition.PROMISED,
        promise_at=at,
    )
    mate = Taker(me=("102",), team=frozenset({"101", "102"}), on_shift=on_shift)
    stranger = Taker(me=("103",), team=frozenset({"103"}), on_shift=on_shift)
    assert not take(store, keys["102"], mate, at)
    assert not take(store, keys["103"], stranger, at + MINUTE)
    assert take(store, keys["103"], stranger, at + 2 * MINUTE)


def test_a_customer_with_an_own_agent_is_dialed_ahead_at_once(store: Store) -> None:
    begin(store, customer("C1", number(1), agent="101"))
    assert dial_ahead(store, Taker(on_shift=frozenset({"101"})), NOW)


@pytest.mark.parametrize("there", [True, False])
def test_what_was_divided_is_called_whoever_is_there(store: Store, *, there: bool) -> None:
    """Dialed ahead otherwise: by its agent while they are there, by whoever is when they are not."""
    begin(store, customer("C1", number(1)), divide="evenly")
    store.divisions.divide("survey", {"101": 1}, NOW)
    keys = {name: free(store, name) for name in ("101", "102")}
    store.callbacks.turn(NOW)
    assert store.callbacks.for_agents(["survey"], NOW) == {"survey": True}
    on_shift = frozenset({"101", "102"} if there else {"102"})
    first = frozenset({"survey"})
    assert not dial_ahead(store, Taker(on_shift=on_shift), NOW)
    other = take(store, keys["102"], Taker(me=("102",), on_shift=on_shift, agent_first=first))
    assert bool(other) != there
    own = take(store, keys["101"], Taker(me=("101",), on_shift=on_shift, agent_first=first))
    assert bool(own) == there


def test_everybody_else_is_called_as_if_there_were_no_agents(store: Store) -> None:
    begin(store, customer("C1", number(1)))
    assert dial(store) == []
    start(store, at=NOW)
    assert len(dial(store, at=NOW + DAY)) == 1


# Long lines


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(waiting, max_size=12), takers, st.integers(1, 5), st.integers(1, 4), st.integers(1, 2))
def test_no_look_reads_more_than_the_heads_of_lines_and_what_is_ones_own(
    connection: Connection, some: list[Waiting], taker: Taker, limit: int, looked_at: int, each: int
) -> None:
    connection.execute(queue.delete())
    place = {"campaign": "survey", "ready": True, "vip": False, "opens_at": NOW, "closes_at": NOW + HOUR}
    for key, row in enumerate(some):
        rank = {"rank_at": NOW + (key // 3) * MINUTE}  # several of one rank, as an import leaves them
        connection.execute(insert(queue).values({"callback_id": key} | place | rank | vars(row)))
    with pytest.MonkeyPatch.context() as short:
        short.setattr("dialer.store.line.LOOKED_AT", looked_at)
        short.setattr("dialer.store.line.EACH", each)
        found = heads(connection, ["survey", "another"], limit, NOW, taker=taker)
    assert found == sorted(seen(some, taker, looked_at, each))[:limit]


def seen(some: list[Waiting], taker: Taker, looked_at: int, each: int) -> set[int]:
    """What one look may find: near the head of the line, what is one's own, and at the head of each colleague's."""
    one_by_one = bool(taker.me) and "survey" in taker.agent_first
    free = {key for key, row in enumerate(some) if may(taker, row, NOW)}
    line = [key for key, row in enumerate(some) if row.agent_first or not one_by_one]
    owned = {name: [key for key, row in enumerate(some) if row.owner == name] for name in ("", *NAMES)}
    near = [line[:looked_at], *(owned.get(name, [])[: looked_at if one_by_one else None] for name in taker.me)]
    found = free & {key for part in (near if one_by_one else [*near, owned[""]]) for key in part}
    for owner in set(NAMES).difference(taker.me) if taker.me else set[str]():
        theirs = [key for key in owned[owner][:each] if key in free and not promised_to_others(some[key], taker)]
        found |= set(theirs[:1])
    return found


def promised_to_others(row: Waiting, taker: Taker) -> bool:
    """Promised calls stand at the head of every line, so nobody looks for them behind it."""
    anybodys = row.anyone_at is not None and row.anyone_at <= NOW
    return not anybodys and (row.team_at is not None or row.owner in taker.on_shift)


def test_whoever_has_nothing_near_finds_what_is_free_behind_a_colleagues_long_line(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A colleague who is there has the whole head of the line; behind it stand those of one who is not."""
    monkeypatch.setattr("dialer.store.line.LOOKED_AT", 3)
    begin(store, *crowd(8), mode="progressive")
    (first_one,) = rows(store, "SELECT min(callback_id) FROM queue")[0]
    whose = queue.c.callback_id - first_one
    lines = case((whose < 5, "101"), (whose < 7, "103"), else_="102")
    change(store, update(queue).values(owner=lines, anyone_at=NOW + HOUR))
    who = Taker(me=("104",), on_shift=frozenset({"101", "102", "104"}))

    def found() -> list[int]:
        with store.database.write() as connection:
            return [one - first_one for one in heads(connection, ["survey"], 1, NOW, taker=who, lock=True)]

    with monkeypatch.context() as few:
        few.setattr("dialer.store.line.OWNERS", 1)
        assert found() == [5], "who is not there comes first"
    assert found() == [5]
    change(store, update(queue).where(queue.c.owner == "103").values(not_for=",104,"))
    assert found() == []
    change(store, update(queue).where(queue.c.owner == "102").values(anyone_at=NOW))
    assert found() == [7]


def change(store: Store, statement: Any) -> None:
    with store.database.write() as connection:
        connection.execute(statement)
