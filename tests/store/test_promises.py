"""Promises: made by the customer's own key or heard by a person, kept, missed, and never a way around a prohibition."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from dialer.core.admission import Refuse
from dialer.core.outcome import Disposition, Fault, Network
from dialer.core.promise import Reading
from dialer.core.record import CallbackState, Reason
from dialer.errors import InputError, NotFoundError
from dialer.store import Result, Store, Wanted
from tests.campaigns import NOW, customer, number
from tests.rule_books import preset, ruled
from tests.store.steps import (
    DAY,
    HOUR,
    LEASE,
    MINUTE,
    K,
    callback,
    check_books,
    conversation,
    crowd,
    dial,
    dial_one,
    ended,
    enrol,
    heard,
    no_answer,
    people,
    rows,
    start,
    tell,
    told,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dialer.core.lifecycle import Event
    from dialer.store.promise_list import Recorded

AT = NOW + 2 * HOUR
LATE = AT + 16 * MINUTE
"""A minute after the tolerance of the campaign is over."""
TOMORROW = datetime(2026, 3, 4, 20, 30, tzinfo=UTC)
"""Half an hour after the campaign and the presets of these tests close, within the house's hours."""


def promised(store: Store, at: datetime = AT, **changes: Any) -> str:
    """A customer presses the key for another time; the call in which they did."""
    start(store, **changes)
    people(store, customer("C1"))
    enrol(store)
    token = dial_one(store)
    tell(store, *_choosing(token, at))
    return token


def _choosing(token: str, at: datetime) -> list[Event]:
    return conversation(token, Disposition.PROMISED, node="when", promise_at=at, answer="later")


def wanted(store: Store, at: datetime, note: str = "") -> Wanted:
    key = store.callbacks.latest("C1", "survey")
    assert key is not None
    return Wanted(key, at, at.replace(tzinfo=None), "Europe/London", Reading.EXACT, "agent", "Li Na", note)


def waiting(store: Store, **changes: Any) -> None:
    start(store, **changes)
    people(store, customer("C1"))
    enrol(store)


def only(store: Store) -> Recorded:
    (found,) = store.promises.find()
    return found


def test_a_key_makes_a_promise_with_the_call_as_its_proof(store: Store) -> None:
    token = promised(store)
    made = only(store)
    assert (made.customer, made.campaign, made.channel, made.attempt) == ("C1", "survey", "keypad", token)
    assert (made.at, made.until, made.wall, made.zone) == (AT, AT + 15 * MINUTE, "2026-03-03T16:30", "Europe/London")
    assert (made.reading, made.state, made.asked) == (Reading.EXACT, "open", NOW)
    assert callback(store).promised_at == AT
    assert callback(store).next_at == AT
    check_books(store)


def test_a_call_within_the_tolerance_keeps_it(store: Store) -> None:
    promised(store)
    assert dial(store, at=AT - MINUTE) == []
    tell(store, *conversation(dial_one(store, at=AT + 14 * MINUTE), Disposition.COMPLETED, AT + 14 * MINUTE))
    kept = only(store)
    assert (kept.state, kept.settled) == ("kept", NOW)
    assert store.promises.counts() == {("survey", "kept"): 1}
    assert callback(store).promises == {"kept": 1}
    check_books(store)


def test_a_call_begun_in_time_keeps_it_though_it_is_settled_late(store: Store) -> None:
    promised(store)
    token = dial_one(store, at=AT + 14 * MINUTE)
    store.callbacks.turn(LATE)
    tell(store, *conversation(token, Disposition.COMPLETED, LATE), at=LATE)
    assert only(store).state == "kept"


def test_what_the_customer_never_felt_keeps_the_promise_standing(store: Store) -> None:
    token = promised(store)
    first = dial_one(store, at=AT)
    tell(store, told(first, K.PLACED, AT), ended(first, Network.ERROR, AT), at=AT)
    assert only(store).state == "open"
    assert callback(store).promised_at == AT
    tell(store, *conversation(dial_one(store, at=AT + 2 * MINUTE), Disposition.COMPLETED, AT), at=AT + 3 * MINUTE)
    assert (only(store).state, only(store).attempt) == ("kept", token)


