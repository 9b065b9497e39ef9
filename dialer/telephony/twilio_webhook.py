"""Believes a webhook only when its signature proves that Twilio sent it, and says in our words what it tells."""

from __future__ import annotations

import base64
import hmac
import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlsplit

import structlog
from twilio.request_validator import get_signature_algorithm  # type: ignore[import-untyped]

from dialer.core.lifecycle import Event, EventKind
from dialer.core.outcome import Network
from dialer.errors import ForgedRequestError
from dialer.ports import Notice
from dialer.telephony.twilio_codes import STATUSES, answered_by, count, network_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dialer.ports import WebRequest

log = structlog.get_logger(__name__)

LARGEST_BODY: Final = 16 * 1024
MOST_FIELDS: Final = 100
CALL_SID: Final = re.compile(r"CA[0-9a-fA-F]{32}")
"""The shape of a call's id, as Twilio's API description gives it."""

_FORM: Final = "application/x-www-form-urlencoded"
_HASHES: Final = MappingProxyType({"HMAC_SHA1": "sha1", "HMAC_SHA256": "sha256"})
_DEFAULT_PORTS: Final = MappingProxyType({"https": 443, "http": 80})
_LONGEST_DELAY: Final = timedelta(days=1)


class Seal:
    """Twilio's signature: HMAC over the address as Twilio knows it, and every field of the form in order of its name.

    `secrets` are all that may have signed: the auth token, another one during a rotation, shared keys (SHA-256).
    Source: Twilio's "Webhooks security" page; the SDK's validator takes ten times as long and computes the same.
    """

    def __init__(self, public_url: str, secrets: Sequence[str]) -> None:
        self._origins = _with_and_without_port(public_url)
        self._secrets = tuple(secret.encode() for secret in secrets if secret)

    def proves(self, request: WebRequest, form: Sequence[tuple[str, str]]) -> bool:
        """Whether the request is signed. May raise on a request that is nonsense."""
        algorithm = _HASHES[get_signature_algorithm(request.headers.get("x-twilio-webhooks-signature-settings", ""))]
        signed = request.headers["x-twilio-signature"].encode()
        target = request.target.partition("#")[0]  # Twilio keeps a fragment's connection settings to itself
        fields = "".join(name + value for name, value in sorted(set(form)))
        return any(
            hmac.compare_digest(_sign(secret, origin + target + fields, algorithm), signed)
            for secret in self._secrets
            for origin in self._origins
        )


def _sign(secret: bytes, text: str, algorithm: str) -> bytes:
    return base64.b64encode(hmac.digest(secret, text.encode(), algorithm))


def _with_and_without_port(public_url: str) -> tuple[str, ...]:
    """Twilio signs some addresses with the port and some without, whatever the address said."""
    parts = urlsplit(public_url)
    host = parts.netloc.split(":")[0]
    port = parts.port or _DEFAULT_PORTS[parts.scheme]
    both = (f"{parts.scheme}://{host}{parts.path}", f"{parts.scheme}://{host}:{port}{parts.path}")
    return both[::-1] if parts.port else both


class Reader:
    """Turns requests into notices."""

    def __init__(self, account_sid: str, seal: Seal) -> None:
        self._account_sid = account_sid
        self._seal = seal

    def read(self, request: WebRequest, token: str, what: str, received: datetime) -> Notice:
        """As `Telephony.read`."""
        return _notice(self.believed(request), token, what, received)

    def believed(self, request: WebRequest, *, calls: bool = True) -> Mapping[str, str]:
        """The fields of a request that Twilio certainly sent; with `calls`, one that is about a call.

        Raises:
            ForgedRequestError: on any doubt.
        """
        try:
            return self._believe(request, calls=calls)
        except Exception as error:  # noqa: BLE001 - whatever is odd about a request is a reason not to believe it
            raise ForgedRequestError(f"A webhook is not certainly from Twilio: {_doubt(error)}") from None

    def _believe(self, request: WebRequest, *, calls: bool) -> Mapping[str, str]:
        if len(request.body) > LARGEST_BODY:
            raise _DoubtError("its body is too long")
        form = _form(request)
        if not self._seal.proves(request, form):
            raise _DoubtError("its signature is wrong; check DIALER_PUBLIC_URL and TWILIO_AUTH_TOKEN")
        fields = dict(form or _pairs(request.target.partition("#")[0].partition("?")[2]))
        if fields["AccountSid"] != self._account_sid:
            raise _DoubtError("it is about another account")
        sid = fields.setdefault("CallSid", "")  # a conference that ends is about nobody's call
        if (calls or sid) and not CALL_SID.fullmatch(sid):
            raise _DoubtError("it names no call")
        return MappingProxyType(fields)


