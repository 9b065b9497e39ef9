"""What follows an attempt: the campaign's retry table, and the few things no campaign may decide otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from dialer.core.admission import holds
from dialer.core.outcome import Ending, Fault
from dialer.core.record import CallbackState, Reason

if TYPE_CHECKING:
    from datetime import datetime

    from dialer.core.campaign import Campaign, RetryRule
    from dialer.core.customer import Customer
    from dialer.core.lifecycle import Facts

FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=1)
"""After an error the customer never felt: wait a minute, then twice as long each time, up to an hour."""

SKIP_PAUSE = timedelta(minutes=15)
"""Whom an agent gave back without dialing is not offered again at once, unless a promised time runs out meanwhile."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a callback stands when an attempt of it has ended."""

    customer: Customer
    campaign: Campaign
    attempts: int  # counted ones, the one that ended included
    errors: int  # attempts in a row that the customer never felt, this one included
    number_index: int
    bad_numbers: frozenset[str]  # useless ones, this attempt's included
    promised: bool = False  # the customer chose the time of the attempt that ended
    promised_until: datetime | None = None  # and the call has to be made before this


@dataclass(frozen=True, slots=True)
class NextStep:
    """What happens next with a callback."""

    state: CallbackState
    note: str
    reason: Reason | None = None
    not_before: datetime | None = None
    promised: bool = False
    number_index: int = 0


def next_step(standing: Standing, facts: Facts, at: datetime) -> NextStep:
    """The next step after an attempt that ended at `at` with `facts`. Pure, so a late event can ask again."""
    ending = facts.outcome.ending
    last = last_word(standing, ending)
    if last is not None:
        return last
    match ending:
        case Ending.PROMISED if facts.promise_at is not None:
            return _again(standing, facts.promise_at, "the customer chose this time", promised=True)
        case Ending.PROMISED:
            note = "the customer chose a time of day, and nobody knows on which clock: ask for their zone"
            return NextStep(CallbackState.HELD, note, Reason.UNCLEAR_TIME, number_index=standing.number_index)
        case Ending.BAD_NUMBER:
            return _other_number(standing, at, Reason.BAD_NUMBER, "the network refused the number for good")
        case Ending.NOT_RUNG:
            return _not_rung(standing, facts, at)
        case _:
            return _by_table(standing, ending, at)


def last_word(standing: Standing, ending: Ending) -> NextStep | None:
    """What follows from an ending after which no call is wanted, whatever other attempts came to; None for the rest."""
    match ending:
        case Ending.REACHED:
            return NextStep(CallbackState.DONE, "the conversation took place")
        case Ending.OPTED_OUT:
            return _end(standing, Reason.OPTED_OUT, "the customer asked never to be called again")
        case Ending.REFUSED:
            return _end(standing, Reason.REFUSED, "the customer does not want this")
        case _:
            return None


def spoils_number(campaign: Campaign, ending: Ending) -> bool:
    """Whether an attempt that ended this way shows that its number is useless for this callback.

    A stranger's is, unless the campaign asks for the same number again (a colleague may fetch the customer).
    """
    if ending is not Ending.WRONG_PERSON:
        return ending is Ending.BAD_NUMBER
    rows = [rule for rule in campaign.attempts.retry if rule.after is ending]
    return all(rule.next_number or rule.stop for rule in rows)


def _by_table(standing: Standing, ending: Ending, at: datetime) -> NextStep:
    rule = find_rule(standing.campaign, ending, standing.attempts)
    words = str(ending).replace("_", " ")
    if rule is None or rule.stop or rule.wait is None:
        reason = Reason.WRONG_PERSON if ending is Ending.WRONG_PERSON else Reason.STOPPED
        return _end(standing, reason, f"after {words} the campaign stops")
    if standing.attempts >= standing.campaign.attempts.most:
        return _end(standing, Reason.UNREACHED, f"all {standing.campaign.attempts.most} attempts are used up")
    if rule.next_number and ending is Ending.WRONG_PERSON:
        return _other_number(standing, at + rule.wait, Reason.WRONG_PERSON, "the number is not this customer's")
    return _again(standing, at + rule.wait, f"again after {words}", move_on=rule.next_number)


def find_rule(campaign: Campaign, ending: Ending, attempt: int) -> RetryRule | None:
    """The retry table's row for `ending` of the `attempt`-th counted attempt; numbered rows go first."""
    rows = [rule for rule in campaign.attempts.retry if rule.after is ending and rule.attempt in {None, attempt}]
    return max(rows, key=lambda rule: rule.attempt is not None, default=None)


def _not_rung(standing: Standing, facts: Facts, at: datetime) -> NextStep:
    if facts.fault is Fault.UNKNOWN:
        note = "the carrier refused with a code nobody has met before"
        return NextStep(CallbackState.HELD, note, Reason.NEEDS_HUMAN, number_index=standing.number_index)
    if facts.skipped:
        pause = _skip_pause(standing, at)
        return _again(standing, at + pause, f"an agent skipped it: {facts.failure}", promised=standing.promised)
    pause = min(FIRST_PAUSE * 2 ** min(standing.errors - 1, 10), LONGEST_PAUSE) if standing.errors else FIRST_PAUSE
    # What the customer never felt keeps no promise, so one that was made still stands.
    return _again(standing, at + pause, "the last try never reached the customer", promised=standing.promised)


def _skip_pause(standing: Standing, at: datetime) -> timedelta:
    """How long nobody is offered what an agent skipped: a promise only so long that somebody else can still keep it."""
    left = standing.promised_until - at if standing.promised_until is not None else timedelta(0)
    return min(FIRST_PAUSE, left / 2) if left > timedelta(0) else SKIP_PAUSE


def _other_number(standing: Standing, at: datetime, reason: Reason, note: str) -> NextStep:
    numbers = standing.customer.numbers
    following = range(standing.number_index + 1, len(numbers))
    if reason is Reason.BAD_NUMBER:  # any other may be tried, the earlier ones and a new one in this place included
        following = range(standing.number_index + 1, standing.number_index + 1 + len(numbers))
    for index in (i % len(numbers) for i in following):
        if numbers[index].e164 not in standing.bad_numbers:
            promised = standing.promised and reason is Reason.BAD_NUMBER
            note = "the next number is tried"
            return NextStep(CallbackState.WAITING, note, not_before=at, promised=promised, number_index=index)
    return _end(standing, reason, note)


def _again(standing: Standing, at: datetime, note: str, *, promised: bool = False, move_on: bool = False) -> NextStep:
    index = (standing.number_index + move_on) % max(len(standing.customer.numbers), 1)
    return NextStep(CallbackState.WAITING, note, not_before=at, promised=promised, number_index=index)


def _end(standing: Standing, reason: Reason, note: str) -> NextStep:
    held = holds(reason, standing.customer)
    state = CallbackState.HELD if held else CallbackState.CLOSED
    return NextStep(state, note, reason, number_index=standing.number_index)