def test_missed_means_the_next_window_when_the_campaign_says_so(store: Store) -> None:
    promised(store)
    store.callbacks.turn(LATE)
    assert only(store).state == "missed"
    tell(store, *conversation(dial_one(store, at=LATE), Disposition.COMPLETED, LATE), at=LATE)
    assert only(store).state == "missed"
    assert callback(store).state is CallbackState.DONE
    assert callback(store).promises == {"missed": 1}
    check_books(store)


def test_missed_means_a_person_when_the_campaign_says_so(store: Store) -> None:
    promised(store, promises={"missed": "escalate"}, why_now={"person": "Wang"})
    store.callbacks.turn(LATE)
    found = callback(store)
    assert (found.state, found.reason) == (CallbackState.HELD, Reason.PROMISE_MISSED)
    (task,) = store.tasks.find()
    assert (task.kind, task.person) == (Reason.PROMISE_MISSED, "Wang")
    check_books(store)
    _, decision = store.tasks.finish(task.id, "Wang", Result.CALL_AGAIN, LATE)
    assert not isinstance(decision, Refuse)
    assert callback(store).state is CallbackState.WAITING
    check_books(store)


@pytest.mark.parametrize(("tier", "state"), [("", CallbackState.CLOSED), ("vip", CallbackState.HELD)])
def test_missed_closes_when_the_campaign_says_so_but_never_a_vip(store: Store, tier: str, state: CallbackState) -> None:
    start(store, promises={"missed": "close"})
    people(store, customer("C1", tier=tier))
    enrol(store)
    tell(store, *_choosing(dial_one(store), AT))
    store.callbacks.turn(LATE)
    assert (callback(store).state, callback(store).reason) == (state, Reason.EXPIRED)
    assert len(store.tasks.find()) == (tier == "vip")
    assert only(store).state in {"missed", "void"}
    check_books(store)


def test_a_promise_closed_because_it_could_never_be_kept_counts_as_missed(store: Store) -> None:
    promised(store, at=TOMORROW, promises={"missed": "close"})
    assert callback(store).reason is Reason.EXPIRED
    assert only(store).state == "missed"


def test_a_promise_that_was_closed_over_counts_as_missed(store: Store) -> None:
    """Otherwise campaigns that close would always have kept all their promises."""
    promised(store, promises={"missed": "close"})
    store.callbacks.turn(LATE)
    assert only(store).state == "missed"


def test_late_and_repeated_words_make_no_second_promise(store: Store) -> None:
    token = promised(store)
    tell(store, *_choosing(token, AT), at=NOW + MINUTE)
    tell(store, told(token, K.ENDED, key="poll", network=Network.ANSWERED, failure="31005"), at=NOW + MINUTE)
    tell(store, heard(token, Disposition.COMPLETED, node="bye", digits=""), at=NOW + 2 * MINUTE)
    assert len(store.promises.find()) == 1
    assert only(store).state == "open"


def test_a_late_word_brings_back_no_promise_that_was_withdrawn_or_replaced(store: Store) -> None:
    token = promised(store)
    late = told(token, K.ENDED, key="late", network=Network.ANSWERED, fault=Fault.TEMPORARY)
    store.promises.withdraw(only(store).id, "Wang", NOW + MINUTE)
    tell(store, late, at=NOW + 2 * MINUTE)
    assert [one.state for one in store.promises.find()] == ["void"]
    store.promises.make(wanted(store, AT + HOUR), NOW + 3 * MINUTE)
    tell(store, told(token, K.ENDED, key="later", network=Network.ANSWERED, fault=Fault.NUMBER), at=NOW + 4 * MINUTE)
    assert [one.state for one in store.promises.find()] == ["void", "open"]
    assert callback(store).next_at == AT + HOUR


