"""How Twilio parks an agent's telephone in a conference and puts a customer into it, and what it tells about them.

Source: Twilio, "TwiML: Conference". Whoever joins first settles the callbacks of a conference. That is the agent, but
for a customer who has waited for them, so both name the same ones.
"""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import structlog
from twilio.twiml.voice_response import Dial, VoiceResponse  # type: ignore[import-untyped]

from dialer.errors import ForgedRequestError
from dialer.ports import AGENT, LegKind, LegNotice, room

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta

    from dialer.ports import Leg, LegLinks, Links

log = structlog.get_logger(__name__)

TEXT: Final = "text/xml"
# Twilio reads these from an address's fragment and neither sends nor signs them (its page "Connection Overrides").
WAITS_FOR_AGENT: Final = "#ct=1000&rt=9000&rc=1&rp=ct,5xx"  # our answer may take as long as the campaign's patience
TELLS: Final = "#rc=5&rp=all&rt=3000"
TWO: Final = 2
"""The agent and one customer: a double assignment fails (error 16020) instead of mixing two customers."""

_COMES_AND_GOES: Final = "join leave end"
_HAPPENINGS: Final = MappingProxyType({"participant-join": LegKind.JOINED, "participant-leave": LegKind.LEFT})
_OVER: Final = frozenset({"completed", "busy", "no-answer", "failed", "canceled"})


def creation(leg: Leg) -> dict[str, Any]:
    """The parameters of the call to an agent's telephone."""
    return {
        "to": leg.address,
        "from_": leg.caller_id,
        "url": leg.links.answer + WAITS_FOR_AGENT,
        "fallback_url": leg.links.fallback + TELLS,
        "status_callback": leg.links.status + TELLS,
        "status_callback_event": ["answered", "completed"],
        "timeout": seconds(leg.ring),
        "time_limit": seconds(leg.longest),
    }


def parked(links: LegLinks) -> tuple[str, str]:
    """The agent waits in silence; when they hang up, the customer who is with them is not left alone."""
    reply = VoiceResponse()
    _join(reply.dial(), links, AGENT, beep="false", end_conference_on_exit=True)
    return str(reply), TEXT


def connect(leg: LegLinks, links: Links, longest: timedelta) -> tuple[str, str]:
    """Put the customer into the conference of this leg. The beep tells the agent that somebody is there."""
    reply = VoiceResponse()
    dial = reply.dial(action=links.parted + TELLS, method="POST", time_limit=seconds(longest))
    _join(dial, leg, links.token, beep="onEnter", end_conference_on_exit=False)
    return str(reply), TEXT


def _join(dial: Dial, leg: LegLinks, label: str, **own: Any) -> None:
    dial.conference(
        room(leg.token),
        participant_label=label,
        wait_url="",
        start_conference_on_enter=True,
        max_participants=TWO,
        status_callback=leg.conference + TELLS,
        status_callback_event=_COMES_AND_GOES,
        status_callback_method="POST",
        **own,
    )


def notice(fields: Mapping[str, str], what: str, at: datetime) -> LegNotice:
    """What a verified webhook about an agent's telephone tells."""
    call = fields["CallSid"]
    if what in {"answer", "fallback"}:
        return LegNotice(LegKind.ANSWERED if what == "answer" else LegKind.OTHER, call, at)
    if what.startswith("step/"):
        return LegNotice(LegKind.PRESSED, call, at, digits=fields.get("Digits", ""))
    if what == "status":
        over = fields.get("CallStatus", "") in _OVER
        return LegNotice(LegKind.ENDED if over else LegKind.OTHER, call, at)
    if what == "conference":
        kind = _HAPPENINGS.get(fields.get("StatusCallbackEvent", ""), LegKind.OTHER)
        return LegNotice(kind, call, at, fields.get("ParticipantLabel", ""))
    raise ForgedRequestError("Twilio was never given this address.")


def seconds(duration: timedelta) -> int:
    """Whole seconds, as Twilio counts, and never none."""
    return max(1, math.ceil(duration.total_seconds()))
