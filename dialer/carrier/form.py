"""The parameters Twilio's API knows of calls and conferences, and a reader that refuses every other."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import parse_qsl

from dialer.carrier.hook import Hook, HookError, read_hook
from dialer.carrier.refusal import Refusal

CREATE = frozenset({
    "ApplicationSid", "AsyncAmd", "AsyncAmdStatusCallback", "AsyncAmdStatusCallbackMethod", "Byoc", "CallReason",
    "CallToken", "CallerId", "ClientNotificationUrl", "FallbackMethod", "FallbackUrl", "From", "MachineDetection",
    "MachineDetectionSilenceTimeout", "MachineDetectionSpeechEndThreshold", "MachineDetectionSpeechThreshold",
    "MachineDetectionTimeout", "Method", "Passports", "Record", "RecordingChannels", "RecordingConfigurationId",
    "RecordingStatusCallback", "RecordingStatusCallbackEvent", "RecordingStatusCallbackMethod", "RecordingTrack",
    "SendDigits", "SipAuthPassword", "SipAuthUsername", "StatusCallback", "StatusCallbackEvent",
    "StatusCallbackMethod", "TimeLimit", "Timeout", "To", "Trim", "Twiml", "Url",
})  # fmt: skip
UPDATE = frozenset({
    "FallbackMethod", "FallbackUrl", "Method", "Status", "StatusCallback", "StatusCallbackMethod", "TimeLimit",
    "Twiml", "Url",
})  # fmt: skip
LIST = frozenset({
    "EndTime", "EndTime<", "EndTime>", "From", "Page", "PageSize", "PageToken", "ParentCallSid", "StartTime",
    "StartTime<", "StartTime>", "Status", "To",
})  # fmt: skip
# Twilio carries these out and the stand-in does not: refused, so that nobody believes in a recording that never was.
CREATE_NOT_YET = frozenset({
    "ApplicationSid", "Byoc", "CallToken", "CallerId", "ClientNotificationUrl", "Passports", "RecordingChannels",
    "RecordingConfigurationId", "RecordingStatusCallback", "RecordingStatusCallbackEvent",
    "RecordingStatusCallbackMethod", "RecordingTrack", "SipAuthPassword", "SipAuthUsername", "Trim",
})  # fmt: skip
UPDATE_NOT_YET = frozenset({"TimeLimit"})
_PAGING = frozenset({"Page", "PageSize", "PageToken"})
CONFERENCE_LIST = _PAGING | {
    "DateCreated", "DateCreated<", "DateCreated>", "DateUpdated", "DateUpdated<", "DateUpdated>", "FriendlyName",
    "Status",
}  # fmt: skip
CONFERENCE_UPDATE = frozenset({"AnnounceMethod", "AnnounceUrl", "Status"})
CONFERENCE_UPDATE_NOT_YET = frozenset({"AnnounceMethod", "AnnounceUrl"})
PARTICIPANT_LIST = _PAGING | {"Coaching", "Hold", "Muted"}
PARTICIPANT_UPDATE = frozenset({
    "AnnounceMethod", "AnnounceUrl", "BeepOnExit", "CallSidToCoach", "Coaching", "EndConferenceOnExit", "Hold",
    "HoldMethod", "HoldUrl", "Muted", "WaitMethod", "WaitUrl",
})  # fmt: skip
PARTICIPANT_UPDATE_NOT_YET = frozenset({"AnnounceMethod", "AnnounceUrl", "CallSidToCoach", "Coaching"})
REPEATED = frozenset({"StatusCallbackEvent", "RecordingStatusCallbackEvent"})


class Form:
    """Form or query parameters of one request; an empty value counts as not given."""

    def __init__(self, encoded: str, known: frozenset[str], not_yet: frozenset[str] = frozenset()) -> None:
        """Read `encoded`; raises `Refusal` (20001) for a name outside `known`, in `not_yet`, or given twice."""
        self.known = known
        self._values: dict[str, list[str]] = {}
        for name, value in parse_qsl(encoded, keep_blank_values=True):
            if name not in known:
                raise _bad(f"Unknown parameter {name!r}: Twilio's API has no such parameter here")
            if name in self._values and name not in REPEATED:
                raise _bad(f"Parameter {name!r} is given twice")
            if name in not_yet and value:
                raise _bad(f"The stand-in carrier does not carry out {name!r} yet")
            self._values.setdefault(name, []).append(value)

    def __contains__(self, name: str) -> bool:
        return bool(self.text(name))

    def text(self, name: str, default: str = "") -> str:
        """A value, or the default when it is missing or empty."""
        return self._values.get(name, [""])[0] or default

    def every(self, name: str) -> tuple[str, ...]:
        """All values of a repeated parameter."""
        return tuple(value for value in self._values.get(name, ()) if value)

    def method(self, name: str) -> str:
        """GET or POST (the default)."""
        value = self.text(name, "POST").upper()
        if value not in {"GET", "POST"}:
            raise Refusal(21209, f"{name} {value!r} is not valid: expected GET or POST")
        return value

    def flag(self, name: str) -> bool:
        """A boolean, written true or false."""
        value = self.text(name, "false").lower()
        if value not in {"true", "false"}:
            raise _bad(f"{name} {value!r} is not valid: expected true or false")
        return value == "true"

    def whole(self, name: str, default: int, *, lowest: int, highest: int) -> int:
        """A whole number within limits."""
        value = self.text(name, str(default))
        if not (value.isascii() and value.isdigit()) or not lowest <= int(value) <= highest:
            raise _bad(f"{name} {value!r} is not valid: expected a whole number from {lowest} to {highest}")
        return int(value)

    def hook(self, name: str, method_name: str, code: int) -> Hook | None:
        """A URL with its method, or None when it is not given; a bad one is refused with `code`."""
        value = self.text(name)
        if not value:
            return None
        try:
            return read_hook(value, self.method(method_name))
        except HookError as wrong:
            raise Refusal(code, f"{name} is not a valid URL: {wrong}") from wrong


def _bad(message: str) -> Refusal:
    return Refusal(20001, message, HTTPStatus.BAD_REQUEST)
