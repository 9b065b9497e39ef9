"""What an agent's screen is told of calls, and what is kept beside their events."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from dialer.core.lifecycle import EventKind
from dialer.core.outcome import Disposition, Network
from tests.campaigns import NOW, customer, number
from tests.store import floor
from tests.store.steps import DAY, HOUR, MINUTE, ended, enrol, heard, keys, people, start, tell, told
from tests.store.test_reservations import ahead, begin, claim, free, record, talk, wrapped

if TYPE_CHECKING:
    from dialer.store import Store

K = EventKind


def conversation(store: Store, call: str, disposition: Disposition = Disposition.COMPLETED) -> None:
    talk(store, call)
    tell(store, ended(call, Network.ANSWERED, NOW + MINUTE), record(call, disposition), wrapped(call))


def test_the_call_in_hand(store: Store) -> None:
    begin(store)
    call = claim(store, free(store, "101"))
    held = store.agent_calls.in_hand(call)
    assert held is not None
    assert (held.reserved, held.reserved_at, held.created, held.notes) == ("held", NOW, NOW, "")
    assert held.promised_for is None
    talk(store, call)
    store.agent_calls.write_notes(call, "prefers mornings")
    store.agent_calls.write_notes(call, "prefers evenings")
    held = store.agent_calls.in_hand(call)
    assert held is not None
    assert (held.reserved, held.notes) == ("connected", "prefers evenings")
    assert held.facts.connected_at == NOW
    conversation(store, call)
    held = store.agent_calls.in_hand(call)
    assert held is not None
    assert held.reserved == "over"
    assert store.agent_calls.in_hand("unheard of") is None


def test_a_call_that_was_given_to_another_shows_the_last_reservation(store: Store) -> None:
    begin(store)
    call = claim(store, free(store, "101"))
    store.presences.leg_gone("leg-101")
    free(store, "102")
    assert store.reservations.assign(call, NOW + MINUTE, lambda _, seats: seats[0]) is not None
    held = store.agent_calls.in_hand(call)
    assert held is not None
    assert (held.reserved, held.reserved_at) == ("held", NOW + MINUTE)


def test_earlier_calls_that_were_felt_newest_first(store: Store) -> None:
    start(store)
    people(store, customer("C1", number(1)), customer("C2", number(2)))
    enrol(store)
    old = floor.over(store, "C1", NOW - DAY, counted=True, agent="101", notes="angry", talk_seconds=42.0)
    new = floor.over(store, "C1", NOW - HOUR, counted=True, disposition="refused")
    floor.over(store, "C1", NOW - HOUR, counted=False)
    floor.over(store, "C2", NOW - HOUR, counted=True)
    floor.call(store, "C1", counted=True)
    person = keys(store)["C1"]
    assert [one.at for one in store.agent_calls.past(person, "")] == [NOW - HOUR, NOW - DAY]
    (one,) = store.agent_calls.past(person, new)
    assert (one.agent, one.notes, one.talk_seconds, one.ending) == ("101", "angry", 42.0, "reached")
    assert not store.agent_calls.past(person, "", most=0)
    del old


def test_what_waits_for_an_agent_by_time(store: Store) -> None:
    start(store)
    people(store, *[customer(f"C{one}", number(one), agent="Ann" if one == 3 else "") for one in range(1, 6)])
    enrol(store)
    floor.promise(store, "C1", NOW + 2 * HOUR, NOW + 3 * HOUR, agent="101")
    floor.promise(store, "C2", NOW + HOUR, NOW + 3 * HOUR, agent="102")
    floor.promise(store, "C3", NOW + HOUR, NOW + 3 * HOUR)
    floor.promise(store, "C4", NOW + 20 * HOUR, NOW + 30 * HOUR, agent="101")
    floor.task(store, "C4", NOW + 3 * HOUR, taken_by="101")
    floor.task(store, "C5", NOW + 4 * HOUR, person="Ann")
    floor.task(store, "C5", None, person="Ann", taken_by="102", kind="case")
    found = store.agent_calls.ahead(("101", "Ann"), NOW + 12 * HOUR)
    assert [(one.reference, one.what) for one in found] == [
        ("C3", "promise"),
        ("C1", "promise"),
        ("C4", "no_zone"),
        ("C5", "no_zone"),
    ]
    assert len(store.agent_calls.ahead(("101", "Ann"), NOW + 12 * HOUR, most=2)) == 2
    assert not store.agent_calls.ahead(("999",), NOW + 12 * HOUR)


def test_the_figures_of_the_day(store: Store) -> None:
    begin(store, many=5)
    key = free(store, "101")
    for disposition in (Disposition.COMPLETED, Disposition.REFUSED, Disposition.WRONG_PERSON):
        conversation(store, claim(store, key), disposition)
    missed = claim(store, key)
    tell(store, told(missed, K.PLACED), ended(missed, Network.NO_ANSWER))
    assert dict(store.agent_calls.today("101", NOW - MINUTE)) == {"calls": 3, "reached": 2, "promises": 0}
    assert dict(store.agent_calls.today("101", NOW + MINUTE)) == {"calls": 0, "reached": 0, "promises": 0}
    assert dict(store.agent_calls.today("102", NOW - MINUTE)) == {"calls": 0, "reached": 0, "promises": 0}


def test_calls_in_flight_say_how_far_they_are(store: Store) -> None:
    begin(store)
    free(store, "101")
    call = ahead(store)
    (one,) = store.attempts.in_flight()
    assert (one.token, one.agent, one.sent, one.rang, one.answered) == (call, "", NOW, None, None)
    tell(store, told(call, K.PLACED), told(call, K.RINGING, NOW + timedelta(seconds=1)))
    tell(store, told(call, K.ANSWERED, NOW + MINUTE), told(call, K.WAITING, NOW + MINUTE))
    store.reservations.assign(call, NOW + MINUTE, lambda _, seats: seats[0])
    (one,) = store.attempts.in_flight()
    assert (one.agent, one.waited, one.connected) == ("101", NOW + MINUTE, None)
    tell(store, ended(call, Network.ANSWERED, NOW + MINUTE))
    assert not store.attempts.in_flight()


@pytest.mark.parametrize("node", ["ask", "why"])
def test_answers_of_the_call_are_in_its_facts(store: Store, node: str) -> None:
    begin(store)
    call = claim(store, free(store, "101"))
    talk(store, call)
    tell(store, heard(call, Disposition.NONE, node=node, answer="yes"))
    held = store.agent_calls.in_hand(call)
    assert held is not None
    assert held.facts.answers == {node: "yes"}
