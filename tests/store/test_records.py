"""The record as reports read it: complete, in order, by period and campaign, and streamed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from dialer.core.lifecycle import AttemptState, EventKind
from dialer.core.outcome import AnsweredBy, Disposition, Ending, Network
from dialer.core.record import CallbackState
from tests.campaigns import NOW, customer, number
from tests.store.steps import (
    DAY,
    HOUR,
    conversation,
    crowd,
    dial,
    dial_one,
    ended,
    enrol,
    no_answer,
    people,
    start,
    tell,
    told,
)

if TYPE_CHECKING:
    from dialer.store import Store

K = EventKind


def test_an_attempt_is_recorded_whole(store: Store) -> None:
    version = start(store)
    people(store, customer("C1", tier="vip", agent="A17"))
    enrol(store)
    token = dial_one(store)
    second = timedelta(seconds=1)
    tell(
        store,
        told(token, K.RINGING, NOW + second),
        told(token, K.ANSWERED, NOW + 2 * second),
        *conversation(token, Disposition.COMPLETED, NOW + 3 * second, answer="yes", code="renewed")[3:4],
        told(token, K.ENDED, NOW + 60 * second, network=Network.ANSWERED, talk=58 * second),
    )
    (record,) = store.records.attempts()
    assert (record.attempt, record.customer, record.name, record.tier) == (token, "C1", "Name of C1", "vip")
    assert (record.campaign, record.campaign_version, record.agent) == ("survey", version, "A17")
    assert (record.number, record.carrier_call_id) == (number(), f"CA-{token}")
    assert (record.state, record.created) == (AttemptState.FINAL, NOW)
    assert (record.rang, record.answered) == (NOW + second, NOW + 2 * second)
    assert (record.ended, record.talk) == (NOW + 60 * second, 58 * second)
    assert (record.network, record.answered_by) == (Network.ANSWERED, AnsweredBy.HUMAN)
    assert (record.disposition, record.ending, record.code) == (Disposition.COMPLETED, Ending.REACHED, "renewed")
    assert (record.counted, record.failure) == (True, "")
    assert record.answers == {"ask": "yes"}
    assert record.zones == ("Europe/London",)


def test_a_callback_is_recorded_whole(store: Store) -> None:
    start(store)
    people(store, customer("C1", number(1), number(2), tier="vip", agent="A17"))
    enrol(store, occasion="policy=2026-04-01", due=NOW - HOUR)
    (record,) = store.records.callbacks()
    assert (record.customer, record.name, record.vip, record.agent) == ("C1", "Name of C1", True, "A17")
    assert (record.campaign, record.occasion) == ("survey", "policy=2026-04-01")
    assert (record.due, record.deadline, record.enrolled) == (NOW - HOUR, NOW - HOUR + 3 * DAY, NOW)
    assert (record.number, record.last_called, record.ending, record.attempts) == (number(1), None, None, 0)
    token = dial_one(store)
    tell(store, *no_answer(token))
    (record,) = store.records.callbacks()
    assert (record.number, record.last_called, record.ending, record.attempts) == (number(1), NOW, Ending.NO_ANSWER, 1)


def test_a_customer_without_a_number_is_recorded_as_well(store: Store) -> None:
    start(store)
    people(store, type(customer())("C1", "Name"))
    enrol(store)
    (record,) = store.records.callbacks()
    assert (record.number, record.state) == (None, CallbackState.HELD)


def test_periods_are_half_open_and_campaigns_apart(store: Store) -> None:
    for name in ("renewal", "survey"):
        start(store, name)
    people(store, *crowd(2))
    for day in range(3):
        enrol(store, "survey", occasion=str(day), at=NOW + day * DAY)
    enrol(store, "renewal", at=NOW + DAY)
    every = list(store.records.callbacks())
    assert len(every) == 8
    assert [one.callback for one in every] == sorted(one.callback for one in every)
    second = list(store.records.callbacks("survey", NOW + DAY, NOW + 2 * DAY))
    assert {(one.campaign, one.occasion, one.enrolled) for one in second} == {("survey", "1", NOW + DAY)}
    assert len(list(store.records.callbacks("renewal"))) == 2
    assert len(list(store.records.callbacks(start=NOW + DAY))) == 6
    assert list(store.records.callbacks(end=NOW)) == []


def test_attempts_are_in_the_order_they_were_made(store: Store) -> None:
    start(store)
    people(store, *crowd(3))
    enrol(store)
    for hour in range(3):
        tell(store, *[ended(one.token, Network.BUSY) for one in dial(store, 1, NOW + hour * HOUR)])
    created = [one.created for one in store.records.attempts()]
    assert created == [NOW + hour * HOUR for hour in range(3)]
    assert [one.created for one in store.records.latest(2)] == created[:0:-1]
    assert [one.created for one in store.records.attempts("survey", NOW + HOUR, NOW + 2 * HOUR)] == [NOW + HOUR]
    assert list(store.records.attempts("renewal")) == []


def test_more_than_a_page_is_streamed_and_may_be_left_half_read(store: Store) -> None:
    start(store)
    for page in range(3):
        people(store, *[customer(f"P{page}-{one}", number(one)) for one in range(500)])
    enrol(store)
    assert sum(1 for _ in store.records.callbacks()) == 1500
    stream = store.records.callbacks()
    assert next(iter(stream)).customer == "P0-0"
    people(store, customer("WHILE", number(1)))  # whoever reads holds nobody up
    del stream


def test_what_was_told_can_be_read_word_for_word(store: Store) -> None:
    start(store)
    people(store, customer())
    enrol(store)
    token = dial_one(store)
    detail = {"CallStatus": "busy", "SequenceNumber": "3"}
    tell(store, told(token, K.ENDED, network=Network.BUSY, failure="31486", detail=detail), at=NOW + HOUR)
    sent, end = store.records.events(token)
    assert sent[1:3] == ("dialer", "sent")
    assert end == (
        NOW + HOUR,
        "webhook",
        "ended",
        {"carrier_call_id": f"CA-{token}", "network": "busy", "failure": "31486", "detail": detail},
    )
    assert store.records.events("nobody") == []
