"""No agent ever has two customers and no customer two agents, whatever happens in whatever order."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from dialer.core.agent import AgentState, Move
from dialer.core.lifecycle import RECORD, EventKind, Mark
from dialer.core.outcome import Disposition, Network
from dialer.errors import StoreError
from dialer.store import Store
from dialer.store.belonging import Taker
from tests.campaigns import NOW, customer, house, number
from tests.mortal import open_database
from tests.store.floor import AGENTS, agent, reserve
from tests.store.rival import meet
from tests.store.steps import LEASE, MINUTE, check_books, dial, ended, enrol, people, rows, start, tell, told
from tests.store.steps import claim as ready_to_dial

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from dialer.core.routing import Wants
    from dialer.store import Seat

K, M, S = EventKind, Move, AgentState
SECOND = timedelta(seconds=1)
DIALERS = 4
ANYTHING = Taker(me=("nobody in particular",))
_serial = count()


def begin(store: Store, many: int = 3, **terms: Any) -> None:
    """A campaign with agents, and customers who may be called now."""
    start(store, agents=AGENTS | terms, attempts={"most": 20})
    people(store, *[customer(f"C{one}", number(one)) for one in range(many)])
    enrol(store)
    store.callbacks.turn(NOW)


def free(store: Store, staff_number: str, idle: int = 0, **presence: Any) -> int:
    """An agent who waits in their conference."""
    waits: dict[str, Any] = {"leg": "parked", "leg_token": f"leg-{staff_number}", "idle_since": NOW - idle * SECOND}
    return agent(store, staff_number, **waits | presence)


def token() -> str:
    return f"t{next(_serial):06d}"


def claim(store: Store, key: int, at: datetime = NOW, *, send: bool = True) -> str:
    """The call made for this agent; empty when there is none."""
    found = store.reservations.claim(key, ANYTHING, ["survey"], at, owner="here", lease=LEASE, token=token)
    if found is not None and send and not found.preview:
        store.attempts.commit([found.token], at)
    return found.token if found else ""


def ahead(store: Store, at: datetime = NOW) -> str:
    """A call made for whoever will be free; empty when nobody is left to call."""
    found = store.callbacks.claim(
        1, at, owner="here", lease=LEASE, token=token, campaigns=["survey"], taker=Taker(on_shift=frozenset())
    )
    return "".join(one.token for one in store.attempts.commit(found, at))


def first(_wants: Wants, seats: Sequence[Seat]) -> Seat | None:
    return seats[0] if seats else None


def assign(store: Store, call: str, at: datetime = NOW) -> str:
    seat = store.reservations.assign(call, at, first)
    return seat.agent.staff_number if seat else ""


def state(store: Store, staff_number: str = "101") -> AgentState:
    seat = store.presences.get(staff_number)
    assert seat is not None
    return seat.presence.state


def talk(store: Store, call: str, at: datetime = NOW) -> None:
    """Both are in the conference."""
    tell(store, told(call, K.PLACED, at), told(call, K.ANSWERED, at), told(call, K.WAITING, at), at=at)
    tell(store, told(call, K.CONNECTED, at), at=at)


def record(call: str, disposition: Disposition = Disposition.COMPLETED, at: datetime = NOW, **mark: Any) -> Any:
    what = Mark(RECORD, mark.pop("tries", 1), disposition=disposition, **mark)
    return told(call, K.HEARD, at, key=f"agent:{what.tries}", mark=what)


def wrapped(call: str, at: datetime = NOW) -> Any:
    return told(call, K.WRAPPED, at)


def check_floor(store: Store) -> None:
    """What holds at every moment between two transactions."""
    standing = rows(store, "SELECT agent_id, attempt, state FROM reservation WHERE state <> 'over'")
    assert len({one[0] for one in standing}) == len(standing), "an agent with two customers"
    assert len({one[1] for one in standing}) == len(standing), "a customer with two agents"
    where = dict(rows(store, "SELECT agent_id, state FROM presence"))
    aside = {one[0] for one in standing if one[2] in {"preview", "held"}}
    talking = {one[0] for one in standing if one[2] == "connected"}
    assert {key for key, stands in where.items() if stands == S.RESERVED} == aside
    assert {key for key, stands in where.items() if stands == S.ON_CALL} == talking
    still_open = {name for (name,) in rows(store, "SELECT token FROM attempt WHERE is_open")}
    assert {one[1] for one in standing} <= still_open, "an agent waits for a call that is over"
    if not rows(
        store,
        "SELECT 1 FROM attempt WHERE connected_at IS NOT NULL AND token NOT IN (SELECT token FROM event"
        " WHERE kind = 'wrapped')",
    ):
        check_books(store)  # which counts on nothing being left to be written down


# Set aside, connected, over


def test_an_agent_is_set_aside_talks_finishes_and_is_ready_again(store: Store) -> None:
    begin(store)
    key = free(store, "101")
    call = claim(store, key)
    assert state(store) is S.RESERVED
    check_floor(store)
    talk(store, call)
    assert state(store) is S.ON_CALL
    check_floor(store)
    tell(store, ended(call, Network.ANSWERED, NOW + MINUTE), at=NOW + MINUTE)
    assert state(store) is S.WRAP_UP
    check_floor(store)
    tell(store, record(call), wrapped(call, NOW + 2 * MINUTE), at=NOW + 2 * MINUTE)
    seat = store.presences.get("101")
    assert seat is not None
    assert (seat.presence.state, seat.idle_since, seat.is_free) == (S.READY, NOW + 2 * MINUTE, True)
    moves = rows(store, "SELECT move, before, after, attempt FROM agent_move ORDER BY id")
    assert moves == [
        ("reserve", "ready", "reserved", call),
        ("connect", "reserved", "on_call", call),
        ("hang_up", "on_call", "wrap_up", call),
        ("wrap", "wrap_up", "ready", call),
    ]
    check_floor(store)


@pytest.mark.parametrize("network", [Network.NO_ANSWER, Network.BUSY, Network.ANSWERED])
def test_who_meets_nobody_is_ready_again_and_as_long_idle_as_before(store: Store, network: Network) -> None:
    begin(store)
    key = free(store, "101", idle=60)
    call = claim(store, key)
    tell(store, told(call, K.PLACED), ended(call, network, NOW + MINUTE), at=NOW + MINUTE)
    seat = store.presences.get("101")
    assert seat is not None
    assert (seat.presence.state, seat.idle_since) == (S.READY, NOW - MINUTE)
    check_floor(store)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"state": "paused"}, "paused"),
        ({"state": "wrap_up"}, "wrapping"),
        ({"leg": "calling"}, "telephone rings"),
        ({"leg": "none", "leg_token": ""}, "no telephone"),
    ],
)
def test_only_who_is_free_is_set_aside(store: Store, change: dict[str, Any], name: str) -> None:
    del name
    begin(store)
    key = free(store, "101", **change)
    assert not claim(store, key)
    assert not assign(store, ahead(store))


def test_paused_campaigns_and_empty_queues_take_nobody(store: Store) -> None:
    begin(store, many=1)
    first_one, second = free(store, "101"), free(store, "102")
    store.campaigns.pause("survey", "today")
    assert not claim(store, first_one)
    store.campaigns.resume("survey")
    assert claim(store, first_one)
    assert not claim(store, second)
    assert state(store, "102") is S.READY
    check_floor(store)


def test_what_the_gate_refuses_at_the_last_moment_frees_the_agent(store: Store) -> None:
    begin(store)
    call = claim(store, free(store, "101"), send=False)
    store.suppressions.add_customers(["C0"], "person", NOW)
    assert not store.attempts.commit([call], NOW)
    assert state(store) is S.READY
    check_floor(store)


def modes(store: Store) -> list[tuple[str, ...]]:
    return rows(store, "SELECT mode, state FROM attempt")


@pytest.mark.parametrize("mode", ["progressive", "preview", "predictive"])
def test_a_campaign_that_is_given_agents_between_claim_and_commit_rings_nobody(store: Store, mode: str) -> None:
    """Nobody was set aside, no pacer asked for it, and the call would end without anyone who follows it."""
    start(store)
    people(store, customer("C0", number(0)))
    enrol(store)
    claimed = ready_to_dial(store)
    start(store, agents=AGENTS | {"mode": mode})
    assert not store.attempts.commit(claimed, NOW)
    assert modes(store) == [("agentless", "released")]
    check_books(store)


@pytest.mark.parametrize("mode", ["progressive", "preview", "predictive"])
def test_a_campaign_that_loses_its_agents_between_claim_and_commit_frees_them(store: Store, mode: str) -> None:
    begin(store, many=1, mode=mode)
    call = claim(store, free(store, "101"), send=False)
    start(store)
    assert not store.attempts.commit([call], NOW)
    assert state(store) is S.READY
    check_floor(store)


@pytest.mark.parametrize(("before", "after"), [("preview", "predictive"), ("predictive", "progressive")])
def test_who_is_set_aside_has_the_call_however_the_campaign_dials_by_now(store: Store, before: str, after: str) -> None:
    begin(store, many=1, mode=before)
    call = claim(store, free(store, "101"), send=False)
    start(store, agents=AGENTS | {"mode": after}, attempts={"most": 20})
    assert [one.token for one in store.attempts.commit([call], NOW)] == [call]
    assert modes(store) == [(after, "dialing")]
    check_floor(store)


def test_what_was_to_be_dialed_ahead_waits_for_an_agent_when_the_campaign_says_so_by_now(store: Store) -> None:
    begin(store, many=1)
    found = store.callbacks.claim(1, NOW, owner="here", lease=LEASE, token=token, campaigns=["survey"], taker=Taker())
    start(store, agents=AGENTS | {"mode": "progressive"}, attempts={"most": 20})
    assert not store.attempts.commit(found, NOW)
    assert claim(store, free(store, "101"), NOW + 2 * MINUTE) == ""
    store.callbacks.turn(NOW + 2 * MINUTE)
    assert claim(store, rows(store, "SELECT id FROM agent")[0][0], NOW + 2 * MINUTE)
    check_floor(store)


def test_a_preview_holds_its_number_for_its_countdown(store: Store) -> None:
    begin(store, mode="preview", countdown="40 s")
    key = free(store, "101")
    found = store.reservations.claim(key, ANYTHING, ["survey"], NOW, owner="here", lease=LEASE, token=token)
    assert found is not None
    assert found.preview
    (standing,) = store.engagements.standing()
    assert (standing.state, standing.staff_number) == ("preview", "101")
    assert standing.attempt_lease >= NOW + 40 * SECOND
    store.attempts.commit([found.token], NOW + 39 * SECOND)
    store.reservations.dialed(found.token, NOW + 39 * SECOND)
    assert [one.state for one in store.engagements.standing()] == ["held"]
    check_floor(store)


def test_a_waiting_customer_gets_one_agent_however_often_it_is_asked(store: Store) -> None:
    begin(store)
    free(store, "101", idle=5)
    free(store, "102", idle=9)
    call = ahead(store)
    assert [assign(store, call, NOW + one * SECOND) for one in range(3)] == ["102"] * 3
    assert state(store, "101") is S.READY
    check_floor(store)


def test_a_call_that_is_over_gets_nobody(store: Store) -> None:
    begin(store)
    free(store, "101")
    call = ahead(store)
    tell(store, told(call, K.PLACED), ended(call, Network.NO_ANSWER))
    assert not assign(store, call)
    assert not assign(store, "unheard of")
    check_floor(store)


def test_an_agent_whose_telephone_dropped_gives_way_to_another(store: Store) -> None:
    begin(store)
    call = claim(store, free(store, "101"))
    store.presences.leg_gone("leg-101")
    free(store, "102")
    assert assign(store, call) == "102"
    assert state(store, "101") is S.READY
    check_floor(store)


def test_parted_frees_the_agent_before_the_call_is_told_to_be_over(store: Store) -> None:
    begin(store)
    call = claim(store, free(store, "101"))
    assert not store.reservations.parted(call, NOW), "they have not met"
    talk(store, call)
    assert store.reservations.parted(call, NOW + MINUTE)
    assert not store.reservations.parted(call, NOW + MINUTE)
    assert state(store) is S.WRAP_UP
    tell(store, record(call), wrapped(call))
    assert state(store) is S.READY
    tell(store, ended(call, Network.ANSWERED))
    assert state(store) is S.READY
    check_floor(store)


def test_a_record_finished_late_concerns_nobody(store: Store) -> None:
    begin(store)
    key = free(store, "101")
    call = claim(store, key)
    talk(store, call)
    tell(store, ended(call, Network.ANSWERED))
    store.presences.move("101", M.PAUSE, NOW, reason="lunch")
    tell(store, wrapped(call))
    assert state(store) is S.PAUSED
    store.presences.move("101", M.GET_READY, NOW)
    other = claim(store, key)
    talk(store, other)
    tell(store, ended(other, Network.ANSWERED))
    tell(store, told(call, K.WRAPPED, key="again"))
    assert state(store) is S.WRAP_UP
    assert [one.token for one in store.engagements.wrapping()] == [other]


def test_a_lease_that_ran_out_does_not_keep_them_apart(store: Store) -> None:
    """The agent was freed, and then the customer was in their conference after all."""
    begin(store)
    key = free(store, "101")
    call = claim(store, key)
    store.reservations.release(call, "the lease ran out", NOW)
    assert state(store) is S.READY
    talk(store, call)
    assert state(store) is S.ON_CALL
    check_floor(store)
    store.reservations.parted(call, NOW)
    assert state(store) is S.WRAP_UP


def test_who_is_in_the_room_is_the_agents_customer(store: Store) -> None:
    """Freed by a lease, set aside for another, and then the first comes in: the other needs somebody else."""
    begin(store)
    key = free(store, "101")
    call = claim(store, key)
    store.reservations.release(call, "the lease ran out", NOW)
    other = claim(store, key)
    assert other != call
    talk(store, call)
    check_floor(store)
    assert [(one.token, one.state) for one in store.engagements.standing()] == [(call, "connected")]
    free(store, "102")
    assert assign(store, other) == "102"
    check_floor(store)


def test_a_word_of_a_meeting_after_the_end_moves_nobody(store: Store) -> None:
    begin(store)
    call = claim(store, free(store, "101"))
    tell(store, told(call, K.PLACED), told(call, K.ANSWERED), told(call, K.WAITING), ended(call, Network.ANSWERED))
    tell(store, told(call, K.CONNECTED, NOW))
    assert state(store) is S.READY
    check_floor(store)
    (left,) = store.engagements.unfinished(NOW + MINUTE)
    assert (left.token, left.staff_number) == (call, "101")


def test_renewing_keeps_what_is_seen_to(store: Store) -> None:
    begin(store)
    call = claim(store, free(store, "101"))
    store.reservations.renew([call], NOW + MINUTE)
    (standing,) = store.engagements.standing()
    assert standing.lease_until > NOW + MINUTE


# Fences


@pytest.mark.parametrize("same", ["agent", "attempt"])
def test_a_second_customer_for_an_agent_and_a_second_agent_for_a_customer_fail(store: Store, same: str) -> None:
    begin(store)
    one, two = free(store, "101"), free(store, "102")
    calls = [briefing.token for briefing in dial(store)] or [ahead(store), ahead(store)]
    reserve(store, one, calls[0])
    with pytest.raises(StoreError):
        reserve(store, one if same == "agent" else two, calls[1] if same == "agent" else calls[0])
    reserve(store, two, calls[1])


def test_an_agent_who_went_away_does_not_break_the_queue_when_they_come_back(store: Store) -> None:
    """Assigned, then the screen was lost, then the customer came into the conference all the same."""
    begin(store)
    key = free(store, "101")
    call = ahead(store)
    assert assign(store, call) == "101"
    store.reservations.release(call, "screen lost", NOW)
    store.presences.move("101", M.LOSE, NOW)
    talk(store, call)
    store.presences.move("101", M.GET_READY, NOW + MINUTE)
    free(store, "102")
    claim(store, key, NOW + MINUTE)
    assert assign(store, ahead(store, NOW + MINUTE), NOW + MINUTE) == "102"
    check_floor(store)


def test_releasing_somebody_who_has_met_the_customer_meanwhile_leaves_nobody_stuck(store: Store) -> None:
    """The floor looked, the customer came in, and then the floor freed the agent."""
    begin(store)
    call = claim(store, free(store, "101"))
    talk(store, call)
    store.reservations.release(call, "the call is unknown", NOW)
    check_floor(store)


def test_a_repeated_request_after_the_telephone_dropped_leaves_nobody_stuck(store: Store) -> None:
    """The customer's address is asked for again when the agent, who talked to them, is off the line."""
    begin(store)
    call = claim(store, free(store, "101"))
    talk(store, call)
    store.presences.leg_gone("leg-101")
    assign(store, call)
    check_floor(store)


