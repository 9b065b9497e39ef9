"""Whose a callback is, minute by minute: its own agent's, the team's, anybody's; and who may never have it."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, insert, select
from sqlalchemy.pool import StaticPool

from dialer.core.lifecycle import EventKind
from dialer.core.outcome import Disposition, Network
from dialer.store.belonging import Taker, may_take, ownership
from dialer.store.queue import heads
from dialer.store.tables import QueueRow
from tests.campaigns import NOW, campaign, customer, number
from tests.store.floor import AGENTS
from tests.store.steps import DAY, HOUR, MINUTE, dial, ended, enrol, people, rows, start, tell, told
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
    found = set(connection.scalars(select(queue.c.callback_id).where(*may_take(taker, "survey", NOW))))
    assert found == {key for key, row in enumerate(some) if may(taker, row, NOW)}


# From the callback to the queue


def candidate(**changes: Any) -> Candidate:
    """A callback as the queue is told of it."""
    known = {"owner": "", "divided": "", "not_agents": None, "agent_first": False, "promise": None} | changes
    staffed = campaign(agents={**AGENTS, "belongs": {"agent": "4 min", "team": "6 min"}})
    proposal = SimpleNamespace(
        campaign=known.get("campaign", staffed),
        customer=customer(agent=known["owner"]),
        promise=known["promise"],
        promised=known.get("promised", known["promise"] is not None),
    )
    row = SimpleNamespace(
        cb_agent=known["divided"],
        cb_not_agents=known["not_agents"],
        cb_agent_first=known["agent_first"],
        cb_deadline_at=NOW + 3 * HOUR,
    )
    return cast("Candidate", SimpleNamespace(proposal=proposal, row=row))


def promised(agent: str = "") -> Any:
    return SimpleNamespace(agent=agent, at=NOW + HOUR)


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


def begin(store: Store, *some: Any, **terms: Any) -> None:
    start(store, agents=AGENTS | terms, attempts={"retry": RETRY, "other_hour": False, "most": 9})
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
    begin(store, customer("C1", number(1), agent="101"), belongs={"agent": "4 min"})
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
    begin(store, customer("C1", number(1), agent="101"), belongs={"agent": "4 min"})
    there = frozenset({"101"})
    store.callbacks.turn(NOW)
    (whose,) = rows(store, "SELECT owner FROM queue")
    assert whose == ("101",)
    assert not dial_ahead(store, Taker(on_shift=there), NOW + 3 * MINUTE)
    assert dial_ahead(store, Taker(on_shift=there), NOW + 6 * MINUTE)


def test_everybody_else_is_called_as_if_there_were_no_agents(store: Store) -> None:
    begin(store, customer("C1", number(1)))
    assert dial(store) == []
    start(store, at=NOW)
    assert len(dial(store, at=NOW + DAY)) == 1


# Long lines


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(waiting, max_size=12), takers, st.integers(1, 5), st.integers(1, 4))
def test_no_look_reads_more_than_the_head_of_a_line_and_what_is_ones_own(
    connection: Connection, some: list[Waiting], taker: Taker, limit: int, looked_at: int
) -> None:
    connection.execute(queue.delete())
    place = {"campaign": "survey", "ready": True, "vip": False, "opens_at": NOW, "closes_at": NOW + HOUR}
    for key, row in enumerate(some):
        rank = {"rank_at": NOW + (key // 3) * MINUTE}  # several of one rank, as an import leaves them
        connection.execute(insert(queue).values({"callback_id": key} | place | rank | vars(row)))
    everywhere = "survey" in taker.agent_first
    seen = {
        key
        for key, row in enumerate(some)
        if may(taker, row, NOW) and (everywhere or key < looked_at or row.owner in {"", *taker.me})
    }
    with pytest.MonkeyPatch.context() as short:
        short.setattr("dialer.store.queue.LOOKED_AT", looked_at)
        found = heads(connection, ["survey", "another"], limit, NOW, taker=taker)
    assert found == sorted(seen)[:limit]
