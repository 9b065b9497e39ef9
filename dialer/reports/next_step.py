"""What happens next to a callback, because a report that only looks back leaves people waiting."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, assert_never

from dialer.core.outcome import Ending
from dialer.core.record import CallbackState
from dialer.reports.language import moment, say, word

if TYPE_CHECKING:
    from datetime import datetime

    from dialer.core.record import CallbackRecord
    from dialer.reports.language import Language


class Step(StrEnum):
    """The kinds of next step."""

    CALLING = "calling"
    PROMISED_CALL = "promised_call"
    CALL_AGAIN = "call_again"
    FIRST_CALL = "first_call"
    PERSON = "person"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class NextStep:
    """What happens next, and from which instant (UTC) where there is one."""

    step: Step
    at: datetime | None = None


def next_step(record: CallbackRecord) -> NextStep:
    """The step that follows from where the callback stands."""
    match record.state:
        case CallbackState.CALLING:
            return NextStep(Step.CALLING)
        case CallbackState.WAITING:
            at = record.next_at or record.due
            if record.promised_at is not None:
                return NextStep(Step.PROMISED_CALL, max(at, record.promised_at))
            if record.ending is Ending.PROMISED and not record.promises:  # from before promises were kept as such
                return NextStep(Step.PROMISED_CALL, at)
            return NextStep(Step.CALL_AGAIN if record.attempts else Step.FIRST_CALL, at)
        case CallbackState.HELD:
            return NextStep(Step.PERSON)
        case CallbackState.DONE | CallbackState.CLOSED:
            return NextStep(Step.NOTHING)
        case _:
            assert_never(record.state)


def in_words(record: CallbackRecord, language: Language) -> str:
    """The next step as a sentence."""
    step = next_step(record)
    match step.step:
        case Step.NOTHING:
            return say("step.nothing", language).format(why=_why_nothing(record, language))
        case Step.PERSON:
            key = "held.other" if record.reason is None else f"held.{record.reason.value}"
            return say(key, language).format(deadline=moment(record.deadline))
        case Step.CALLING:
            return say("step.calling", language)
        case Step.FIRST_CALL | Step.CALL_AGAIN | Step.PROMISED_CALL:
            return say(f"step.{step.step.value}", language).format(at=moment(step.at or record.due))
        case _:
            assert_never(step.step)


def _why_nothing(record: CallbackRecord, language: Language) -> str:
    if record.state is CallbackState.DONE and record.ending is not None:
        return word(record.ending, language)
    return word(record.reason or record.state, language)