def test_a_late_word_about_an_earlier_call_leaves_the_promise_alone(store: Store) -> None:
    start(store, attempts={"retry": [{"after": "no_answer", "wait": "10 min"}], "other_hour": False})
    people(store, customer("C1"))
    enrol(store)
    first = dial_one(store)
    tell(store, *no_answer(first))
    second = dial_one(store, at=NOW + 10 * MINUTE)
    tell(store, *_choosing(second, AT), at=NOW + 11 * MINUTE)
    tell(store, told(first, K.ENDED, key="late", network=Network.BUSY), at=NOW + 12 * MINUTE)
    assert only(store).state == "open"
    assert callback(store).next_at == AT


def test_another_choice_in_the_same_call_replaces_the_first(store: Store) -> None:
    token = promised(store)
    tell(store, heard(token, Disposition.PROMISED, node="when", tries=2, promise_at=AT + HOUR), at=NOW + MINUTE)
    first, second = store.promises.find()
    assert (first.state, second.state, second.at) == ("replaced", "open", AT + HOUR)
    assert callback(store).next_at == AT + HOUR


def test_an_opt_out_ends_a_promise(store: Store) -> None:
    promised(store)
    store.suppressions.add_customers(["C1"], "person", NOW + MINUTE)
    store.callbacks.turn(NOW + 2 * MINUTE)
    assert callback(store).reason is Reason.OPTED_OUT
    assert only(store).state == "void"
    assert dial(store, at=AT) == []


# --- Said to a person.


def test_a_person_writes_down_what_the_customer_said(store: Store) -> None:
    waiting(store)
    made = store.promises.make(wanted(store, AT, note="after school"), NOW)
    assert (made.keeps, made.opens, made.lifted) == (True, AT, ())
    one = only(store)
    assert (one.id, one.asked_by, one.channel, one.note, one.attempt) == (made.id, "Li Na", "agent", "after school", "")
    again = store.promises.make(wanted(store, AT + HOUR), NOW)
    assert [(p.state, p.id) for p in store.promises.find()] == [("replaced", made.id), ("open", again.id)]
    assert dial(store, at=AT) == []
    tell(store, *conversation(dial_one(store, at=AT + HOUR), Disposition.COMPLETED, AT + HOUR))
    assert [p.id for p in store.promises.find(states={"kept"})] == [again.id]
    check_books(store)


def test_what_was_promised_can_be_taken_back(store: Store) -> None:
    waiting(store)
    key = store.promises.make(wanted(store, AT), NOW).id
    decision = store.promises.withdraw(key, "Wang", NOW + MINUTE)
    assert not isinstance(decision, Refuse)
    assert (only(store).state, only(store).settled_by, only(store).settled) == ("void", "Wang", NOW + MINUTE)
    assert callback(store).promised_at is None
    assert len(dial(store, at=NOW + MINUTE)) == 1
    with pytest.raises(InputError, match="it is over already: void"):
        store.promises.withdraw(key, "Wang", NOW + MINUTE)
    with pytest.raises(NotFoundError, match="no promise 99"):
        store.promises.withdraw(99, "Wang", NOW)
    check_books(store)


def test_nothing_is_promised_about_what_is_over_or_going_on(store: Store) -> None:
    waiting(store)
    token = dial_one(store)
    with pytest.raises(InputError, match="calling this customer at this moment"):
        store.promises.make(wanted(store, AT), NOW)
    tell(store, *conversation(token, Disposition.COMPLETED))
    with pytest.raises(InputError, match="is over, and a promise does not open it again"):
        store.promises.make(wanted(store, AT), NOW)
    assert store.promises.find() == []


def test_nothing_is_promised_to_who_asked_not_to_be_called(store: Store) -> None:
    waiting(store)
    store.suppressions.add_customers(["C1"], "person", NOW)
    with pytest.raises(InputError, match="cannot be promised: the customer asked not to be called"):
        store.promises.make(wanted(store, AT), NOW)
    assert store.promises.find() == []