# Several at once


def busy_minute(url: str, one: int, keys: Sequence[int], barrier: threading.Barrier) -> list[tuple[str, str]]:
    """Claim for every agent and find agents for customers, as one dialer; who was given whom."""
    own = Store.open(url, house())
    found: list[tuple[str, str]] = []
    barrier.wait(timeout=60)
    for turn in range(4):
        at = NOW + turn * SECOND
        for key in keys if one % 2 else reversed(keys):
            call = claim(own, key, at)
            if call and turn % 2:
                talk(own, call, at)
            if call:
                tell(own, ended(call, Network.ANSWERED, at), record(call, at=at), wrapped(call, at), at=at)
        call = ahead(own, at)
        if call:
            found.append((call, assign(own, call, at)))
            tell(own, told(call, K.PLACED, at), ended(call, Network.NO_ANSWER, at), at=at)
    own.close()
    return found


def test_dialers_that_set_agents_aside_at_once_never_take_one_twice(database_url: str) -> None:
    store = Store.open(database_url, house())
    begin(store, many=40)
    keys = [free(store, f"10{one}", idle=one) for one in range(3)]
    barrier = threading.Barrier(DIALERS)
    with ThreadPoolExecutor(DIALERS) as pool:
        list(pool.map(lambda one: busy_minute(database_url, one, keys, barrier), range(DIALERS)))
    check_floor(store)
    assert len(rows(store, "SELECT id FROM reservation")) > len(keys)
    overlaps = rows(
        store,
        "SELECT a.id, b.id FROM agent_move a JOIN agent_move b ON b.agent_id = a.agent_id AND b.id > a.id"
        " WHERE a.move = 'reserve' AND b.move = 'reserve' AND NOT EXISTS (SELECT 1 FROM agent_move c"
        " WHERE c.agent_id = a.agent_id AND c.id > a.id AND c.id < b.id AND c.before = 'reserved')",
    )
    assert not overlaps
    store.close()


