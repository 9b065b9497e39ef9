"""Twilio's words and codes in ours: one table each, and the safest reading of a word that is in none of them."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import structlog

from dialer.core.lifecycle import EventKind
from dialer.core.outcome import AnsweredBy, Fault, Network

if TYPE_CHECKING:
    from collections.abc import Mapping

log = structlog.get_logger(__name__)

STATUSES: Final[Mapping[str, tuple[EventKind, Network | None]]] = MappingProxyType(
    {
        "queued": (EventKind.QUEUED, None),
        "initiated": (EventKind.QUEUED, None),  # only webhooks say it; the record says queued or ringing
        "ringing": (EventKind.RINGING, None),
        "in-progress": (EventKind.ANSWERED, None),
        "completed": (EventKind.ENDED, Network.ANSWERED),
        "busy": (EventKind.ENDED, Network.BUSY),
        "no-answer": (EventKind.ENDED, Network.NO_ANSWER),
        "failed": (EventKind.ENDED, Network.UNREACHABLE),  # `SIP_CODES` may know more
        "canceled": (EventKind.ENDED, Network.CANCELED),
    }
)
"""CallStatus of webhooks and of the call's record."""

SIP_CODES: Final[Mapping[str, Network]] = MappingProxyType(
    {
        "404": Network.BAD_NUMBER,  # not found
        "410": Network.BAD_NUMBER,  # gone
        "484": Network.BAD_NUMBER,  # address incomplete
        "604": Network.BAD_NUMBER,  # does not exist anywhere
        "403": Network.UNREACHABLE,  # the network between us and them forbids it; says nothing about the number
        "408": Network.UNREACHABLE,
        "480": Network.UNREACHABLE,  # temporarily unavailable: switched off, no coverage
        "487": Network.UNREACHABLE,  # given up before an answer
        "488": Network.UNREACHABLE,
        "500": Network.UNREACHABLE,
        "502": Network.UNREACHABLE,
        "503": Network.UNREACHABLE,
        "504": Network.UNREACHABLE,
        "486": Network.BUSY,
        "600": Network.BUSY,  # busy everywhere
        "603": Network.BUSY,  # declined
        "607": Network.BUSY,  # unwanted: declined by the person called (RFC 8197)
        "608": Network.UNREACHABLE,  # rejected by an analytics service on the way (RFC 8688)
    }
)
"""SipResponseCode of a failed call, after RFC 3261."""

ANSWERED_BY: Final[Mapping[str, AnsweredBy]] = MappingProxyType(
    {
        "human": AnsweredBy.HUMAN,
        "machine": AnsweredBy.MACHINE,  # the call's record has no finer word
        "machine_start": AnsweredBy.MACHINE,
        "machine_end_beep": AnsweredBy.MACHINE,
        "machine_end_silence": AnsweredBy.MACHINE,
        "machine_end_other": AnsweredBy.MACHINE,
        "fax": AnsweredBy.FAX,
        "unknown": AnsweredBy.UNKNOWN,
    }
)
"""AnsweredBy of the answering-machine detection."""

