"""Answering-machine detection: what Twilio would conclude about a person, and when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dialer.carrier.person import Answer, Ending

if TYPE_CHECKING:
    from dialer.carrier.hook import Hook
    from dialer.carrier.person import Person

FAX_TONE_SECONDS = 3.0
_MESSAGE_END = {
    Ending.BEEP: "machine_end_beep",
    Ending.SILENCE: "machine_end_silence",
    Ending.OTHER: "machine_end_other",
}


@dataclass(frozen=True, slots=True)
class Detection:
    """The detection a call was ordered with."""

    until_message_end: bool
    asynchronous: bool
    callback: Hook | None
    timeout_seconds: int
    speech_ms: int
    speech_end_ms: int
    silence_ms: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """`AnsweredBy` and the simulated seconds after the answer at which it is known."""

    answered_by: str
    after_seconds: float


def detect(person: Person, detection: Detection) -> Verdict:
    """What detection concludes. Undecided at the timeout, or nothing said at all: `unknown`."""
    if person.greeting_seconds <= 0 and person.answer is not Answer.FAX:
        return Verdict("unknown", min(detection.silence_ms / 1000, detection.timeout_seconds))
    verdict = _undisturbed(person, detection)
    if verdict.after_seconds > detection.timeout_seconds:
        return Verdict("unknown", detection.timeout_seconds)
    return verdict


def _undisturbed(person: Person, detection: Detection) -> Verdict:
    silence_after_speech = detection.speech_end_ms / 1000
    if person.answer is Answer.FAX:
        return Verdict("fax", FAX_TONE_SECONDS)
    if person.answer is not Answer.MACHINE:
        return Verdict("human", person.greeting_seconds + silence_after_speech)
    if not detection.until_message_end:
        return Verdict("machine_start", min(person.greeting_seconds, detection.speech_ms / 1000))
    tail = 0.5 if person.ending is Ending.BEEP else silence_after_speech
    return Verdict(_MESSAGE_END[person.ending], person.greeting_seconds + tail)
