"""The do-not-call list: what is on it stays, and it wins at the next claim, at the commit, and over a person's task."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from dialer.core.record import CallbackState, Reason
from tests.campaigns import NOW, customer, number
from tests.store.steps import (
    DAY,
    HOUR,
    callback,
    callbacks,
    check_books,
    claim,
    counts,
    crowd,
    dial,
    enrol,
    people,
    rows,
    start,
)

if TYPE_CHECKING:
    from dialer.store import Store


def test_the_list_is_append_only_and_keeps_what_was_said_first(store: Store) -> None:
    assert store.suppressions.add_customers(["C1", "C2", "C1"], "person", NOW) == 2
    assert store.suppressions.add_customers(["C2", "C3"], "import", NOW + DAY) == 1
    assert store.suppressions.add_number(number().e164, "carrier", NOW) == 1
    assert store.suppressions.add_number(number().e164, "person", NOW) == 0
    assert store.suppressions.add_customers([], "person", NOW) == 0
    kept = rows(store, "SELECT subject, source FROM suppression ORDER BY subject")
    assert kept == [
        ("customer:C1", "person"),
        ("customer:C2", "person"),
        ("customer:C3", "import"),
        (f"number:{number().e164}", "carrier"),
    ]


def test_a_person_is_on_the_list_by_reference_or_by_any_number(store: Store) -> None:
    store.suppressions.add_customers(["C1"], "person", NOW)
    store.suppressions.add_number(number(5).e164, "person", NOW)
    assert store.suppressions.has(customer("C1", number(1)))
    assert store.suppressions.has(customer("C2", number(1), number(5)))
    assert not store.suppressions.has(customer("C2", number(1)))


def test_the_list_may_know_a_customer_before_the_file_does(store: Store) -> None:
    start(store)
    store.suppressions.add_customers(["C1"], "import", NOW)
    people(store, customer("C1"))
    enrol(store)
    assert (callback(store).state, callback(store).reason) == (CallbackState.CLOSED, Reason.OPTED_OUT)
    check_books(store)


@pytest.mark.parametrize("by", ["person", "number"])
@pytest.mark.parametrize("when", ["before the claim", "before the commit"])
def test_a_wish_wins_at_the_last_moment(store: Store, by: str, when: str) -> None:
    start(store)
    people(store, customer("C1", number(1), number(2)), customer("C2", number(3)))
    enrol(store)
    tokens = claim(store) if when == "before the commit" else []
    if by == "person":
        store.suppressions.add_customers(["C1"], "person", NOW)
    else:  # not the one that is dialed
        store.suppressions.add_number(number(2).e164, "person", NOW)
    briefings = store.attempts.commit(tokens or claim(store), NOW)
    assert [briefing.customer.reference for briefing in briefings] == ["C2"]
    store.callbacks.turn(NOW + HOUR)
    assert claim(store, at=NOW + HOUR) == []
    assert (callback(store).state, callback(store).reason) == (CallbackState.CLOSED, Reason.OPTED_OUT)
    check_books(store)


def test_a_wish_closes_all_that_waits_at_the_next_turn_also_at_night(store: Store) -> None:
    for name in ("renewal", "survey"):
        start(store, name)
    people(store, *crowd(2))
    for name in ("renewal", "survey"):
        enrol(store, name, at=NOW.replace(hour=23), due=NOW)
    store.suppressions.add_customers(["C1"], "person", NOW.replace(hour=23))
    store.callbacks.turn(NOW.replace(hour=23))
    for name in ("renewal", "survey"):
        states = {reference: record.state for reference, record in callbacks(store, name).items()}
        assert states == {"C0": CallbackState.WAITING, "C1": CallbackState.CLOSED}


def test_a_wish_takes_the_task_from_the_person_who_was_to_mend_something(store: Store) -> None:
    """A prohibition beats a duty: nobody shall call this VIP by hand either."""
    start(store)
    people(store, replace(customer("C1", tier="vip"), numbers=()))
    enrol(store)
    assert counts(store) == {CallbackState.HELD: 1}
    store.suppressions.add_customers(["C1"], "person", NOW)
    store.callbacks.turn(NOW)
    assert (callback(store).state, callback(store).reason) == (CallbackState.CLOSED, Reason.OPTED_OUT)
    check_books(store)


def test_two_people_with_one_number_are_both_left_in_peace(store: Store) -> None:
    start(store)
    people(store, customer("C1", number(1)), customer("C2", number(1)))
    store.suppressions.add_number(number(1).e164, "person", NOW)
    enrol(store)
    assert dial(store) == []
    assert counts(store) == {CallbackState.CLOSED: 2}
