"""What follows an attempt: the campaign's table, and what no campaign may decide otherwise."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.core.campaign import DEFAULT_RETRY, Campaign
from dialer.core.lifecycle import PREVIEW, AttemptState, Facts, Mark
from dialer.core.outcome import RETRYABLE, AnsweredBy, Disposition, Ending, Fault, Network
from dialer.core.record import CallbackState, Reason
from dialer.core.retry import FIRST_PAUSE, LONGEST_PAUSE, SKIP_PAUSE, NextStep, Standing, find_rule, next_step
from tests.campaigns import NOW, campaign, customer, number

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

NETWORK = {
    Ending.BUSY: Network.BUSY,
    Ending.NO_ANSWER: Network.NO_ANSWER,
    Ending.UNREACHABLE: Network.UNREACHABLE,
    Ending.BAD_NUMBER: Network.BAD_NUMBER,
    Ending.NOT_RUNG: Network.ERROR,
}
SPOKEN = {
    Ending.REACHED: Disposition.COMPLETED,
    Ending.DISSATISFIED: Disposition.DISSATISFIED,
    Ending.REFUSED: Disposition.REFUSED,
    Ending.OPTED_OUT: Disposition.OPTED_OUT,
    Ending.PROMISED: Disposition.PROMISED,
    Ending.WRONG_PERSON: Disposition.WRONG_PERSON,
    Ending.NOT_CONVENIENT: Disposition.NOT_CONVENIENT,
    Ending.HUNG_UP: Disposition.NONE,
    Ending.ABANDONED: Disposition.ABANDONED,
}


def ended(ending: Ending, **more: Any) -> Facts:
    """The facts of an attempt that ended this way."""
    if ending in NETWORK:
        facts = Facts(state=AttemptState.FINAL, network=NETWORK[ending], **more)
    elif ending is Ending.MACHINE:
        facts = Facts(state=AttemptState.FINAL, network=Network.ANSWERED, answered_by=AnsweredBy.MACHINE)
    else:
        promise = NOW + DAY if ending is Ending.PROMISED else None
        mark = Mark("ask", digits="1", disposition=SPOKEN[ending], promise_at=promise)
        facts = Facts(state=AttemptState.FINAL, answered_at=NOW, answered_by=AnsweredBy.HUMAN, marks=frozenset({mark}))
    assert facts.outcome.ending is ending
    return facts


def standing(**changes: Any) -> Standing:
    values: dict[str, Any] = {
        "customer": customer("C1", number(0), number(1)),
        "campaign": campaign(),
        "attempts": 1,
        "errors": 0,
        "number_index": 0,
        "bad_numbers": frozenset(),
    }
    return Standing(**values | changes)


def after(ending: Ending, **changes: Any) -> NextStep:
    return next_step(standing(**changes), ended(ending), NOW)


def table(*rows: dict[str, Any], **attempts: Any) -> Campaign:
    return campaign(attempts={"retry": list(rows)} | attempts)


VIP = customer("V", number(0), number(1), tier="vip")


# What no campaign decides


def test_a_conversation_is_the_end() -> None:
    step = after(Ending.REACHED)
    assert (step.state, step.reason, step.not_before) == (CallbackState.DONE, None, None)


@pytest.mark.parametrize("who", [customer(), VIP])
@pytest.mark.parametrize("ending", [Ending.OPTED_OUT, Ending.REFUSED])
def test_a_wish_closes_also_for_a_vip(ending: Ending, who: Any) -> None:
    step = after(ending, customer=who)
    assert (step.state, step.reason) == (CallbackState.CLOSED, Reason(ending.value))


def test_a_promise_sets_its_own_time_however_many_attempts_there_were() -> None:
    step = after(Ending.PROMISED, attempts=50)
    assert (step.state, step.not_before, step.promised) == (CallbackState.WAITING, NOW + DAY, True)


def test_a_promise_is_called_on_the_number_on_which_it_was_made() -> None:
    assert after(Ending.PROMISED, number_index=1).number_index == 1


# The table


@pytest.mark.parametrize("row", DEFAULT_RETRY, ids=lambda row: row.after.value)
def test_without_a_table_of_its_own_a_campaign_follows_the_default(row: Any) -> None:
    step = after(row.after)
    assert step.state is CallbackState.WAITING
    assert step.not_before == NOW + row.wait
    assert step.number_index == (1 if row.next_number else 0)
    assert not step.promised


def test_the_default_answers_for_every_ending_a_table_may_name() -> None:
    assert {row.after for row in DEFAULT_RETRY} == RETRYABLE


def test_a_row_for_this_attempt_goes_before_a_general_one_wherever_it_stands() -> None:
    general = {"after": "busy", "wait": "10 min"}
    second = {"after": "busy", "attempt": 2, "wait": "2 h"}
    for chosen in (table(general, second), table(second, general)):
        assert [after(Ending.BUSY, campaign=chosen, attempts=n).not_before for n in (1, 2, 3)] == [
            NOW + 10 * MINUTE,
            NOW + 2 * HOUR,
            NOW + 10 * MINUTE,
        ]


def test_a_numbered_row_leaves_the_default_for_the_other_attempts() -> None:
    chosen = table({"after": "busy", "attempt": 1, "stop": True})
    assert after(Ending.BUSY, campaign=chosen, attempts=1).state is CallbackState.CLOSED
    assert after(Ending.BUSY, campaign=chosen, attempts=2).not_before == NOW + 30 * MINUTE


@pytest.mark.parametrize("ending", [Ending.NO_ANSWER, Ending.DISSATISFIED, Ending.HUNG_UP])
def test_stop_closes_and_makes_a_vip_a_task(ending: Ending) -> None:
    chosen = table({"after": ending.value, "stop": True})
    step = after(ending, campaign=chosen)
    assert (step.state, step.reason) == (CallbackState.CLOSED, Reason.STOPPED)
    step = after(ending, campaign=chosen, customer=VIP)
    assert (step.state, step.reason) == (CallbackState.HELD, Reason.STOPPED)


@pytest.mark.parametrize(("attempts", "state"), [(2, CallbackState.WAITING), (3, CallbackState.CLOSED)])
def test_the_most_attempts_are_not_exceeded(attempts: int, state: CallbackState) -> None:
    assert after(Ending.BUSY, campaign=table(most=3), attempts=attempts).state is state


def test_the_next_number_follows_the_last_one() -> None:
    assert after(Ending.NO_ANSWER, number_index=1).number_index == 0


def test_no_number_at_all_is_no_crash() -> None:
    nobody = customer("C1")
    gone = standing(customer=type(nobody)("C1", "Name"), bad_numbers=frozenset({number().e164}))
    for ending in Ending:
        assert next_step(gone, ended(ending), NOW).number_index == 0


# The wrong person


def test_a_wrong_person_moves_on_to_numbers_not_tried_yet_and_never_back() -> None:
    step = after(Ending.WRONG_PERSON)
    assert (step.state, step.not_before, step.number_index) == (CallbackState.WAITING, NOW + HOUR, 1)
    last = after(Ending.WRONG_PERSON, number_index=1)
    assert (last.state, last.reason) == (CallbackState.CLOSED, Reason.WRONG_PERSON)
    assert after(Ending.WRONG_PERSON, number_index=1, customer=VIP).state is CallbackState.HELD


def test_a_wrong_person_is_not_sent_to_a_bad_number() -> None:
    step = after(Ending.WRONG_PERSON, bad_numbers=frozenset({number(1).e164}))
    assert (step.state, step.reason) == (CallbackState.CLOSED, Reason.WRONG_PERSON)


# Bad numbers


def test_a_bad_number_is_never_dialed_again_and_the_next_one_at_once() -> None:
    step = after(Ending.BAD_NUMBER, bad_numbers=frozenset({number(0).e164}), attempts=0)
    assert (step.state, step.not_before, step.number_index) == (CallbackState.WAITING, NOW, 1)


def test_after_a_bad_number_the_earlier_ones_are_tried_again() -> None:
    step = after(Ending.BAD_NUMBER, number_index=1, bad_numbers=frozenset({number(1).e164}))
    assert step.number_index == 0


def test_when_every_number_is_bad_a_person_has_to_find_another() -> None:
    both = frozenset({number(0).e164, number(1).e164})
    step = after(Ending.BAD_NUMBER, number_index=1, bad_numbers=both)
    assert (step.state, step.reason) == (CallbackState.HELD, Reason.BAD_NUMBER)


def test_a_number_that_replaced_the_bad_one_during_the_call_is_tried() -> None:
    renewed = customer("C1", number(7))
    step = after(Ending.BAD_NUMBER, customer=renewed, bad_numbers=frozenset({number(0).e164}))
    assert (step.state, step.number_index) == (CallbackState.WAITING, 0)


# What the customer never felt


@pytest.mark.parametrize(
    ("errors", "pause"), [(0, MINUTE), (1, MINUTE), (2, 2 * MINUTE), (3, 4 * MINUTE), (7, HOUR), (10**6, HOUR)]
)
def test_errors_in_a_row_wait_longer_and_longer_up_to_an_hour(errors: int, pause: timedelta) -> None:
    step = after(Ending.NOT_RUNG, errors=errors, attempts=0)
    assert (step.state, step.not_before, step.number_index) == (CallbackState.WAITING, NOW + pause, 0)
    assert (FIRST_PAUSE, LONGEST_PAUSE) == (MINUTE, HOUR)


def test_a_code_nobody_knows_is_not_retried_blindly() -> None:
    step = next_step(standing(), ended(Ending.NOT_RUNG, fault=Fault.UNKNOWN), NOW)
    assert (step.state, step.reason) == (CallbackState.HELD, Reason.NEEDS_HUMAN)


@pytest.mark.parametrize("fault", [Fault.TEMPORARY, Fault.CONFIGURATION, Fault.CALLER_ID, None])
def test_our_faults_and_the_carriers_are_tried_again(fault: Fault | None) -> None:
    assert next_step(standing(), ended(Ending.NOT_RUNG, fault=fault), NOW).state is CallbackState.WAITING


@pytest.mark.parametrize("ending", [Ending.NOT_RUNG, Ending.BAD_NUMBER])
def test_a_promise_stands_until_the_customer_has_felt_a_call(ending: Ending) -> None:
    """Else a carrier that asks to slow down would turn a kept appointment into an attempt too many."""
    assert after(ending, promised=True, attempts=9).promised
    assert not after(ending, promised=False).promised


@pytest.mark.parametrize("ending", [Ending.BUSY, Ending.NO_ANSWER, Ending.MACHINE, Ending.NOT_CONVENIENT])
def test_a_promise_that_was_called_upon_is_kept(ending: Ending) -> None:
    assert not after(ending, promised=True).promised


# Agents


def test_the_abandoned_wait_as_the_table_says() -> None:
    assert after(Ending.ABANDONED).not_before == NOW + DAY
    soon = table({"after": "abandoned", "wait": "3 h"})
    assert after(Ending.ABANDONED, campaign=soon).not_before == NOW + 3 * HOUR
    assert after(Ending.ABANDONED, campaign=soon, attempts=soon.attempts.most).reason is Reason.UNREACHED


def skipped(**changes: Any) -> NextStep:
    mark = Mark(PREVIEW, answer="spoke this morning")
    facts = Facts(state=AttemptState.RELEASED, failure="spoke this morning", marks=frozenset({mark}))
    return next_step(standing(**changes), facts, NOW)


@pytest.mark.parametrize("errors", [0, 1, 5])
def test_what_an_agent_skipped_rests_a_quarter_of_an_hour(errors: int) -> None:
    step = skipped(errors=errors, number_index=1)
    assert (step.state, step.not_before, step.promised) == (CallbackState.WAITING, NOW + SKIP_PAUSE, False)
    assert step.number_index == 1
    assert "spoke this morning" in step.note


@pytest.mark.parametrize(
    ("left", "pause"),
    [
        (15 * MINUTE, FIRST_PAUSE),
        (2 * MINUTE, FIRST_PAUSE),
        (MINUTE, MINUTE / 2),
        (timedelta(seconds=10), timedelta(seconds=5)),
        (timedelta(0), SKIP_PAUSE),
        (-MINUTE, SKIP_PAUSE),
    ],
)
@pytest.mark.parametrize("errors", [0, 5])
def test_a_promise_that_an_agent_skipped_can_still_be_kept(left: timedelta, pause: timedelta, errors: int) -> None:
    step = skipped(errors=errors, promised=True, promised_until=NOW + left)
    assert (step.state, step.not_before, step.promised) == (CallbackState.WAITING, NOW + pause, True)


# Properties


@given(
    st.sampled_from(Ending),
    st.sampled_from(["", "vip"]),
    st.integers(0, 6),
    st.integers(0, 4),
    st.integers(0, 2),
    st.sets(st.integers(0, 2)),
    st.sampled_from(["10 min", None]),
)
def test_every_end_has_a_next_step_that_makes_sense(
    ending: Ending, tier: str, attempts: int, errors: int, index: int, bad: set[int], wait: str | None
) -> None:
    rows = [{"after": one.value} | ({"wait": wait} if wait else {"stop": True}) for one in RETRYABLE]
    person = customer("C1", number(0), number(1), number(2), tier=tier)
    where = standing(
        customer=person,
        campaign=table(*rows),
        attempts=attempts,
        errors=errors,
        number_index=index,
        bad_numbers=frozenset(number(one).e164 for one in bad) | {number(index).e164},
    )
    step = next_step(where, ended(ending), NOW)
    assert step.note
    assert 0 <= step.number_index < len(person.numbers)
    assert (step.not_before is not None) == (step.state is CallbackState.WAITING)
    assert (step.reason is None) == (step.state in {CallbackState.WAITING, CallbackState.DONE})
    assert step.not_before is None or step.not_before >= NOW
    assert not (tier == "vip" and step.state is CallbackState.CLOSED and not ending.closes)
    if ending is Ending.BAD_NUMBER and step.state is CallbackState.WAITING:
        assert person.numbers[step.number_index].e164 not in where.bad_numbers
    assert step == next_step(where, ended(ending), NOW)


@given(st.sampled_from(sorted(RETRYABLE)), st.integers(1, 50))
def test_a_rule_is_found_for_every_ending_and_attempt(ending: Ending, attempt: int) -> None:
    rule = find_rule(campaign(), ending, attempt)
    assert rule is not None
    assert rule.after is ending