class _DoubtError(Exception):
    """Why a request is not believed, in words that hold nothing of the request."""


def _doubt(error: Exception) -> str:
    return str(error) if isinstance(error, _DoubtError) else "it is not a request as Twilio makes them"


def _form(request: WebRequest) -> list[tuple[str, str]]:
    """The signed fields: all of a POST's form, blank ones too; none of a GET, whose address says everything."""
    if request.method == "GET":
        if request.body:
            raise _DoubtError("a GET has no body")
        return []
    if request.method != "POST":
        raise _DoubtError("Twilio only sends GET and POST")
    if request.headers["content-type"].partition(";")[0].strip().lower() != _FORM:
        raise _DoubtError("its content is not a form")
    return _pairs(request.body.decode())


def _pairs(text: str) -> list[tuple[str, str]]:
    return parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS)


def _notice(fields: Mapping[str, str], token: str, what: str, received: datetime) -> Notice:
    call = fields["CallSid"]
    digits = ""
    complaint = ""
    if what == "status":
        event = _status(fields, token, received)
    elif what == "verdict":
        event = _told(EventKind.VERDICT, f"verdict:{fields.get('AnsweredBy', '')}", fields, token, received)
    elif what == "answer":
        event = _told(EventKind.ANSWERED, "answer", fields, token, received)
    elif what in {"connect", "parted"}:
        met = what == "parted" and fields.get("DialBridged") == "true"  # known even when the conference told nothing
        event = _told(EventKind.CONNECTED if met else EventKind.ANSWERED, what, fields, token, received)
    elif what == "fallback":
        event = _told(EventKind.ANSWERED, "fallback", fields, token, received)
        complaint = f"Twilio could not use an answer of ours: error {fields.get('ErrorCode', '')}".rstrip()
        log.error("twilio_answer_failed", code=fields.get("ErrorCode", ""))
    elif what.startswith("step/"):
        digits = fields.get("Digits", "")
        event = _told(EventKind.HEARD, f"{what}:{digits}", fields, token, received)
    else:
        raise ForgedRequestError("Twilio was never given this address.")
    turned_away = what == "parted" and fields.get("DialBridged") == "false"
    return Notice(call, event, digits, complaint, turned_away)


def _told(kind: EventKind, key: str, fields: Mapping[str, str], token: str, received: datetime) -> Event:
    return Event(
        token=token,
        kind=kind,
        key=key,
        at=instant(fields.get("Timestamp", ""), received),
        source="webhook",
        carrier_call_id=fields["CallSid"],
        answered_by=answered_by(fields.get("AnsweredBy", "")),
        detail=fields,
    )


def _status(fields: Mapping[str, str], token: str, received: datetime) -> Event:
    status = fields.get("CallStatus", "")
    sip_code = fields.get("SipResponseCode", "")
    if status in STATUSES:
        kind, network = STATUSES[status][0], network_of(status, sip_code)
    else:
        # A word we have never met still proves that the call exists; it is kept as it came, and nothing is guessed.
        log.error("twilio_status_unknown", status=status)
        kind, network = EventKind.QUEUED, None
    return Event(
        token=token,
        kind=kind,
        key=f"status:{fields.get('SequenceNumber', '')}:{status}",
        at=instant(fields.get("Timestamp", ""), received),
        source="webhook",
        carrier_call_id=fields["CallSid"],
        network=network,
        answered_by=answered_by(fields.get("AnsweredBy", "")),
        talk=_talk(count(fields.get("CallDuration", ""))) if network is Network.ANSWERED else None,
        failure=f"{status}, SIP code {sip_code or 'unknown'}" if status == "failed" else "",
        detail=fields,
    )


def instant(text: str, received: datetime) -> datetime:
    """Twilio's RFC 2822 instant; `received` when there is none, or when it is later or more than a day before."""
    try:
        told = parsedate_to_datetime(text)
        told = told.replace(tzinfo=UTC) if told.tzinfo is None else told.astimezone(UTC)
    except (ValueError, OverflowError):
        return received
    return received if told > received or received - told > _LONGEST_DELAY else told


def _talk(seconds: int | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)