def test_customers_who_wait_at_once_get_an_agent_each(database_url: str) -> None:
    store = Store.open(database_url, house())
    begin(store, many=6)
    for one in range(4):
        free(store, f"10{one}", idle=one)
    calls = [ahead(store) for _ in range(6)]
    barrier = threading.Barrier(6)

    def wait(call: str) -> str:
        own = Store.open(database_url, house())
        barrier.wait(timeout=60)
        found, pause = "", threading.Event()
        for _ in range(10):  # whom another one holds at this moment is left out
            found = found or assign(own, call)
            pause.wait(0 if found else 0.02)
        own.close()
        return found

    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(wait, calls))
    assert sorted(one for one in found if one) == ["100", "101", "102", "103"]
    check_floor(store)
    store.close()


# SQLite has one writer at a time.
only_postgres = pytest.mark.parametrize(
    "database_url", [pytest.param("postgresql", marks=pytest.mark.slow)], indirect=True
)


@only_postgres
def test_two_customers_and_one_agent_meet_in_the_middle(store: Store) -> None:
    begin(store)
    free(store, "101")
    one, two = ahead(store), ahead(store)
    found = meet(store, "INSERT INTO reservation", lambda: assign(store, one), lambda: assign(store, two))
    assert sorted(found) == ["", "101"]
    check_floor(store)


