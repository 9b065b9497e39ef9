"""Callbacks: enrolled once per occasion, turned with the hours, claimed in order and by one dialer only."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from dialer.core.hours import DailyRange
from dialer.core.outcome import Disposition
from dialer.core.record import CallbackState, Reason
from dialer.errors import StoreError
from dialer.store import Enrolment
from tests.campaigns import NOW, customer, number
from tests.store.steps import (
    DAY,
    HOUR,
    LEASE,
    MINUTE,
    callback,
    callbacks,
    check_books,
    claim,
    conversation,
    counts,
    crowd,
    dial,
    dial_one,
    enrol,
    keys,
    no_answer,
    people,
    rows,
    start,
    tell,
)

if TYPE_CHECKING:
    from dialer.store import Store

EVENING = NOW.replace(hour=21, minute=0)
MORNING = (NOW + DAY).replace(hour=9, minute=0)
NINE_IN_SHANGHAI = (NOW + DAY).replace(hour=1, minute=0)


def called(store: Store, limit: int = 100, at: timedelta = timedelta(0)) -> list[str]:
    """The customers who are called now, in order."""
    return [briefing.customer.reference for briefing in dial(store, limit, NOW + at)]


# Enrolment


def test_a_reason_to_call_enrols_once(store: Store) -> None:
    start(store)
    people(store, *crowd(3))
    assert enrol(store) == 3
    assert enrol(store, at=NOW + DAY) == 0
    assert enrol(store, occasion="another") == 3
    assert counts(store) == {CallbackState.WAITING: 6}
    check_books(store)


def test_an_occasion_that_is_over_is_not_enrolled_again(store: Store) -> None:
    start(store)
    people(store, customer())
    enrol(store)
    tell(store, *conversation(dial_one(store), Disposition.COMPLETED))
    assert enrol(store) == 0
    assert counts(store) == {CallbackState.DONE: 1}


def test_the_same_occasion_of_two_campaigns_is_two_callbacks(store: Store) -> None:
    start(store, "renewal")
    start(store, "survey")
    people(store, customer())
    assert enrol(store, "renewal") + enrol(store, "survey") == 2


def test_enrolment_says_at_once_who_can_never_be_called(store: Store) -> None:
    start(store)
    people(store, customer("C1"), replace(customer("C2"), numbers=()))
    assert enrol(store) == 2
    assert (callback(store, "C2").state, callback(store, "C2").reason) == (CallbackState.HELD, Reason.NO_NUMBER)
    assert callback(store, "C1").next_at == NOW
    check_books(store)


def test_enrolling_nobody_is_nothing(store: Store) -> None:
    start(store)
    assert store.callbacks.enrol("survey", [], NOW).new == 0
    with pytest.raises(StoreError):
        store.callbacks.enrol("survey", [Enrolment(404, "once", NOW, NOW)], NOW)
    check_books(store)


@pytest.mark.slow
def test_a_large_batch_is_enrolled_in_one_go(store: Store) -> None:
    start(store)
    people(store, *crowd(900))
    assert enrol(store) == 900
    assert store.callbacks.turn(NOW) == 0
    assert store.callbacks.ready_by_campaign(NOW) == {"survey": 900}


# Withdrawal


def test_customers_who_are_no_longer_meant_are_withdrawn(store: Store) -> None:
    start(store)
    people(store, *crowd(3), replace(customer("C3", tier="vip"), numbers=()))
    enrol(store)
    token = claim(store, limit=1)[0]
    claimed = next(record.customer for record in store.records.attempts() if record.attempt == token)
    assert store.callbacks.withdraw("survey", list(keys(store).values()), NOW) == 3
    assert store.callbacks.withdraw("survey", list(keys(store).values()), NOW) == 0
    assert store.callbacks.withdraw("survey", [], NOW) == 0
    found = callbacks(store)
    assert found.pop(claimed).state is CallbackState.CALLING
    assert {record.reason for record in found.values()} == {Reason.NOT_TARGETED}
    check_books(store)


def test_a_promise_is_not_withdrawn(store: Store) -> None:
    start(store)
    people(store, customer())
    enrol(store)
    tell(store, *conversation(dial_one(store), Disposition.PROMISED, promise_at=NOW + DAY))
    assert store.callbacks.withdraw("survey", list(keys(store).values()), NOW) == 0


def test_withdrawal_of_one_campaign_leaves_the_other(store: Store) -> None:
    start(store, "renewal")
    start(store, "survey")
    people(store, customer())
    enrol(store, "renewal")
    enrol(store, "survey")
    assert store.callbacks.withdraw("renewal", list(keys(store).values()), NOW) == 1
    assert counts(store, "survey") == {CallbackState.WAITING: 1}


# Turning with the hours


def test_who_rests_is_not_in_line_and_who_wakes_is(store: Store) -> None:
    start(store)
    people(store, *crowd(2), customer("EARLY", number(5), zone="Asia/Shanghai"))
    enrol(store, at=EVENING, due=EVENING)
    assert store.callbacks.ready_count(EVENING) == 0
    assert store.callbacks.next_opening() == NINE_IN_SHANGHAI
    assert claim(store, at=EVENING) == []
    assert called(store, at=NINE_IN_SHANGHAI - NOW) == ["EARLY"]
    store.callbacks.turn(MORNING - MINUTE)
    assert store.callbacks.ready_count(MORNING - MINUTE) == 0
    store.callbacks.turn(MORNING)
    assert store.callbacks.ready_count(MORNING) == 2


def test_a_stretch_that_is_over_becomes_the_next_one(store: Store) -> None:
    start(store)
    people(store, *crowd(2))
    enrol(store)
    assert store.callbacks.turn(EVENING) == 2
    assert store.callbacks.turn(EVENING) == 0
    assert {record.next_at for record in store.records.callbacks()} == {MORNING}
    check_books(store)


def test_a_turn_takes_so_many_at_a_time(store: Store) -> None:
    start(store)
    people(store, *crowd(5))
    enrol(store)
    assert [store.callbacks.turn(EVENING, limit=2) for _ in range(4)] == [2, 2, 1, 0]


def test_a_claim_that_comes_before_the_turn_calls_nobody_who_rests(store: Store) -> None:
    """The stretch is an accelerator and never the authority."""
    start(store)
    people(store, *crowd(2))
    enrol(store)
    claimed = store.callbacks.claim(9, EVENING, owner="here", lease=LEASE, token=lambda: "never used")
    assert claimed == []
    late = NOW.replace(hour=19, minute=59, second=59)
    assert claim(store, at=late) == []
    check_books(store)


def test_a_callback_whose_time_runs_out_is_closed_by_the_turn(store: Store) -> None:
    start(store, attempts={"within": "2 days"})
    people(store, customer("C1"), customer("C2", number(2), tier="vip"))
    enrol(store)
    for day in range(4):
        store.callbacks.turn(NOW + day * DAY)
    assert (callback(store, "C1").state, callback(store, "C1").reason) == (CallbackState.CLOSED, Reason.EXPIRED)
    assert (callback(store, "C2").state, callback(store, "C2").reason) == (CallbackState.HELD, Reason.EXPIRED)
    check_books(store)


def test_nobody_waits_when_nobody_is_enrolled(store: Store) -> None:
    assert store.callbacks.next_opening() is None
    assert store.callbacks.ready_by_campaign(NOW) == {}
    assert claim(store) == []


# The order


def test_vips_go_first_and_whoever_waits_longest_next(store: Store) -> None:
    start(store)
    people(store, customer("LATE", number(1)), customer("OLD", number(2)), customer("VIP", number(3), tier="vip"))
    due = {"LATE": NOW, "OLD": NOW - 2 * HOUR, "VIP": NOW}
    at = keys(store)
    batch = [Enrolment(at[who], "once", when, when + 3 * DAY) for who, when in due.items()]
    store.callbacks.enrol("survey", batch, NOW - 2 * HOUR)
    assert called(store, limit=2) == ["VIP", "OLD"]
    assert called(store) == ["LATE"]


def test_nobody_starves_behind_vips(store: Store) -> None:
    start(store)
    people(store, customer("PLAIN", number(1)))
    enrol(store, at=NOW - 25 * HOUR, due=NOW - 25 * HOUR)
    people(store, customer("VIP", number(2), tier="vip"))
    enrol(store)
    assert called(store, limit=1) == ["PLAIN"]


def test_a_promise_goes_before_everybody(store: Store) -> None:
    start(store)
    people(store, customer("PROMISED", number(1)))
    enrol(store)
    tell(store, *conversation(dial_one(store), Disposition.PROMISED, promise_at=NOW + DAY))
    people(store, customer("VIP", number(2), tier="vip"))
    enrol(store)
    assert called(store, limit=1, at=DAY) == ["PROMISED"]


def test_the_order_holds_over_campaigns(store: Store) -> None:
    for place, name in enumerate(("a", "b", "c")):
        start(store, name)
        people(store, customer(f"{name}1", number(10 + place)))
    for place, name in enumerate(("a", "b", "c")):
        due = NOW - (3 - abs(place - 1)) * MINUTE
        key = keys(store)[f"{name}1"]
        store.callbacks.enrol(name, [Enrolment(key, "once", due, due + 3 * DAY)], NOW - HOUR)
    assert called(store) == ["b1", "a1", "c1"]


def test_who_rests_at_the_head_of_the_order_holds_nobody_up(store: Store) -> None:
    start(store)
    asleep = [customer(f"V{n}", number(n), tier="vip", zone="Asia/Shanghai") for n in range(50)]
    people(store, *asleep, customer("PLAIN", number(99)))
    enrol(store)
    assert called(store, limit=1) == ["PLAIN"]


# Claims


def test_a_claim_takes_so_many_and_leaves_the_rest(store: Store) -> None:
    start(store)
    people(store, *crowd(5))
    enrol(store)
    assert [len(claim(store, limit=2)) for _ in range(4)] == [2, 2, 1, 0]
    assert counts(store) == {CallbackState.CALLING: 5}
    check_books(store)


def test_a_claim_writes_why_the_call_is_allowed_beside_it(store: Store) -> None:
    version = start(store)
    people(store, customer(tier="vip"))
    enrol(store)
    (token,) = claim(store, owner="node-7")
    (record,) = store.records.attempts()
    assert (record.attempt, record.campaign_version, record.number) == (token, version, number())
    assert "opt_out: not on any do-not-call list" in record.allowed_because
    assert record.zones == ("Europe/London",)
    assert (record.ending, record.counted, record.carrier_call_id) == (None, False, "")
    assert rows(store, "SELECT owner FROM attempt") == [("node-7",)]


@pytest.mark.parametrize("shared", ["number", "second number", "person"])
def test_one_number_and_one_person_are_never_in_two_calls(store: Store, shared: str) -> None:
    start(store, "renewal")
    start(store, "survey")
    match shared:
        case "number":
            people(store, customer("C1", number(1)), customer("C2", number(1)))
        case "second number":
            people(store, customer("C1", number(1), number(2)), customer("C2", number(2)))
        case _:
            people(store, customer("C1", number(1), number(2)))
    enrol(store, "renewal")
    enrol(store, "survey")
    tokens = claim(store)
    open_calls = rows(store, "SELECT customer_id, e164 FROM attempt WHERE is_open")
    assert len(open_calls) == len(tokens) == len({who for who, _ in open_calls}) == len({to for _, to in open_calls})
    assert claim(store) == []
    check_books(store)


def test_someone_in_a_call_is_looked_at_again_a_minute_later(store: Store) -> None:
    start(store)
    people(store, customer("C1", number(1)), customer("C2", number(1)))
    enrol(store)
    token = dial_one(store)
    assert claim(store) == []
    waits = next(record for record in callbacks(store).values() if record.state is CallbackState.WAITING)
    assert waits.next_at == NOW + MINUTE
    assert "in a call" in waits.note
    tell(store, *no_answer(token))
    assert len(claim(store, at=NOW + MINUTE)) == 1


def test_two_campaigns_keep_their_distance(store: Store) -> None:
    start(store, "renewal")
    start(store, "survey")
    people(store, customer())
    enrol(store, "renewal", due=NOW - MINUTE)
    enrol(store, "survey")
    tell(store, *conversation(dial_one(store), Disposition.COMPLETED))
    assert claim(store, at=NOW + HOUR) == []
    check_books(store)
    assert callback(store).next_at == NOW + 4 * HOUR
    (briefing,) = dial(store, at=NOW + 4 * HOUR)
    assert briefing.campaign.id == "survey"


def test_a_call_the_customer_never_felt_keeps_no_distance(store: Store) -> None:
    start(store, "renewal")
    start(store, "survey")
    people(store, customer())
    enrol(store, "renewal", due=NOW - MINUTE)
    enrol(store, "survey")
    claim(store, limit=1)
    tokens = [record.attempt for record in store.records.attempts()]
    store.campaigns.pause("renewal", "why")
    assert store.attempts.commit(tokens, NOW) == []
    assert len(claim(store, at=NOW + MINUTE)) == 1


def test_enrolled_callbacks_can_be_explained(store: Store) -> None:
    start(store)
    people(store, customer("C1", quiet=(DailyRange.parse("14:00-15:00"),)))
    assert store.callbacks.proposals_of("C1", NOW) == []
    enrol(store)
    (found,) = store.callbacks.proposals_of("C1", NOW)
    assert (found.state, found.occasion) == (CallbackState.WAITING, "once")
    assert found.proposal.customer.reference == "C1"
    assert "customer hours are shut" in found.note
    store.suppressions.add_number(number().e164, "person", NOW)
    assert store.callbacks.hypothetical("C1", store.campaigns.get("survey"), NOW).stops
