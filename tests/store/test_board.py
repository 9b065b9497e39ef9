"""The board's reads against rows that tests put there, on both kinds of database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import event

from dialer.core.agent import AgentState, Role
from dialer.core.record import CallbackState
from dialer.store.board import Flight, Hour, Vips
from tests.campaigns import NOW
from tests.store import floor
from tests.store.floor import AGENTS, SECOND
from tests.store.steps import DAY, HOUR, MINUTE, crowd, enrol, people, start

if TYPE_CHECKING:
    from dialer.store import Store


def staffed(store: Store, many: int = 6, **changes: str) -> None:
    start(store, agents=AGENTS)
    people(store, *crowd(many, **changes))
    enrol(store)


def test_an_agent_is_shown_with_the_customer_in_hand(store: Store) -> None:
    staffed(store)
    talking = floor.agent(store, "1001", "Li Na", "on_call", since=NOW, leg="parked", afterwards="paused", teams=["a"])
    token = floor.call(store, "C1", answered_at=NOW, waited_at=NOW, connected_at=NOW + SECOND, state="live")
    floor.reserve(store, talking, token)
    floor.agent(store, "1002", state="paused", reason="lunch")

    first, second = store.board.floor().agents

    assert (first.staff_number, first.name, first.state, first.teams) == ("1001", "Li Na", AgentState.ON_CALL, ("a",))
    assert (first.campaign, first.customer, first.customer_name) == ("survey", "C1", "Name of C1")
    assert (first.talk_since, first.leg, first.afterwards) == (NOW + SECOND, "parked", AgentState.PAUSED)
    assert (second.state, second.reason, second.customer, second.talk_since) == (AgentState.PAUSED, "lunch", "", None)


def test_only_the_reservation_that_stands_shows_a_customer(store: Store) -> None:
    staffed(store)
    key = floor.agent(store, "1001")
    floor.reserve(store, key, floor.over(store, "C1", NOW - HOUR), state="over")

    (one,) = store.board.floor().agents

    assert (one.customer, one.campaign) == ("", "")


def test_who_does_not_take_calls_is_shown_only_when_they_do(store: Store) -> None:
    floor.agent(store, "1", role=Role.MANAGER, state="offline")
    floor.agent(store, "2", role=Role.TEAM_LEAD, state="ready")
    floor.agent(store, "3", state="offline")

    assert [one.staff_number for one in store.board.floor().agents] == ["2", "3"]


def test_calls_in_flight_are_counted_by_how_far_they_are(store: Store) -> None:
    staffed(store)
    answered: dict[str, Any] = {"answered_at": NOW, "state": "live"}
    floor.call(store, "C0")
    floor.call(store, "C1", **answered)
    floor.call(store, "C2", **answered, waited_at=NOW + SECOND)
    floor.call(store, "C3", **answered, waited_at=NOW, connected_at=NOW)
    floor.call(store, "C4", **answered, mode="agentless")
    floor.call(store, "C5", state="intent", mode="preview")

    seen = store.board.floor()

    stages = {Flight.RINGING: 1, Flight.GREETING: 1, Flight.WAITING: 1, Flight.CONNECTED: 2}
    assert seen.flights == {("survey", stage): many for stage, many in stages.items()}
    assert [(one.customer, one.since) for one in seen.in_line] == [("C2", NOW + SECOND)]


def test_a_call_that_is_over_is_not_in_flight(store: Store) -> None:
    staffed(store)
    floor.over(store, "C1", NOW - MINUTE)

    seen = store.board.floor()

    assert (seen.flights, seen.in_line) == ({}, ())


def test_abandonment_is_counted_over_those_who_came_to_wait(store: Store) -> None:
    staffed(store)
    floor.over(store, "C0", NOW, connected_at=NOW + MINUTE)
    floor.over(store, "C1", NOW, "abandoned")
    floor.over(store, "C2", NOW, waited_at=None)
    floor.over(store, "C3", NOW - DAY, "abandoned")

    assert store.board.abandonment(["survey"], NOW - HOUR, NOW + HOUR) == {"survey": (1, 2)}
    assert store.board.abandonment(["survey"], NOW - 2 * DAY, NOW + HOUR) == {"survey": (2, 3)}
    assert store.board.abandonment(["other"], NOW - DAY, NOW + HOUR) == {}


def test_whoever_waited_and_met_nobody_was_abandoned_whatever_they_did_then(store: Store) -> None:
    staffed(store)
    waits: dict[str, Any] = {"answered_at": NOW, "waited_at": NOW, "state": "live"}
    floor.over(store, "C0", NOW, "opted_out")
    floor.over(store, "C1", NOW, "hung_up")
    floor.over(store, "C2", NOW, "abandoned", answered_by="machine")
    floor.call(store, "C3", **waits, disposition="abandoned")
    floor.call(store, "C4", **waits, disposition="opted_out")
    floor.call(store, "C5", **waits)

    assert store.board.abandonment(["survey"], NOW - HOUR, NOW + HOUR) == {"survey": (4, 5)}


def test_only_who_an_agent_may_still_come_to_stands_in_line(store: Store) -> None:
    staffed(store)
    waits: dict[str, Any] = {"answered_at": NOW, "waited_at": NOW, "state": "live"}
    floor.call(store, "C0", **waits, disposition="abandoned")
    floor.call(store, "C1", **waits, disposition="opted_out")
    floor.call(store, "C2", **waits, answered_by="machine")
    floor.call(store, "C3", **waits)

    seen = store.board.floor()

    assert [one.customer for one in seen.in_line] == ["C3"]
    assert seen.flights == {("survey", Flight.GREETING): 3, ("survey", Flight.WAITING): 1}


def test_what_is_read_each_second_is_found_by_its_index(store: Store) -> None:
    if not store.database.is_sqlite:
        return  # an almost empty table PostgreSQL rightly reads as a whole
    told: list[tuple[str, Any]] = []

    @event.listens_for(store.database.engine, "before_cursor_execute")
    def _(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        told.append((statement, values))

    store.board.floor()
    store.board.abandonment(["survey"], NOW - HOUR, NOW)
    asked = [one for one in told if one[0].startswith("SELECT")]
    with store.database.read() as connection:
        plans = [
            str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", values).all()) for query, values in asked
        ]

    agents, flights, in_line, abandoned = plans
    assert "reservation_agent" in agents
    assert "attempt_open_state" in flights
    assert "attempt_open_state" in in_line
    assert "attempt_waited" in abandoned
    assert not [plan for plan in plans if "SCAN attempt'" in plan or "SCAN reservation" in plan]


def test_calls_of_an_hour(store: Store) -> None:
    staffed(store)
    floor.over(store, "C0", NOW)
    floor.call(store, "C1")
    floor.call(store, "C2", at=NOW - HOUR)
    floor.call(store, "C3", sent_at=None, state="released", is_open=False)

    assert store.board.calls(NOW, NOW + HOUR) == Hour(2, 1)


def test_promises_within_the_next_hours_and_those_missed(store: Store) -> None:
    staffed(store)
    floor.promise(store, "C0", NOW + HOUR, NOW + HOUR + 15 * MINUTE, agent="1001")
    floor.promise(store, "C1", NOW - MINUTE, NOW + 14 * MINUTE)
    floor.promise(store, "C2", NOW + DAY, NOW + DAY + HOUR)
    floor.promise(store, "C3", NOW - HOUR, NOW - MINUTE, "missed", settled_at=NOW - MINUTE)
    floor.promise(store, "C4", NOW - DAY, NOW - DAY, "missed", settled_at=NOW - DAY)

    many, found = store.board.promised(NOW + 4 * HOUR)

    assert many == 2
    assert [(one.customer, one.agent, one.calling) for one in found] == [("C1", "", False), ("C0", "1001", False)]
    assert store.board.missed(NOW - HOUR) == 1


def test_tasks_that_are_open_and_overdue(store: Store) -> None:
    staffed(store)
    floor.task(store, "C0", NOW - MINUTE)
    floor.task(store, "C1", NOW + MINUTE, state="taken")
    floor.task(store, "C2")
    floor.task(store, "C3", NOW - MINUTE, state="done")

    assert store.board.tasks(NOW) == (3, 1)


def test_vip_coverage_and_its_gaps(store: Store) -> None:
    staffed(store, 4, tier="vip")
    with store.database.write() as connection:
        connection.exec_driver_sql("UPDATE callback SET reached_at = enrolled_at, state = 'done' WHERE id = 1")
        connection.exec_driver_sql("UPDATE callback SET state = 'closed', note = 'no window' WHERE id = 2")

    assert store.board.vips(store.board.keys()) == {"survey": Vips(4, 1, 2)}
    gaps = store.board.vip_gaps("survey")
    assert [one.customer for one in gaps] == ["C1", "C2", "C3"]
    assert (gaps[0].state, gaps[0].note) == (CallbackState.CLOSED, "no window")


def test_other_customers_are_no_vips(store: Store) -> None:
    assert store.board.keys() == range(0)
    staffed(store, 2)
    assert store.board.vips(store.board.keys()) == {}


def test_why_callbacks_stand_where_they_stand(store: Store) -> None:
    staffed(store, 3)
    with store.database.write() as connection:
        connection.exec_driver_sql("UPDATE callback SET state = 'held', reason = 'no_zone', note = 'x' WHERE id = 1")

    found = store.board.blocked("survey")

    assert (CallbackState.HELD, "no_zone", "x", 1) in found
    assert sum(many for *_, many in found) == 3
