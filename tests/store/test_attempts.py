"""Attempts: asked about a last time before they are dialed, and moved by events however late, often or wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from dialer.core.lifecycle import AttemptState, EventKind
from dialer.core.outcome import AnsweredBy, Disposition, Fault, Network
from dialer.core.record import CallbackState
from dialer.errors import StoreError
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
    ended,
    enrol,
    heard,
    people,
    rows,
    start,
    tell,
    told,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from dialer.store import Store

K = EventKind


@pytest.fixture
def token(store: Store) -> str:
    """One call that is being dialed, to C1."""
    start(store)
    people(store, customer())
    enrol(store)
    return dial_one(store)


def of(store: Store, state: AttemptState) -> list[str]:
    return [record.attempt for record in store.records.attempts() if record.state is state]


# The commit


def test_a_commit_is_a_briefing_and_a_state_on_disk(store: Store) -> None:
    start(store)
    people(store, customer("C1", number(1), number(2)))
    enrol(store)
    tokens = claim(store)
    assert of(store, AttemptState.INTENT) == tokens
    (briefing,) = store.attempts.commit(tokens, NOW)
    assert (briefing.token, briefing.number, briefing.zones) == (tokens[0], number(1), ("Europe/London",))
    assert briefing.until == NOW.replace(hour=20, minute=0) - timedelta(seconds=35)
    assert store.attempts.facts(tokens[0]).state is AttemptState.DIALING
    assert store.attempts.facts(tokens[0]).sent_at == NOW
    assert store.attempts.open_count() == 1


def pause(store: Store) -> None:
    store.campaigns.pause("survey", "why")


def suppress(store: Store) -> None:
    store.suppressions.add_customers(["C1"], "person", NOW)


def change_number(store: Store) -> None:
    people(store, customer("C1", number(8)))


def lose_number(store: Store) -> None:
    people(store, replace(customer("C1"), numbers=()))


def nothing(store: Store) -> None:
    del store


@pytest.mark.parametrize(
    ("change", "later", "then"),
    [
        (pause, timedelta(0), CallbackState.WAITING),
        (nothing, 6 * HOUR, CallbackState.WAITING),
        (change_number, timedelta(0), CallbackState.WAITING),
        (suppress, timedelta(0), CallbackState.CLOSED),
        (lose_number, timedelta(0), CallbackState.HELD),
        (nothing, 8 * DAY, CallbackState.CLOSED),
    ],
)
def test_what_changes_between_claim_and_commit_is_heard(
    store: Store, change: Callable[[Store], None], later: timedelta, then: CallbackState
) -> None:
    start(store)
    people(store, customer())
    enrol(store)
    tokens = claim(store)
    change(store)
    assert store.attempts.commit(tokens, NOW + later) == []
    assert of(store, AttemptState.RELEASED) == tokens
    assert callback(store).state is then
    assert callback(store).attempts == 0
    check_books(store)


def test_a_commit_says_of_each_attempt_on_its_own(store: Store) -> None:
    start(store)
    people(store, *crowd(4))
    enrol(store)
    tokens = claim(store)
    store.suppressions.add_customers(["C1", "C3"], "person", NOW)
    assert [one.customer.reference for one in store.attempts.commit(tokens, NOW)] == ["C0", "C2"]
    assert counts(store) == {CallbackState.CALLING: 2, CallbackState.CLOSED: 2}
    check_books(store)


def test_a_second_commit_dials_nobody_a_second_time(store: Store, token: str) -> None:
    assert store.attempts.commit([token], NOW) == []
    assert store.attempts.facts(token).state is AttemptState.DIALING


def test_a_dialer_that_comes_back_from_the_dead_finds_its_intent_taken(store: Store) -> None:
    start(store)
    people(store, customer())
    enrol(store)
    (token,) = claim(store)
    late = NOW + 2 * LEASE
    assert [one.token for one in store.attempts.forsaken(late)] == [token]
    tell(store, told(token, K.DROPPED, late), at=late)
    assert store.attempts.commit([token], late) == []
    check_books(store)
    assert len(dial(store, at=late + MINUTE)) == 1


def test_a_call_overtaken_by_a_late_word_is_not_dialed(store: Store, token: str) -> None:
    tell(store, ended(token, Network.BUSY))
    later = NOW + DAY + HOUR
    store.callbacks.turn(later)
    (second,) = claim(store, at=later)
    tell(store, *conversation(token, Disposition.COMPLETED), at=later)
    assert store.attempts.commit([second], later) == []
    assert callback(store).state is CallbackState.DONE
    check_books(store)


def test_an_intent_whose_lease_is_over_is_not_dialed(store: Store) -> None:
    start(store)
    people(store, customer())
    enrol(store)
    tokens = claim(store)
    assert store.attempts.commit(tokens, NOW + LEASE) == []
    assert of(store, AttemptState.RELEASED) == list(tokens)
    check_books(store)


def test_a_promise_outlives_a_commit_that_had_to_be_taken_back(store: Store, token: str) -> None:
    tell(store, *conversation(token, Disposition.PROMISED, promise_at=NOW + DAY))
    tokens = claim(store, at=NOW + DAY)
    pause(store)
    assert store.attempts.commit(tokens, NOW + DAY) == []
    store.campaigns.resume("survey")
    (found,) = store.callbacks.proposals_of("C1", NOW + DAY)
    assert found.proposal.promised
    check_books(store)


# Events


def test_events_move_an_attempt_and_are_kept(store: Store, token: str) -> None:
    facts = tell(store, *conversation(token, Disposition.COMPLETED), at=NOW + MINUTE)
    assert (facts.state, facts.carrier_call_id) == (AttemptState.FINAL, f"CA-{token}")
    assert facts == store.attempts.facts(token)
    events = store.records.events(token)
    assert [kind for _, _, kind, _ in events].count("heard") == 1
    assert {kind for _, _, kind, _ in events} == {"sent", "placed", "ringing", "answered", "heard", "ended"}
    assert {(received, source) for received, source, _, _ in events} == {(NOW, "dialer"), *_later()}
    body = next(body for _, _, kind, body in events if kind == "heard")
    assert body["mark"]["disposition"] == "completed"


def _later() -> set[tuple[object, str]]:
    return {(NOW + MINUTE, "dialer"), (NOW + MINUTE, "webhook")}


def test_a_repetition_changes_nothing_and_says_so(store: Store, token: str) -> None:
    ring = told(token, K.RINGING)
    first, second = store.attempts.record([ring, ring], NOW)
    assert (first.new, second.new) == (True, False)
    assert first.facts == second.facts
    (third,) = store.attempts.record([replace(ring, at=NOW - HOUR)], NOW)
    assert not third.new
    assert third.facts == first.facts
    assert rows(store, "SELECT count(*) FROM event WHERE kind = 'ringing'") == [(1,)]


def test_an_unknown_token_is_answered_and_harms_nobody(store: Store, token: str) -> None:
    results = store.attempts.record([told("nobody", K.RINGING), told(token, K.RINGING), told("nobody", K.ENDED)], NOW)
    assert [(one.token, one.facts is None, one.new) for one in results] == [
        ("nobody", True, False),
        (token, False, True),
        ("nobody", True, False),
    ]
    assert store.attempts.record([], NOW) == []
    assert store.attempts.briefing("nobody") is None
    check_books(store)


def test_answers_come_in_the_order_of_the_events(store: Store) -> None:
    start(store)
    people(store, *crowd(5))
    enrol(store)
    tokens = [briefing.token for briefing in dial(store)]
    mixed = [told(tokens[place], kind) for kind in (K.RINGING, K.ANSWERED) for place in (3, 0, 4, 1, 2)]
    results = store.attempts.record(mixed, NOW)
    assert [one.token for one in results] == [one.token for one in mixed]
    states = (
        {one.facts.state for one in results[:5] if one.facts},
        {one.facts.state for one in results[5:] if one.facts},
    )
    assert states == ({AttemptState.ACCEPTED}, {AttemptState.LIVE})


def test_a_poisoned_batch_is_refused_whole_and_its_good_events_can_come_again(store: Store, token: str) -> None:
    poison = replace(told(token, K.ANSWERED), at=NOW.replace(tzinfo=None))
    with pytest.raises(StoreError):
        store.attempts.record([told(token, K.RINGING), poison], NOW)
    assert store.attempts.facts(token).rang_at is None
    assert len(store.records.events(token)) == 1
    assert tell(store, told(token, K.RINGING)).rang_at == NOW


def test_texts_of_any_kind_are_kept(store: Store, token: str) -> None:
    odd = "王 \u202e 👍🏽 ' \" ; DROP TABLE attempt; -- %s :x"
    facts = tell(store, told(token, K.ENDED, network=Network.ERROR, failure=odd, detail={odd: odd}))
    assert facts.failure == store.attempts.facts(token).failure == odd


def test_an_answer_that_was_overtaken_by_webhooks_regresses_nothing(store: Store, token: str) -> None:
    tell(store, told(token, K.RINGING), told(token, K.ANSWERED))
    for kind in (K.LOST, K.REFUSED, K.NOT_SENT, K.ABSENT, K.PLACED):
        assert tell(store, told(token, kind)).state is AttemptState.LIVE
    check_books(store)


def test_an_unknown_attempt_holds_its_number_until_the_carrier_says_more(store: Store, token: str) -> None:
    tell(store, told(token, K.LOST))
    people(store, customer("C2", number()))
    enrol(store)
    assert claim(store, at=NOW + HOUR) == []
    assert callback(store).state is CallbackState.CALLING
    assert [one.token for one in store.attempts.unknown()] == [token]
    tell(store, told(token, K.ABSENT, NOW + HOUR), at=NOW + HOUR)
    check_books(store)
    assert {record.state for record in callbacks(store).values()} == {CallbackState.WAITING}
    assert len(dial(store, at=NOW + 2 * HOUR)) == 1


def test_a_call_that_was_given_up_and_comes_anyway_is_reported_once(store: Store, token: str) -> None:
    tell(store, told(token, K.LOST), told(token, K.ABSENT))
    (ring,) = store.attempts.record([told(token, K.RINGING)], NOW)
    assert ring.orphaned
    assert ring.facts is not None
    assert ring.facts.carrier_call_id == f"CA-{token}"
    again, answer = store.attempts.record([told(token, K.RINGING), told(token, K.ANSWERED)], NOW)
    assert not again.orphaned
    assert not answer.orphaned
    assert callback(store).attempts == 1  # the customer felt it
    check_books(store)


def test_an_orphan_does_not_disturb_the_attempt_that_followed_it(store: Store, token: str) -> None:
    tell(store, told(token, K.LOST), told(token, K.ABSENT))
    second = dial_one(store, at=NOW + HOUR)
    tell(store, told(token, K.RINGING), ended(token, Network.ANSWERED), at=NOW + HOUR)
    assert callback(store).state is CallbackState.CALLING
    check_books(store)
    tell(store, *conversation(second, Disposition.COMPLETED, NOW + HOUR), at=NOW + HOUR)
    assert (callback(store).state, callback(store).attempts) == (CallbackState.DONE, 2)
    check_books(store)


def test_a_second_call_under_one_token_is_told_apart(store: Store, token: str) -> None:
    """What it says must neither move the first call nor silence it."""
    tell(store, told(token, K.PLACED, carrier_call_id="CA1"))
    (stray,) = store.attempts.record([told(token, K.ENDED, carrier_call_id="CA2", network=Network.BUSY)], NOW)
    assert stray.stray == "CA2"
    assert store.attempts.facts(token).state is AttemptState.ACCEPTED
    facts = tell(store, told(token, K.ENDED, carrier_call_id="CA1", network=Network.NO_ANSWER))
    assert (facts.state, facts.network) == (AttemptState.FINAL, Network.NO_ANSWER)
    check_books(store)


@pytest.mark.parametrize("fault", [Fault.CONFIGURATION, Fault.CALLER_ID])
def test_a_fault_a_person_must_mend_pauses_the_campaign_and_says_so(store: Store, token: str, fault: Fault) -> None:
    start(store, "renewal")
    tell(store, told(token, K.REFUSED, fault=fault, failure="21606 the caller id is not ours"))
    paused = store.campaigns.get("survey")
    assert (paused.paused, paused.pause_reason) == (True, "21606 the caller id is not ours")
    assert not store.campaigns.get("renewal").paused
    assert (callback(store).state, callback(store).attempts) == (CallbackState.WAITING, 0)
    assert claim(store, at=NOW + HOUR) == []
    check_books(store)


@pytest.mark.parametrize("fault", [Fault.TEMPORARY, Fault.NUMBER, Fault.UNKNOWN])
def test_other_faults_pause_nothing(store: Store, token: str, fault: Fault) -> None:
    tell(store, told(token, K.REFUSED, fault=fault, failure="something"))
    assert not store.campaigns.get("survey").paused
    check_books(store)


# What reconciliation looks at


def test_attempts_whose_dialer_is_gone_are_forsaken(store: Store, token: str) -> None:
    people(store, customer("C2", number(2)))
    enrol(store)
    (intent,) = claim(store)
    assert store.attempts.forsaken(NOW + LEASE - timedelta(seconds=1)) == []
    found = {one.token: one.state for one in store.attempts.forsaken(NOW + LEASE)}
    assert found == {token: AttemptState.DIALING, intent: AttemptState.INTENT}
    tell(store, told(token, K.PLACED))
    assert [one.token for one in store.attempts.forsaken(NOW + DAY)] == [intent]


def test_calls_nobody_speaks_of_are_silent(store: Store, token: str) -> None:
    tell(store, told(token, K.PLACED), at=NOW + MINUTE)
    assert store.attempts.silent(NOW) == []
    (silent,) = store.attempts.silent(NOW + MINUTE)
    assert (silent.token, silent.number, silent.carrier_call_id) == (token, number(), f"CA-{token}")
    assert silent.created == NOW
    store.attempts.looked_at([token], NOW + HOUR)
    assert store.attempts.silent(NOW + MINUTE) == []
    tell(store, ended(token, Network.BUSY))
    assert store.attempts.silent(NOW + DAY) == []


def test_an_attempt_is_listed_absent_since_the_first_listing(store: Store, token: str) -> None:
    tell(store, told(token, K.LOST))
    store.attempts.listed_absent(token, NOW + MINUTE)
    store.attempts.listed_absent(token, NOW + HOUR)
    assert [one.listed_absent for one in store.attempts.unknown()] == [NOW + MINUTE]


def test_several_candidates_need_a_person(store: Store, token: str) -> None:
    tell(store, told(token, K.LOST), told(token, K.AMBIGUOUS))
    assert [one.token for one in store.attempts.needing_a_person()] == [token]
    assert store.attempts.open_count() == 1
    assert store.attempts.forsaken(NOW + DAY) == []
    check_books(store)
    tell(store, told(token, K.ABSENT))
    assert store.attempts.needing_a_person() == []
    assert callback(store).state is CallbackState.WAITING


def test_calls_that_belong_to_an_attempt_are_bound(store: Store, token: str) -> None:
    tell(store, told(token, K.PLACED))
    assert store.attempts.bound([f"CA-{token}", "CA-other"]) == {f"CA-{token}"}
    assert store.attempts.bound([]) == set()


# Briefings out of the record


def test_a_conversation_goes_on_after_a_restart_with_what_was_said(store: Store, token: str) -> None:
    tell(store, heard(token, Disposition.NONE, digits="1", answer="satisfied"))
    briefing = store.attempts.briefing(token)
    assert briefing is not None
    assert (briefing.customer, briefing.number, briefing.zones) == (customer(), number(), ("Europe/London",))
    assert briefing.answers == {"ask": "satisfied"}
    assert store.attempts.facts(token).answered_by is AnsweredBy.HUMAN