@only_postgres
def test_a_claim_and_a_waiting_customer_meet_in_the_middle(store: Store) -> None:
    begin(store)
    key = free(store, "101")
    call = ahead(store)
    claimed, assigned = meet(store, "INSERT INTO reservation", lambda: claim(store, key), lambda: assign(store, call))
    assert bool(claimed) != bool(assigned)
    check_floor(store)


@only_postgres
def test_the_end_of_a_call_and_an_agent_for_it_meet_in_the_middle(store: Store) -> None:
    begin(store)
    free(store, "101")
    call = ahead(store)
    tell(store, told(call, K.PLACED))
    meet(
        store,
        "INSERT INTO reservation",
        lambda: assign(store, call),
        lambda: tell(store, ended(call, Network.BUSY)),
    )
    assert state(store) is S.READY
    check_floor(store)


@only_postgres
def test_a_release_and_another_agent_for_the_customer_meet_in_the_middle(store: Store) -> None:
    begin(store)
    call = claim(store, free(store, "101"))
    store.presences.leg_gone("leg-101")
    free(store, "102")
    _, found = meet(
        store,
        "SELECT reservation.id",
        lambda: store.reservations.release(call, "vain", NOW),
        lambda: assign(store, call),
    )
    assert found == "102"
    check_floor(store)


