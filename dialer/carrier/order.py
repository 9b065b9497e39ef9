"""What a client asked for when it created or updated a call, checked as Twilio checks it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from dialer.carrier.detection import Detection
from dialer.carrier.form import CREATE, CREATE_NOT_YET, UPDATE, UPDATE_NOT_YET, Form
from dialer.carrier.refusal import Refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dialer.carrier.hook import Hook

_E164 = re.compile(r"\+[1-9]\d{6,14}")
# An agent's telephone on the internet: user, host, perhaps port and transport. Source: RFC 3261, section 19.1.
_SIP = re.compile(
    r"sips?:[A-Za-z0-9._~!$&'()*+,=%-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?(?::\d{1,5})?"
    r"(?:;transport=(?:udp|tcp|tls))?"
)
LARGEST_INLINE = 4000
# Twilio's magic numbers for test credentials: https://www.twilio.com/docs/iam/test-credentials
_MAGIC_TO = {
    "+15005550001": (21211, "is not a valid phone number"),
    "+15005550002": (21214, "cannot be reached"),
    "+15005550003": (21215, "is in a region this account may not call"),
    "+15005550004": (21216, "is blocked"),
}
_MAGIC_FROM = {"+15005550001": (21212, "is not a valid phone number")}


class Event(StrEnum):
    """The moments of a call a client may subscribe to."""

    INITIATED = "initiated"  # Twilio began to dial
    RINGING = "ringing"  # the callee's telephone rings
    ANSWERED = "answered"  # the callee, or a machine, picked up
    COMPLETED = "completed"  # the call is over, however it ended


@dataclass(frozen=True, slots=True)
class Source:
    """Where instructions come from: a URL, or a document given with the request."""

    hook: Hook | None = None
    inline: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """A call as it was ordered."""

    to: str
    from_: str
    source: Source
    fallback: Hook | None
    status_callback: Hook | None
    events: frozenset[Event]
    ring_timeout_seconds: int
    time_limit_seconds: int
    detection: Detection | None


@dataclass(frozen=True, slots=True)
class Change:
    """What a client wants of a call that exists."""

    status: str
    source: Source | None
    fallback: Hook | None
    status_callback: Hook | None


@dataclass(frozen=True, slots=True)
class Account:
    """What the account may do. Empty tuples allow everything."""

    caller_ids: Sequence[str] = ()
    allowed_prefixes: Sequence[str] = ()


def read_order(encoded: str, account: Account) -> Order:
    """A create request's form. Raises `Refusal` with the code Twilio gives."""
    form = Form(encoded, CREATE, CREATE_NOT_YET)
    if form.flag("Record"):
        raise Refusal(20001, "The stand-in carrier does not carry out 'Record' yet")
    to, from_ = _to(form, account), _from(form, account)
    source = _source(form)
    if source is None:
        raise Refusal(21205, "Url parameter is required: give Url or Twiml")
    return Order(
        to=to,
        from_=from_,
        source=source,
        fallback=form.hook("FallbackUrl", "FallbackMethod", 21205),
        status_callback=form.hook("StatusCallback", "StatusCallbackMethod", 21609),
        events=_events(form),
        ring_timeout_seconds=form.whole("Timeout", 60, lowest=1, highest=600),
        time_limit_seconds=form.whole("TimeLimit", 14_400, lowest=1, highest=86_400),
        detection=_detection(form),
    )


def read_change(encoded: str) -> Change:
    """An update request's form. Raises `Refusal`."""
    form = Form(encoded, UPDATE, UPDATE_NOT_YET)
    status = form.text("Status")
    if status not in {"", "canceled", "completed"}:
        raise Refusal(20001, f"Status {status!r} is not valid: expected canceled or completed")
    return Change(
        status=status,
        source=_source(form),
        fallback=form.hook("FallbackUrl", "FallbackMethod", 21205),
        status_callback=form.hook("StatusCallback", "StatusCallbackMethod", 21609),
    )


def _to(form: Form, account: Account) -> str:
    to = form.text("To")
    if not to:
        raise Refusal(21201, "No 'To' number is specified")
    if _SIP.fullmatch(to):
        return to
    if not _E164.fullmatch(to):
        raise Refusal(
            21211, f"The phone number you are attempting to call, {to}, is not valid (expected E.164 or sip:)."
        )
    if to in _MAGIC_TO:
        code, why = _MAGIC_TO[to]
        raise Refusal(code, f"The phone number you are attempting to call, {to}, {why}.")
    if account.allowed_prefixes and not to.startswith(tuple(account.allowed_prefixes)):
        raise Refusal(
            21215, f"Account not authorized to call {to}. Perhaps you need to enable some international permissions"
        )
    return to


def _from(form: Form, account: Account) -> str:
    from_ = form.text("From")
    if not from_:
        raise Refusal(21213, "No 'From' number is specified")
    if not _E164.fullmatch(from_):
        raise Refusal(21212, f"The source phone number provided, {from_}, is not valid (expected E.164).")
    if from_ in _MAGIC_FROM:
        code, why = _MAGIC_FROM[from_]
        raise Refusal(code, f"The source phone number provided, {from_}, {why}.")
    if account.caller_ids and from_ not in account.caller_ids:
        raise Refusal(21210, f"The source phone number provided, {from_}, is not yet verified for your account.")
    return from_


def _source(form: Form) -> Source | None:
    hook = form.hook("Url", "Method", 21205)
    inline = form.text("Twiml")
    if len(inline) > LARGEST_INLINE:
        raise Refusal(32018, f"Twiml is longer than {LARGEST_INLINE} characters")
    if hook is not None:
        return Source(hook)
    return Source(inline=inline) if inline else None


def _events(form: Form) -> frozenset[Event]:
    names = form.every("StatusCallbackEvent")
    unknown = [name for name in names if name not in set(Event)]
    if unknown:
        raise Refusal(
            21626, f"StatusCallbackEvent {unknown[0]!r} is not valid: expected one each of {', '.join(Event)}"
        )
    return frozenset(map(Event, names)) or frozenset({Event.COMPLETED})


def _detection(form: Form) -> Detection | None:
    mode = form.text("MachineDetection")
    if mode not in {"", "Enable", "DetectMessageEnd"}:
        raise Refusal(20001, f"MachineDetection {mode!r} is not valid: expected Enable or DetectMessageEnd")
    # Read even when unused, so that a wrong value is refused.
    callback = form.hook("AsyncAmdStatusCallback", "AsyncAmdStatusCallbackMethod", 21609)
    asynchronous = form.flag("AsyncAmd")
    detection = Detection(
        until_message_end=mode == "DetectMessageEnd",
        callback=callback,
        asynchronous=asynchronous,
        timeout_seconds=form.whole("MachineDetectionTimeout", 30, lowest=3, highest=60),
        speech_ms=form.whole("MachineDetectionSpeechThreshold", 2400, lowest=1000, highest=6000),
        speech_end_ms=form.whole("MachineDetectionSpeechEndThreshold", 1200, lowest=500, highest=5000),
        silence_ms=form.whole("MachineDetectionSilenceTimeout", 5000, lowest=2000, highest=10_000),
    )
    if not mode or form.text("SendDigits"):
        # Twilio performs no detection on calls that send digits.
        return None
    if asynchronous and callback is None:
        raise Refusal(21262, "AsyncAmd is on but no AsyncAmdStatusCallback is given")
    return detection
