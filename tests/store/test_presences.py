"""Where agents stand, their telephones, and that every change is kept."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from dialer.core.agent import AgentState, Move
from tests.campaigns import NOW
from tests.store.floor import agent
from tests.store.steps import MINUTE, rows

if TYPE_CHECKING:
    from dialer.store import Seat, Store

S, M = AgentState, Move


def seat(store: Store, staff_number: str = "101") -> Seat:
    found = store.presences.get(staff_number)
    assert found is not None
    return found


def test_every_change_is_kept_with_who_did_it_and_why(store: Store) -> None:
    agent(store, "101", state="offline")
    move = store.presences.move
    assert move("101", M.SIGN_IN, NOW, reason="signed in", by="101") is not None
    assert move("101", M.SIGN_IN, NOW, by="101") is None
    assert move("101", M.GET_READY, NOW + MINUTE, by="101") is not None
    assert move("101", M.PAUSE, NOW + 2 * MINUTE, reason="lunch", by="900") is not None
    assert move("999", M.SIGN_IN, NOW) is None
    assert rows(store, "SELECT move, before, after, reason, by FROM agent_move ORDER BY id") == [
        ("sign_in", "offline", "paused", "signed in", "101"),
        ("get_ready", "paused", "ready", "", "101"),
        ("pause", "ready", "paused", "lunch", "900"),
    ]
    here = seat(store).presence
    assert (here.state, here.since, here.reason) == (S.PAUSED, NOW + 2 * MINUTE, "lunch")


def test_a_wish_for_afterwards_is_kept(store: Store) -> None:
    agent(store, "101", state="on_call")
    store.presences.move("101", M.PAUSE, NOW, reason="lunch")
    here = seat(store).presence
    assert (here.state, here.afterwards, here.wanted) == (S.ON_CALL, S.PAUSED, "lunch")
    store.presences.move("101", M.HANG_UP, NOW)
    store.presences.move("101", M.WRAP, NOW)
    here = seat(store).presence
    assert (here.state, here.reason, here.afterwards) == (S.PAUSED, "lunch", None)


@pytest.mark.parametrize(
    ("before", "what", "idle"),
    [("paused", M.GET_READY, True), ("wrap_up", M.WRAP, True), ("reserved", M.RELEASE, False)],
)
def test_idle_since_the_last_customer_or_pause(store: Store, before: str, what: Move, idle: bool) -> None:  # noqa: FBT001 - pytest gives it by name
    agent(store, "101", state=before, idle_since=NOW - MINUTE)
    store.presences.move("101", what, NOW)
    assert seat(store).idle_since == (NOW if idle else NOW - MINUTE)


def test_the_way_of_a_telephone(store: Store) -> None:
    key = agent(store, "101")
    store.presences.leg_called(key, "leg1", NOW)
    assert (seat(store).leg, seat(store).leg_token, seat(store).is_free) == ("calling", "leg1", False)
    assert store.presences.leg_placed("leg1", "CA1")
    assert seat(store).leg_call_id == "CA1"
    assert store.presences.leg_parked("leg1", "CA1", NOW + MINUTE)
    here = seat(store)
    assert (here.leg, here.leg_since, here.leg_tries, here.is_free) == ("parked", NOW + MINUTE, 0, True)
    assert store.presences.of_leg("leg1") == here
    assert store.presences.leg_gone("leg1")
    assert (seat(store).leg, seat(store).leg_token, seat(store).leg_tries) == ("none", "", 1)
    assert store.presences.of_leg("leg1") is None


def test_words_about_a_leg_that_is_nobodys_any_more_change_nothing(store: Store) -> None:
    key = agent(store, "101")
    agent(store, "102")
    assert store.presences.leg_called(key, "leg1", NOW)
    assert not store.presences.leg_called(key, "leg0", NOW), "it is being called already"
    assert store.presences.leg_failed("leg1")
    assert store.presences.leg_called(key, "leg2", NOW)
    before = store.presences.all()
    assert not store.presences.leg_parked("leg1", "CA1", NOW)
    assert not store.presences.leg_placed("leg1", "CA1")
    assert not store.presences.leg_gone("leg1")
    assert not store.presences.leg_gone(""), "those whose telephone is not on the line have no token"
    assert not store.presences.leg_parked("", "CA1", NOW)
    assert store.presences.all() == before


def test_the_carriers_webhook_may_overtake_its_answer(store: Store) -> None:
    key = agent(store, "101")
    store.presences.leg_called(key, "leg1", NOW)
    store.presences.leg_parked("leg1", "CA1", NOW)
    assert store.presences.leg_placed("leg1", "CA1")
    assert seat(store).leg == "parked"


def test_tries_are_counted_until_somebody_picks_up(store: Store) -> None:
    key = agent(store, "101")
    for one in range(3):
        store.presences.leg_called(key, f"leg{one}", NOW)
        store.presences.leg_gone(f"leg{one}")
    assert seat(store).leg_tries == 3
    store.presences.tries_forgotten(key)
    assert seat(store).leg_tries == 0


def test_everybody_who_works_here_or_is_still_there(store: Store) -> None:
    for number, where in (("103", "offline"), ("101", "ready"), ("102", "paused"), ("104", "offline")):
        agent(store, number, state=where)
    with store.database.write() as connection:
        connection.exec_driver_sql("UPDATE agent SET active = false WHERE staff_number IN ('102', '104')")
    assert [one.agent.staff_number for one in store.presences.all()] == ["101", "102", "103"]
    assert store.presences.get("104") is not None
    assert store.presences.get("999") is None


def test_signs_of_life_are_those_of_the_named(store: Store) -> None:
    for number in ("101", "102", "103"):
        agent(store, number)
    store.presences.seen(["101", "103", "999"], NOW + timedelta(seconds=5))
    seen = {one.agent.staff_number: one.seen_at for one in store.presences.all()}
    assert seen == {"101": NOW + timedelta(seconds=5), "102": None, "103": NOW + timedelta(seconds=5)}


def test_customer_files_name_agents_by_number_or_name(store: Store) -> None:
    agent(store, "101", "Ann Lee")
    assert seat(store).names == ("101", "Ann Lee")
