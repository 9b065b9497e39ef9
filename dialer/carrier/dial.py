"""Reads <Dial><Conference>: how a caller enters a conference and what follows their stay."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from dialer.carrier.attribute import TwimlError, check_names, flag, method, one_of, whole

if TYPE_CHECKING:
    from xml.etree import ElementTree as ET

LARGEST_CONFERENCE = 250  # participants. Source: Twilio, TwiML <Conference>, maxParticipants
LONGEST_NAME = 128
_DIAL = frozenset({"action", "hangupOnStar", "method", "timeLimit", "timeout"})
_DIAL_NOT_YET = frozenset({
    "answerOnBridge", "callReason", "callerId", "events", "record", "recordingStatusCallback",
    "recordingStatusCallbackEvent", "recordingStatusCallbackMethod", "recordingTrack", "referMethod", "referUrl",
    "ringTone", "sequential", "trim",
})  # fmt: skip
_NOUNS_NOT_YET = frozenset({"Application", "Client", "Number", "Queue", "Sim", "Sip", "WhatsApp"})
_CONFERENCE = frozenset({
    "beep", "endConferenceOnExit", "jitterBufferSize", "maxParticipants", "muted", "participantLabel",
    "startConferenceOnEnter", "statusCallback", "statusCallbackEvent", "statusCallbackMethod", "waitMethod", "waitUrl",
})  # fmt: skip
_CONFERENCE_NOT_YET = frozenset({
    "coach", "eventCallbackUrl", "record", "recordingStatusCallback", "recordingStatusCallbackEvent",
    "recordingStatusCallbackMethod", "region", "trim",
})  # fmt: skip
_NOT_YET_HEARD = frozenset({"announcement", "speaker"})


class Subscription(StrEnum):
    """What a client may ask to be told of a conference."""

    START = "start"  # two are in, one of whom starts conferences
    END = "end"  # the last left, or one who ends conferences, or the client ended it
    JOIN = "join"  # somebody came in
    LEAVE = "leave"  # somebody went out
    MUTE = "mute"  # somebody was muted or unmuted
    HOLD = "hold"  # somebody was put on hold or taken off
    MODIFY = "modify"  # somebody's endConferenceOnExit changed


@dataclass(frozen=True, slots=True)
class Seat:
    """How a caller wants to be in a conference: the noun <Conference>. The callback may be a relative URL."""

    name: str
    label: str = ""
    muted: bool = False
    starts: bool = True
    ends: bool = False
    most: int = LARGEST_CONFERENCE
    callback: str = ""
    callback_method: str = "POST"
    events: frozenset[Subscription] = frozenset()


@dataclass(frozen=True, slots=True)
class Dial:
    """Enter a conference; afterwards ask `action`, or go on with the next verb when it is None."""

    seat: Seat
    action: str | None
    method: str
    limit_seconds: int


def read_dial(element: ET.Element) -> Dial:
    """A <Dial> that holds one <Conference>.

    Raises `TwimlError`: 12100 for what the stand-in does not perform, 12200 for what TwiML does not have.
    """
    check_names(element, _DIAL, _DIAL_NOT_YET)
    flag(element, "hangupOnStar")
    whole(element, "timeout", 30, lowest=1, highest=600)
    return Dial(
        seat=_seat(_noun(element)),
        action=element.get("action") or None,
        method=method(element),
        limit_seconds=whole(element, "timeLimit", 14_400, lowest=1, highest=86_400),
    )


def _noun(element: ET.Element) -> ET.Element:
    wanted = "the stand-in carrier dials only into one <Conference>"
    for child in element:
        if child.tag in _NOUNS_NOT_YET:
            raise TwimlError(12100, f"the stand-in carrier does not perform <Dial><{child.tag}> yet; {wanted}")
        if child.tag != "Conference":
            raise TwimlError(12200, f"<Dial> may not hold <{child.tag}>")
    if len(element) != 1:
        raise TwimlError(12100, f"{wanted}; this <Dial> holds {len(element)} nouns")
    return element[0]


def _seat(element: ET.Element) -> Seat:
    check_names(element, _CONFERENCE, _CONFERENCE_NOT_YET)
    one_of(element, "beep", ("true", "false", "onEnter", "onExit"))
    one_of(element, "jitterBufferSize", ("large", "medium", "small", "off"))
    method(element, "waitMethod")
    name = (element.text or "").strip()
    if not 0 < len(name) <= LONGEST_NAME or len(element):
        raise TwimlError(12200, f"<Conference> needs a name of up to {LONGEST_NAME} characters and nothing else")
    label = element.get("participantLabel", "")
    if len(label) > LONGEST_NAME:
        raise TwimlError(12200, f"<Conference participantLabel>: longer than {LONGEST_NAME} characters")
    return Seat(
        name=name,
        label=label,
        muted=flag(element, "muted"),
        starts=flag(element, "startConferenceOnEnter", default=True),
        ends=flag(element, "endConferenceOnExit"),
        most=whole(element, "maxParticipants", LARGEST_CONFERENCE, lowest=1, highest=LARGEST_CONFERENCE),
        callback=element.get("statusCallback", ""),
        callback_method=method(element, "statusCallbackMethod"),
        events=_events(element),
    )


def _events(element: ET.Element) -> frozenset[Subscription]:
    names = element.get("statusCallbackEvent", "").split()
    for name in names:
        if name in _NOT_YET_HEARD:
            raise TwimlError(12100, f"the stand-in carrier does not tell the conference event {name!r} yet")
        if name not in set(Subscription):
            raise TwimlError(
                12200, f"<Conference statusCallbackEvent>: {name!r} is none; known are {', '.join(Subscription)}"
            )
    return frozenset(map(Subscription, names))
