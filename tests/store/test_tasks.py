"""Tasks: opened once, for a named person, taken and done by name, and withdrawn when nothing is left to do."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from dialer.core.admission import Refuse
from dialer.core.customer import Customer
from dialer.core.outcome import Disposition, Fault, Network
from dialer.core.record import CallbackState, Reason
from dialer.errors import InputError, NotFoundError
from dialer.store import Enrolment, Result, Store
from tests.campaigns import NOW, customer, house, number
from tests.rule_books import preset, ruled
from tests.store.steps import (
    DAY,
    HOUR,
    MINUTE,
    callback,
    check_books,
    conversation,
    dial,
    dial_one,
    ended,
    enrol,
    keys,
    no_answer,
    people,
    rows,
    start,
    tell,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dialer.store.task_list import Task

EVERY = ("open", "taken", "done")
ONCE = {"most": 1}


def held_vip(store: Store, **changes: str) -> Task:
    """A VIP whose only attempt was in vain; the one task that follows."""
    start(store, attempts=ONCE)
    people(store, customer("V1", tier="vip", **changes))
    enrol(store)
    tell(store, *no_answer(dial_one(store)))
    (task,) = store.tasks.find()
    return task


@pytest.fixture
def staffed(database_url: str) -> Iterator[Store]:
    """A store whose settings name a person for everything."""
    opened = Store.open(database_url, replace(house(), person="duty desk"))
    yield opened
    opened.close()


def test_a_vip_who_was_not_reached_becomes_a_task_once(store: Store) -> None:
    task = held_vip(store, agent="Li Na")
    assert (task.kind, task.customer, task.person, task.state) == (Reason.UNREACHED, "V1", "Li Na", "open")
    assert task.due == callback(store, "V1").deadline
    store.callbacks.turn(NOW + HOUR)
    store.customers.upsert([customer("V1", tier="vip", agent="Li Na", salutation="Ms")], NOW + HOUR)
    store.callbacks.turn(NOW + HOUR)
    assert len(store.tasks.find()) == 1
    check_books(store)


@pytest.mark.parametrize(
    ("agent", "campaigns", "person"), [("Li Na", "Wang", "Li Na"), ("", "Wang", "Wang"), ("", "", "duty desk")]
)
def test_somebody_is_named_for_every_task(staffed: Store, agent: str, campaigns: str, person: str) -> None:
    start(staffed, attempts=ONCE, why_now={"person": campaigns})
    people(staffed, customer("V1", tier="vip", agent=agent))
    enrol(staffed)
    tell(staffed, *no_answer(dial_one(staffed)))
    (task,) = staffed.tasks.find()
    assert task.person == person
    assert [one.id for one in staffed.tasks.find(person=person)] == [task.id]
    assert staffed.tasks.find(person="somebody else") == []
    assert staffed.tasks.find(campaign="renewal") == []
    assert staffed.tasks.counts() == {("survey", "unreached"): 1}


def test_others_than_vips_are_closed_without_a_task(store: Store) -> None:
    start(store, attempts=ONCE)
    people(store, customer("C1"))
    enrol(store)
    tell(store, *no_answer(dial_one(store)))
    assert callback(store).state is CallbackState.CLOSED
    assert store.tasks.find(states=EVERY) == []


def test_a_task_is_taken_by_one_person_and_done_by_them(store: Store) -> None:
    key = held_vip(store).id
    taken = store.tasks.take(key, "Li Na", NOW + HOUR)
    assert (taken.state, taken.taken_by, taken.taken) == ("taken", "Li Na", NOW + HOUR)
    assert store.tasks.take(key, "Li Na", NOW + 2 * HOUR) == taken
    for attempt in (
        lambda: store.tasks.take(key, "Wang", NOW + HOUR),
        lambda: store.tasks.finish(key, "Wang", Result.REACHED, NOW + HOUR),
    ):
        with pytest.raises(InputError, match="Li Na took it at 2026-03-03 15:30 UTC"):
            attempt()
    assert store.tasks.find(person="Wang") == []
    done, decision = store.tasks.finish(key, "Li Na", Result.REACHED, NOW + 2 * HOUR, note="glad")
    assert decision is None
    assert (done.state, done.done_by, done.done, done.result, done.note) == (
        "done",
        "Li Na",
        NOW + 2 * HOUR,
        "reached",
        "glad",
    )
    with pytest.raises(InputError, match=r"it was done by Li Na at 2026-03-03 16:30 UTC \(reached: glad\)"):
        store.tasks.take(key, "Wang", NOW + 3 * HOUR)
    with pytest.raises(InputError, match="it was done by Li Na"):
        store.tasks.finish(key, "Li Na", Result.CLOSED, NOW + 3 * HOUR)


def test_reached_by_a_person_is_done(store: Store) -> None:
    store.tasks.finish(held_vip(store).id, "Li Na", Result.REACHED, NOW + HOUR)
    found = callback(store, "V1")
    assert (found.state, found.reason, found.reached, found.closed) == (
        CallbackState.DONE,
        None,
        NOW + HOUR,
        NOW + HOUR,
    )
    assert found.note == "Li Na spoke to the customer"
    assert store.tasks.find() == []
    check_books(store)


def test_closed_by_a_person_is_closed_with_the_reason_it_was_held_for(store: Store) -> None:
    store.tasks.finish(held_vip(store).id, "Li Na", Result.CLOSED, NOW + HOUR, note="moved away")
    found = callback(store, "V1")
    assert (found.state, found.reason) == (CallbackState.CLOSED, Reason.UNREACHED)
    assert found.note == "Li Na closed it: moved away"
    check_books(store)


def test_after_call_again_the_gate_decides_and_says_what_is_still_in_the_way(store: Store) -> None:
    task = held_vip(store)
    done, decision = store.tasks.finish(task.id, "Li Na", Result.CALL_AGAIN, NOW + HOUR)
    assert done.result == "call_again"
    assert isinstance(decision, Refuse)
    assert decision.reason is Reason.UNREACHED
    (again,) = store.tasks.find()
    assert (again.id != task.id, again.kind) == (True, Reason.UNREACHED)
    start(store, attempts={"most": 3}, at=NOW + HOUR)  # whoever mends the campaign frees all whom it held
    store.callbacks.turn(NOW + HOUR)
    assert callback(store, "V1").state is CallbackState.WAITING
    assert store.tasks.find() == []
    check_books(store)


def test_what_the_dialer_withdrew_can_still_be_reported_by_who_had_taken_it(store: Store) -> None:
    """An import that mends a number must not lose that a person has just spoken to the customer."""
    key = held_vip(store).id
    store.tasks.take(key, "Li Na", NOW)
    people(store, customer("V1", number(5), tier="vip"), at=NOW + MINUTE)
    (withdrawn,) = store.tasks.find(states=("done",))
    assert (withdrawn.done_by, withdrawn.taken_by) == ("dialer", "Li Na")
    with pytest.raises(InputError, match="done by dialer"):
        store.tasks.finish(key, "Wang", Result.REACHED, NOW + 2 * MINUTE)
    store.tasks.finish(key, "Li Na", Result.REACHED, NOW + 2 * MINUTE)
    assert callback(store, "V1").state is CallbackState.DONE
    check_books(store)


def test_a_prohibition_beats_the_duty(store: Store) -> None:
    key = held_vip(store).id
    store.suppressions.add_customers(["V1"], "person", NOW + MINUTE)
    with pytest.raises(InputError, match="asked not to be called"):
        store.tasks.take(key, "Li Na", NOW + 2 * MINUTE)
    store.callbacks.turn(NOW + 3 * MINUTE)
    assert callback(store, "V1").reason is Reason.OPTED_OUT
    assert store.tasks.find() == []
    check_books(store)


def test_a_number_on_the_list_stops_a_deadline_task_before_the_queue_turns(store: Store) -> None:
    start(store, when={"windows": {"sun": ["09:00-20:00"]}})
    people(store, customer("V1", tier="vip"))
    enrol(store)
    (task,) = store.tasks.find()
    store.suppressions.add_number(number().e164, "api", NOW)
    with pytest.raises(InputError, match="asked not to be called"):
        store.tasks.take(task.id, "Li Na", NOW)


def test_while_the_dialer_calls_nothing_is_reported(store: Store) -> None:
    start(store, why_now={"alarm": "40 hours"})
    people(store, customer("V1", tier="vip"))
    enrol(store)
    store.callbacks.turn(NOW)
    (task,) = store.tasks.find()
    token = dial_one(store)
    with pytest.raises(InputError, match="calling this customer at this moment"):
        store.tasks.finish(task.id, "Li Na", Result.REACHED, NOW)
    tell(store, *conversation(token, Disposition.COMPLETED))
    (withdrawn,) = store.tasks.find(states=("done",))
    assert (withdrawn.done_by, withdrawn.note) == ("dialer", "the callback has ended")
    check_books(store)


def test_a_vip_is_given_to_a_person_while_there_is_time_and_others_never(store: Store) -> None:
    start(store, why_now={"alarm": "2 hours"}, attempts={"within": "7 days"})
    people(store, customer("V1", number(1), tier="vip", agent="Li Na"), customer("C1", number(2)))
    enrol(store)  # deadline on Friday at half past two
    before, due = NOW + 3 * DAY - 2 * HOUR - MINUTE, NOW + 3 * DAY
    store.callbacks.turn(before)
    assert store.tasks.find() == []
    store.callbacks.turn(before + 2 * MINUTE)
    store.callbacks.turn(before + 3 * MINUTE)
    (task,) = store.tasks.find()
    assert (task.kind, task.customer, task.person, task.due) == ("deadline", "V1", "Li Na", due)
    assert task.opened < due
    assert not task.overdue(due - MINUTE)
    assert task.overdue(due)
    assert callback(store, "V1").state is CallbackState.WAITING
    check_books(store)


def test_a_person_who_let_the_dialer_go_on_is_not_told_of_the_deadline_again(store: Store) -> None:
    start(store, why_now={"alarm": "40 hours"})
    people(store, customer("V1", tier="vip"))
    enrol(store)
    store.callbacks.turn(NOW)
    (task,) = store.tasks.find()
    store.tasks.finish(task.id, "Li Na", Result.CALL_AGAIN, NOW + MINUTE)
    store.callbacks.turn(NOW + 2 * MINUTE)
    assert store.tasks.find() == []


def test_a_deadline_that_cannot_be_met_is_said_at_enrolment(store: Store) -> None:
    start(store, when={"windows": {"sun": ["09:00-20:00"]}})
    people(store, customer("V1", number(1), tier="vip"), customer("C1", number(2)))
    batch = [Enrolment(key, "once", NOW, NOW + DAY) for key in keys(store).values()]
    done = store.callbacks.enrol("survey", batch, NOW)
    assert (done.new, done.infeasible) == (2, 2)
    (task,) = store.tasks.find()
    assert (task.kind, task.customer) == ("deadline", "V1")
    assert not any(found.feasible for found in store.records.callbacks())
    assert {found.slack for found in store.records.callbacks()} == {0 * DAY}
    assert callback(store, "V1").tasks == 1
    assert callback(store, "C1").tasks == 0


def test_a_rules_own_deadline_is_sooner_than_the_campaigns(database_url: str) -> None:
    store = Store.open(database_url, ruled(preset(deadline="1 day")))
    start(store)
    people(store, customer("C1"))
    enrol(store)
    found = callback(store)
    assert found.deadline == NOW + DAY
    assert found.slack == 11 * HOUR  # this afternoon until eight, and tomorrow until half past two
    assert found.feasible
    store.close()


def test_one_who_is_held_is_one_task_and_not_two(store: Store) -> None:
    start(store)
    people(store, Customer("V1", "Name", tier="vip"))
    enrol(store)
    (task,) = store.tasks.find()
    assert (task.kind, callback(store, "V1").state) == (Reason.NO_NUMBER, CallbackState.HELD)


def test_a_campaign_that_no_longer_selects_somebody_withdraws_their_task(store: Store) -> None:
    held_vip(store)
    store.callbacks.withdraw("survey", list(keys(store).values()), NOW + HOUR)
    assert store.tasks.find() == []
    assert rows(store, "SELECT done_by, result FROM task") == [("dialer", "withdrawn")]


def test_an_unheard_of_code_of_the_carrier_is_a_task(store: Store) -> None:
    start(store)
    people(store, customer("C1"))
    enrol(store)
    token = dial_one(store)
    tell(store, replace(ended(token, Network.ERROR), fault=Fault.UNKNOWN))
    (task,) = store.tasks.find()
    assert (task.kind, callback(store).state) == (Reason.NEEDS_HUMAN, CallbackState.HELD)


def test_a_task_that_does_not_exist_is_said_to(store: Store) -> None:
    with pytest.raises(NotFoundError, match="no task 99"):
        store.tasks.take(99, "Li Na", NOW)


@pytest.mark.parametrize("how", ["said by the customer", "imported anew"])
def test_slack_is_reckoned_anew_when_the_zone_becomes_known(store: Store, how: str) -> None:
    start(store)
    people(store, customer("C1", zone="Mars/Olympus"))
    enrol(store)
    assert callback(store).reason is Reason.NO_ZONE
    assert callback(store).slack == timedelta(0)
    if how == "imported anew":
        people(store, customer("C1", zone="Europe/London"), at=NOW + MINUTE)
    else:
        assert store.customers.confirm_zone("C1", "Europe/London", by="Li Na", now=NOW + MINUTE)
    store.callbacks.turn(NOW + MINUTE)
    assert callback(store).state is CallbackState.WAITING
    slack = callback(store).slack
    assert slack is not None
    assert slack > DAY
    assert len(dial(store, at=NOW + 2 * MINUTE)) == 1