def test_a_promise_lifts_no_number_policy(store: Store) -> None:
    start(store)
    people(store, customer("C1", number().__class__("+33123456789", "FR", number().kind)))
    enrol(store)
    made = store.promises.make(wanted(store, AT), NOW)
    assert not made.keeps
    assert isinstance(made.decision, Refuse)
    assert made.decision.reason is Reason.NUMBER_POLICY
    assert dial(store, at=AT) == []


@pytest.mark.parametrize(
    ("lifts", "outside", "hour", "keeps"),
    [
        ("yes", True, 20, True),
        ("yes", False, 20, False),  # the campaign's own windows hold
        ("no", True, 20, False),
        ("unknown", True, 20, False),
        ("yes", True, 22, False),  # the house is closed
    ],
)
def test_outside_the_hours_it_is_kept_only_where_everybody_yields(
    database_url: str, lifts: str, hour: int, *, outside: bool, keeps: bool
) -> None:
    rules = ruled(preset("law", hours="09:00-20:00", appointment_lifts=lifts))
    at = TOMORROW.replace(hour=hour)
    with closing(Store.open(database_url, rules)) as store:
        waiting(store, promises={"outside_windows": outside})
        made = store.promises.make(wanted(store, at), NOW)
        assert made.keeps is keeps
        assert made.lifted == (("law",) if keeps else ())
        assert len(dial(store, at=at)) == keeps
        if not keeps:
            assert made.opens is not None
            assert made.opens >= at + 10 * HOUR  # the next morning
        check_books(store)


def test_two_rules_must_both_yield(database_url: str) -> None:
    strict = preset("strict", hours="09:00-20:00", appointment_lifts="no")
    rules = ruled(preset("law", hours="09:00-20:00", appointment_lifts="yes"), strict)
    with closing(Store.open(database_url, rules)) as store:
        waiting(store, promises={"outside_windows": True})
        assert not store.promises.make(wanted(store, TOMORROW), NOW).keeps


@pytest.mark.parametrize(("lifts", "keeps"), [("yes", True), ("no", False)])
def test_a_cap_is_lifted_only_where_its_rule_yields(database_url: str, lifts: str, *, keeps: bool) -> None:
    cap = {"max": 1, "period": "7 days", "counts": "attempts", "per": "person"}
    with closing(Store.open(database_url, ruled(preset("cap", caps=[cap], appointment_lifts=lifts)))) as store:
        promised(store)
        assert len(dial(store, at=AT)) == keeps


def test_a_time_that_cannot_be_kept_goes_the_way_of_the_campaign_at_once(store: Store) -> None:
    waiting(store, promises={"missed": "escalate"})
    made = store.promises.make(wanted(store, TOMORROW), NOW)  # the campaign closes at eight
    assert (made.keeps, made.opens) == (False, None)
    assert isinstance(made.decision, Refuse)
    assert made.decision.reason is Reason.PROMISE_MISSED
    assert "campaign hours are shut in Europe/London (Wed 20:30 there)" in made.in_the_way[0]
    (task,) = store.tasks.find()
    assert (task.kind, task.due) == (Reason.PROMISE_MISSED, TOMORROW + 15 * MINUTE)
    check_books(store)


def test_a_person_who_calls_at_the_promised_time_keeps_it(store: Store) -> None:
    waiting(store, promises={"missed": "escalate"})
    store.promises.make(wanted(store, TOMORROW), NOW)
    (task,) = store.tasks.find()
    store.tasks.finish(task.id, "Li Na", Result.REACHED, TOMORROW + MINUTE)
    assert only(store).state == "kept"
    check_books(store)