# Whatever happens, in whatever order

STAFF = ("101", "102")
calls = st.integers(0, 3)


class Floor(RuleBasedStateMachine):
    """Two agents, a crowd of customers, and everything that can be told about them, early, late and twice."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.store = Store(open_database(f"sqlite:///{Path(self.folder.name) / 'dialer.db'}"), house())
        self.at, self.tokens = NOW, list[str]()
        self.wish: dict[str, AgentState] = {}

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    @initialize()
    def open(self) -> None:
        begin(self.store, many=12)
        self.keys = {name: free(self.store, name) for name in STAFF}

    def remember(self, call: str) -> None:
        self.at += SECOND
        if call:
            self.tokens.append(call)

    def some(self, which: int) -> str:
        """One of the last calls; the last has the smallest number."""
        return self.tokens[-1 - which % len(self.tokens)]

    called = precondition(lambda self: bool(self.tokens))

    @rule(who=st.sampled_from(STAFF))
    def dial_for(self, who: str) -> None:
        was = self.store.presences.get(who)
        call = claim(self.store, self.keys[who], self.at)
        assert not call or (was is not None and was.is_free)
        self.remember(call)

    @rule()
    def dial_ahead(self) -> None:
        self.remember(ahead(self.store, self.at))

    @called
    @rule(which=calls)
    def customer_waits(self, which: int) -> None:
        call = self.some(which)
        facts = tell(self.store, told(call, K.WAITING, self.at), at=self.at)
        found = assign(self.store, call, self.at)
        assert not found or facts.is_open

    @called
    @rule(which=calls)
    def they_meet(self, which: int) -> None:
        tell(self.store, told(self.some(which), K.CONNECTED, self.at), at=self.at)

    @called
    @rule(which=calls, network=st.sampled_from([Network.ANSWERED, Network.NO_ANSWER]))
    def call_ends(self, which: int, network: Network) -> None:
        tell(self.store, ended(self.some(which), network, self.at), at=self.at)

    @called
    @rule(which=calls)
    def they_part(self, which: int) -> None:
        self.store.reservations.parted(self.some(which), self.at)

    @called
    @rule(which=calls)
    def lease_runs_out(self, which: int) -> None:
        held = [one.token for one in self.store.engagements.standing() if one.state == "held"]
        if self.some(which) in held:  # talks are not freed
            self.store.reservations.release(self.some(which), "the lease ran out", self.at)

    @called
    @rule(which=calls)
    def record_is_finished(self, which: int) -> None:
        call = self.some(which)
        mine = [one for one in self.store.engagements.wrapping() if one.token == call]
        before = {one.staff_number: self.store.presences.get(one.staff_number) for one in mine}
        new = self.store.attempts.facts(call).wrapped_at is None
        tell(self.store, record(call, at=self.at), wrapped(call, self.at), at=self.at)
        for name, seat in before.items():
            assert seat is not None
            assert not new or state(self.store, name) is (seat.presence.afterwards or S.READY)

    @rule(who=st.sampled_from(STAFF), what=st.sampled_from([M.PAUSE, M.SIGN_OUT, M.GET_READY, M.SIGN_IN]))
    def agent_does(self, who: str, what: Move) -> None:
        self.store.presences.move(who, what, self.at)

    @rule(who=st.sampled_from(STAFF))
    def back_to_work(self, who: str) -> None:
        for what in (M.SIGN_IN, M.GET_READY):
            self.store.presences.move(who, what, self.at)

    @rule(who=st.sampled_from(STAFF))
    def screen_is_lost(self, who: str) -> None:
        latest = self.store.engagements.latest(self.keys[who])
        if state(self.store, who) is S.RESERVED and latest is not None:
            self.store.reservations.release(latest[0], "screen lost", self.at)
        self.store.presences.move(who, M.LOSE, self.at)

    @rule(who=st.sampled_from(STAFF), there=st.booleans())
    def telephone(self, who: str, *, there: bool) -> None:
        if there:
            self.store.presences.leg_called(self.keys[who], f"leg-{who}", self.at)
            self.store.presences.leg_parked(f"leg-{who}", "CA1", self.at)
        else:
            self.store.presences.leg_gone(f"leg-{who}")

    @invariant()
    def the_floor_is_in_order(self) -> None:
        if hasattr(self, "keys"):
            check_floor(self.store)


TestFloor = Floor.TestCase
TestFloor.settings = settings(max_examples=12, stateful_step_count=20)