ERRORS: Final[Mapping[int, tuple[Fault, str]]] = MappingProxyType(
    {
        # The number will never work.
        13223: (Fault.NUMBER, "not a phone number"),
        13225: (Fault.NUMBER, "a number Twilio never calls"),
        13226: (Fault.NUMBER, "no such country code"),
        21202: (Fault.NUMBER, "a premium number"),
        21211: (Fault.NUMBER, "not a valid number to call"),
        21216: (Fault.NUMBER, "a number this account may not call"),
        21217: (Fault.NUMBER, "not a valid phone number"),
        21401: (Fault.NUMBER, "not a valid phone number"),
        32101: (Fault.NUMBER, "not a valid number to call"),
        32203: (Fault.NUMBER, "a number Twilio holds for fraud"),
        # Not now.
        10004: (Fault.TEMPORARY, "too many calls of this account at once"),
        16021: (Fault.TEMPORARY, "too many calls of this account at once"),
        13224: (Fault.TEMPORARY, "Twilio has no way to this number at present"),
        20429: (Fault.TEMPORARY, "too many requests"),
        21214: (Fault.TEMPORARY, "Twilio cannot reach this number at present"),
        32001: (Fault.TEMPORARY, "too many calls a second for the trunk"),
        32011: (Fault.TEMPORARY, "Twilio could not talk to the carrier behind it"),
        32014: (Fault.TEMPORARY, "no sound arrived"),
        32016: (Fault.TEMPORARY, "the carrier behind Twilio took too long to ring"),
        # Settings or account: no call will work until somebody mends it.
        10001: (Fault.CONFIGURATION, "the Twilio account is not active: open the Twilio console"),
        10002: (Fault.CONFIGURATION, "a trial account may not do this: upgrade it in the Twilio console"),
        13227: (Fault.CONFIGURATION, "no permission to call this country: Voice Geographic Permissions in the console"),
        20001: (Fault.CONFIGURATION, "Twilio does not know a parameter we sent"),
        20003: (Fault.CONFIGURATION, "Twilio does not accept TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN"),
        20005: (Fault.CONFIGURATION, "the Twilio account is suspended or closed: open the Twilio console"),
        20006: (Fault.CONFIGURATION, "these credentials may not place calls"),
        20404: (Fault.CONFIGURATION, "Twilio knows no account of this TWILIO_ACCOUNT_SID"),
        21201: (Fault.CONFIGURATION, "the request named no number to call"),
        21203: (Fault.CONFIGURATION, "calls to other countries are switched off in the Twilio console"),
        21205: (Fault.CONFIGURATION, "DIALER_PUBLIC_URL is not an address Twilio accepts"),
        21206: (Fault.CONFIGURATION, "Twilio does not accept the digits of an extension"),
        21208: (Fault.CONFIGURATION, "Twilio does not accept the ring time"),
        21209: (Fault.CONFIGURATION, "Twilio does not accept the method of a webhook"),
        21215: (Fault.CONFIGURATION, "no permission to call this country: Voice Geographic Permissions in the console"),
        21218: (Fault.CONFIGURATION, "Twilio does not accept the application"),
        21219: (Fault.CONFIGURATION, "a trial account may only call numbers verified in the Twilio console"),
        21226: (Fault.CONFIGURATION, "Twilio does not accept the events of the status callback"),
        21262: (Fault.CONFIGURATION, "answering-machine detection without an address to tell"),
        21609: (Fault.CONFIGURATION, "DIALER_PUBLIC_URL is not an address Twilio accepts"),
        21608: (Fault.CONFIGURATION, "a trial account may only call numbers verified in the Twilio console"),
        21626: (Fault.CONFIGURATION, "Twilio does not accept the events of the status callback"),
        32018: (Fault.CONFIGURATION, "the words to speak are too long for one request"),
        32205: (
            Fault.CONFIGURATION,
            "no permission to call this number: Voice Geographic Permissions in the console",
        ),
        90010: (Fault.CONFIGURATION, "the Twilio account is not active: open the Twilio console"),
        # The number we call from.
        13214: (Fault.CALLER_ID, "not a valid caller id"),
        21210: (Fault.CALLER_ID, "the caller id is not verified in the Twilio console"),
        21212: (Fault.CALLER_ID, "not a valid caller id"),
        21213: (Fault.CALLER_ID, "no caller id"),
        21606: (Fault.CALLER_ID, "the caller id does not belong to this account"),
        32017: (Fault.CALLER_ID, "carriers block this caller id for its reputation: let it rest, use another"),
        32206: (Fault.CALLER_ID, "this caller id may not make this call"),
    }
)
"""Twilio's error codes for calls (twilio.com/docs/api/errors): whose fault it is, and what it means."""


_PLAUSIBLE: Final = 1_000_000_000  # a call may queue for a day, which is 86 million milliseconds


def count(text: str) -> int | None:
    """A number of seconds or milliseconds in Twilio's words; None when it is not one."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(_PLAUSIBLE)) else _PLAUSIBLE
    return number if number < _PLAUSIBLE else None


def fault_of(code: int) -> tuple[Fault, str]:
    """Whose fault an error code is, and a sentence for the record. A code we do not know is said loudly."""
    fault, words = ERRORS.get(code, (Fault.UNKNOWN, "an error this program does not know: twilio.com/docs/api/errors"))
    if fault is Fault.UNKNOWN:
        log.warning("twilio_error_unknown", code=code)
    return fault, f"{code}: {words}"


def network_of(status: str, sip_code: str) -> Network | None:
    """How a call ended; None while it has not. A failure with an unknown SIP code is one the network may get over."""
    network = STATUSES[status][1]
    if status != "failed" or not sip_code:
        return network
    if sip_code not in SIP_CODES:
        log.warning("twilio_sip_code_unknown", sip_code=sip_code)
    return SIP_CODES.get(sip_code, network)


def answered_by(word: str) -> AnsweredBy | None:
    """Who picked up; None when nothing was said. A verdict we do not know is no verdict, hence a person."""
    if not word:
        return None
    if word not in ANSWERED_BY:
        log.warning("twilio_verdict_unknown", verdict=word)
    return ANSWERED_BY.get(word, AnsweredBy.UNKNOWN)