def test_a_promise_that_frees_a_held_callback_withdraws_its_task(store: Store) -> None:
    waiting(store, attempts={"most": 1})
    people(store, customer("C1", tier="vip"))
    token = dial_one(store)
    tell(store, told(token, K.PLACED), told(token, K.RINGING), ended(token, Network.NO_ANSWER))
    (task,) = store.tasks.find()
    assert task.kind == Reason.UNREACHED
    assert store.promises.make(wanted(store, AT), NOW + MINUTE).keeps
    assert store.tasks.find() == []
    assert len(dial(store, at=AT)) == 1


# --- A zone confirmed by a key.

ZONED = {
    "start": "where",
    "nodes": {
        "where": {
            "ask": "Are you in Chicago?",
            "keys": {"1": {"go": "bye", "zone": "America/Chicago"}, "2": "bye"},
            "no_answer": "bye",
        },
        "bye": {"end": "Goodbye", "outcome": "completed"},
    },
}


def test_a_key_confirms_the_zone_for_good(store: Store) -> None:
    start(store, script=ZONED)
    people(store, customer("C1"))
    enrol(store)
    token = dial_one(store)
    tell(store, *conversation(token, Disposition.COMPLETED, zone="America/Chicago"))
    known = store.customers.get("C1")
    assert known is not None
    assert known.zone == "America/Chicago"
    people(store, customer("C1", zone="Asia/Tokyo", salutation="Ms"), at=NOW + HOUR)
    assert (again := store.customers.get("C1")) is not None
    assert again.zone == "America/Chicago"
    assert rows(store, "SELECT confirmed_by FROM customer") == [(token,)]


def test_a_confirmed_zone_brings_back_who_was_held_for_it(store: Store) -> None:
    start(store, when={"windows": {"daily": ["00:00-24:00"]}})
    people(store, customer("C1", zone="Mars/Olympus"))
    enrol(store)
    before = callback(store)
    assert (before.state, before.reason) == (CallbackState.HELD, Reason.NO_ZONE)
    (task,) = store.tasks.find()
    assert task.kind == Reason.NO_ZONE
    assert store.customers.confirm_zone("C1", "Europe/London", by="Li Na", now=NOW)
    store.callbacks.turn(NOW)
    assert callback(store).state is CallbackState.WAITING
    assert store.tasks.find() == []
    assert not store.customers.confirm_zone("nobody", "UTC", by="Li Na", now=NOW)
    assert store.customers.confirm_zone("C1", "", by="Li Na", now=NOW)
    known = store.customers.get("C1")
    assert known is not None
    assert known.zone == "Mars/Olympus"


# --- The VIPs' share.


serials = count()


def taken(store: Store, limit: int, for_vips: int) -> Sequence[str]:
    """Whom a claim takes, in its order."""
    store.callbacks.turn(NOW)
    tokens = store.callbacks.claim(
        limit, NOW, owner="here", lease=LEASE, token=lambda: f"t{next(serials)}", for_vips=for_vips
    )
    found = [store.attempts.briefing(token) for token in tokens]
    return [one.customer.reference for one in found if one is not None]


def test_vips_get_their_share_of_the_lines_though_others_waited_longer(store: Store) -> None:
    start(store, priority={"tiers": {}})
    people(store, *crowd(10))
    enrol(store, at=NOW - DAY, due=NOW - DAY)
    people(store, *[customer(f"V{one}", number(100 + one), tier="vip") for one in range(4)])
    enrol(store)
    assert taken(store, 4, 2) == ["V0", "V1", "C0", "C1"]
    assert taken(store, 4, 2) == ["V2", "V3", "C2", "C3"]
    assert taken(store, 4, 2) == ["C4", "C5", "C6", "C7"]


def test_without_vips_nobody_waits_for_them(store: Store) -> None:
    start(store)
    people(store, *crowd(6))
    enrol(store)
    assert len(taken(store, 4, 4)) == 4


def test_vips_may_have_more_than_their_share(store: Store) -> None:
    start(store)
    people(store, *crowd(3), *[customer(f"V{one}", number(100 + one), tier="vip") for one in range(3)])
    enrol(store)
    assert taken(store, 4, 1) == ["V0", "V1", "V2", "C0"]
