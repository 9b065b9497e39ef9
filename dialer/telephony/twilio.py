"""Places calls through Twilio and translates what Twilio says about them; its codes are tables in `twilio_codes`."""

from __future__ import annotations

import re
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeVar

import structlog
from twilio.twiml.voice_response import Gather, VoiceResponse  # type: ignore[import-untyped]

from dialer.core.campaign import MachineReaction
from dialer.core.lifecycle import EventKind
from dialer.core.outcome import Network
from dialer.errors import CarrierError
from dialer.ports import CallReport, Lost, NotSent, Placed, Refused
from dialer.telephony import twilio_conference as conference
from dialer.telephony.twilio_codes import STATUSES, answered_by, count, fault_of
from dialer.telephony.twilio_http import NOTHING_SENT, TWILIO_API, OneTry, SaidNoError, TwilioClient
from dialer.telephony.twilio_webhook import CALL_SID, Reader, Seal, instant

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence
    from datetime import datetime

    from dialer.core.phone import PhoneNumber
    from dialer.core.script import Turn
    from dialer.ports import Addresses, Leg, LegLinks, LegNotice, Links, Notice, Order, Placement, WebRequest

log = structlog.get_logger(__name__)
T = TypeVar("T")

# Twilio reads these from an address's fragment and neither sends nor signs them (its page "Connection Overrides").
LISTENER_WAITS: Final = "#ct=1000&rt=2000&rc=1&rp=all"  # dead air for a person: give up soon, try once more
NOBODY_WAITS: Final = "#rc=5&rp=all&rt=3000"  # an event: try as often as Twilio allows

EVENTS: Final = ("initiated", "ringing", "answered", "completed")
DETECTION: Final = MappingProxyType(
    {
        MachineReaction.HANG_UP: "Enable",  # the verdict as early as possible
        MachineReaction.LEAVE_MESSAGE: "DetectMessageEnd",  # a machine's verdict when its greeting is over
    }
)
BEFORE_EXTENSION: Final = "WW"  # two seconds for the switchboard to pick up

VOICES: Final = MappingProxyType(
    {
        # Twilio names languages after ISO 639-3 where one country speaks several.
        "zh": ("cmn-CN", "Polly.Zhiyu"),
        "zh-cn": ("cmn-CN", "Polly.Zhiyu"),
        "zh-hans": ("cmn-CN", "Polly.Zhiyu"),
        "cmn-cn": ("cmn-CN", "Polly.Zhiyu"),
        "zh-tw": ("cmn-TW", "Google.cmn-TW-Wavenet-A"),
        "zh-hant": ("cmn-TW", "Google.cmn-TW-Wavenet-A"),
        "zh-hk": ("yue-HK", "Polly.Hiujin-Neural"),
        "yue": ("yue-HK", "Polly.Hiujin-Neural"),
        "en": ("en-US", None),
    }
)
"""Language of a script, in lower case: Twilio's name of it, and a voice where the account's default cannot speak it."""

_UNSPEAKABLE: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 has no place for, not even escaped; the SDK lets it through and the call then fails."""

_OVER: Final = 21220  # "call is not in the expected state"
_UNAUTHORIZED: Final = frozenset({401, 403})
_NOT_FOUND: Final = 404
_REFUSALS: Final = range(400, 500)
_PAGE: Final = 100
_TEXT: Final = "text/xml"


class TwilioTelephony:
    """Twilio as a carrier. Nothing touches the network before the first request.

    `public_url` is the address under which Twilio reaches us, the base of every signature. `also_signed_with` are
    secrets whose signatures are believed beside the auth token's: another token during a rotation, shared keys.
    """

    name = "twilio"

    def __init__(
        self,
        account_sid: str,
        auth_token: str,
        *,
        public_url: str,
        connections: int,
        api_url: str = "",
        timeout: timedelta = timedelta(seconds=10),
        also_signed_with: Sequence[str] = (),
    ) -> None:
        self._account_sid = account_sid
        self._api = api_url or TWILIO_API
        self._http = OneTry(timeout, connections)
        self._client = TwilioClient(account_sid, auth_token, api_url, self._http)
        self._reader = Reader(account_sid, Seal(public_url, (auth_token, *also_signed_with)))

    async def place(self, order: Order) -> Placement:
        """As `Telephony.place`. Cancelling it leaves open whether a call exists, exactly like `Lost`."""
        return await self._create(_creation(order))

    async def _create(self, creation: dict[str, Any]) -> Placement:
        try:
            call = await self._client.calls.create_async(**creation)
        except SaidNoError as no:
            return _refusal(no)
        except NOTHING_SENT as error:
            return NotSent(f"no connection to Twilio: {type(error).__name__}")
        except Exception as error:  # noqa: BLE001 - whatever it was, the request may have arrived
            return Lost(f"no usable answer from Twilio: {type(error).__name__}")
        if not CALL_SID.fullmatch(str(call.sid)):
            return Lost("no usable answer from Twilio: it names no call")
        return Placed(call.sid, queued_for=timedelta(milliseconds=count(str(call.queue_time)) or 0))

    async def fetch(self, carrier_call_id: str) -> CallReport | None:
        async def record() -> CallReport:
            return _report(await self._client.calls(carrier_call_id).fetch_async())

        try:
            return await _ask(record())
        except SaidNoError as no:
            if no.status == _NOT_FOUND and no.code is not None:  # said by Twilio, not by something on the way
                return None
            raise _trouble(no) from None

    async def find(self, to: PhoneNumber, since: datetime, until: datetime) -> Sequence[CallReport]:
        """As `Telephony.find`. Twilio's own filter by time has days for a unit and misses calls still queued."""
        since = since.replace(microsecond=0)  # Twilio's instants are cut off at the second
        reports = await self._list(to=to.e164)
        return [report for report in reports if report.created is None or since <= report.created <= until]

    async def queued(self) -> Sequence[CallReport]:
        return [report for report in await self._list(status="queued") if report.kind is EventKind.QUEUED]

    async def hang_up(self, carrier_call_id: str) -> bool:
        """As `Telephony.hang_up`.

        Twilio's "canceled" ends a call that nobody has answered and leaves others alone; "completed" would end both,
        but then record an unanswered call as answered.
        """
        status = await self._update(carrier_call_id, status="canceled")
        if status is None or status == "in-progress":
            status = await self._update(carrier_call_id, status="completed")
            return status is not None
        return status == "canceled" or STATUSES.get(status, (None,))[0] is not EventKind.ENDED

    async def cancel(self, carrier_call_id: str) -> bool:
        """As `Telephony.cancel`: Twilio's "canceled" leaves alone a call that somebody has answered."""
        return await self._update(carrier_call_id, status="canceled") == "canceled"

    async def interrupt(self, carrier_call_id: str, turn: Turn, links: Links) -> bool:
        return await self._update(carrier_call_id, twiml=self.speak(turn, links)[0]) is not None

    async def park(self, leg: Leg) -> Placement:
        return await self._create(conference.creation(leg))

    async def present(self, room: str) -> frozenset[str]:
        async def labels() -> frozenset[str]:
            running = await self._client.conferences.list_async(friendly_name=room, status="in-progress", limit=1)
            running += await self._client.conferences.list_async(friendly_name=room, status="init", limit=1)
            if not running:
                return frozenset()
            found = await self._client.conferences(running[0].sid).participants.list_async(limit=_PAGE)
            return frozenset(one.label for one in found if one.label)

        try:
            return await _ask(labels())
        except SaidNoError as no:
            raise _trouble(no) from None

    def read(self, request: WebRequest, token: str, what: str, received: datetime) -> Notice:
        return self._reader.read(request, token, what, received)

    def read_leg(self, request: WebRequest, what: str, received: datetime) -> LegNotice:
        fields = self._reader.believed(request, calls=what != "conference")
        return conference.notice(fields, what, instant(fields.get("Timestamp", ""), received))

    def parked(self, links: LegLinks) -> tuple[str, str]:
        return conference.parked(links)

    def connect(self, leg: LegLinks, links: Links, longest: timedelta) -> tuple[str, str]:
        return conference.connect(leg, links, longest)

    def greet(self, turn: Turn | None, links: Links) -> tuple[str, str]:
        reply = VoiceResponse()
        if turn is not None:
            _say(reply, turn, turn.spoken)
        reply.redirect(links.connect + conference.WAITS_FOR_AGENT, method="POST")
        return str(reply), _TEXT

    def speak(self, turn: Turn, links: Addresses) -> tuple[str, str]:
        reply = VoiceResponse()
        _say(reply, turn, turn.spoken)
        listen = turn.listen
        if listen is None:
            reply.hangup()
            return str(reply), _TEXT
        step = links.step(listen.node, listen.tries) + LISTENER_WAITS
        gather = reply.gather(
            input="dtmf", num_digits=listen.digits, timeout=conference.seconds(listen.wait), action=step, method="POST"
        )
        _say(gather, turn, (listen.spoken,))
        reply.redirect(step, method="POST")  # silence arrives at the same address, without digits
        return str(reply), _TEXT

    def silence(self) -> tuple[str, str]:
        reply = VoiceResponse()
        reply.hangup()
        return str(reply), _TEXT

    async def check(self) -> Sequence[str]:
        """As `Telephony.check`. Whether the caller id belongs to the account shows only at the first call."""
        try:
            account = await self._client.api.accounts(self._account_sid).fetch_async()
        except SaidNoError as no:
            return (_account_trouble(no),)
        except Exception as error:  # noqa: BLE001 - a check reports what it meets
            mend = "check the network and DIALER_TWILIO_API_URL, and that the stand-in carrier runs if you use it"
            return (f"{self._api} cannot be reached ({type(error).__name__}): {mend}.",)
        if account.status != "active":
            return (f"The Twilio account is {account.status}, not active: open the Twilio console.",)
        return ()

    async def close(self) -> None:
        await self._http.close()

    async def _list(self, **which: str) -> list[CallReport]:
        async def pages() -> list[CallReport]:
            calls = await self._client.calls.stream_async(page_size=_PAGE, **which)
            return [_report(call) async for call in calls]

        try:
            return await _ask(pages())
        except SaidNoError as no:
            raise _trouble(no) from None

    async def _update(self, carrier_call_id: str, **change: str) -> str | None:
        """The call's status after the change; None when Twilio says the call is past changing."""
        try:
            call = await _ask(self._client.calls(carrier_call_id).update_async(**change))
        except SaidNoError as no:
            if no.code == _OVER:
                return None
            raise _trouble(no) from None
        return str(call.status)


def _creation(order: Order) -> dict[str, Any]:
    links = order.links
    creation: dict[str, Any] = {
        "to": order.to.e164,
        "from_": order.caller_id,
        "url": links.answer + LISTENER_WAITS,
        "fallback_url": links.fallback + LISTENER_WAITS,
        "status_callback": links.status + NOBODY_WAITS,
        "status_callback_event": list(EVENTS),
        "timeout": conference.seconds(order.ring),
        "time_limit": conference.seconds(order.longest),
    }
    if order.to.extension:
        # Twilio cannot tell who answers while it dials an extension.
        creation["send_digits"] = BEFORE_EXTENSION + order.to.extension
    elif order.machine in DETECTION:
        creation["machine_detection"] = DETECTION[order.machine]
        creation["async_amd"] = "true"
        creation["async_amd_status_callback"] = links.verdict + NOBODY_WAITS
    return creation


def _refusal(no: SaidNoError) -> Placement:
    if no.slow_down:
        return NotSent(str(no), slow_down=True, retry_after=no.retry_after)
    if no.status in _REFUSALS and no.code is not None:
        return Refused(*fault_of(no.code))
    return Lost(str(no))


def _report(call: Any) -> CallReport:
    if call.status not in STATUSES:
        log.warning("twilio_status_unknown", status=call.status)
    # A word we do not know still says that the call exists; that it has ended must be said clearly.
    kind, network = STATUSES.get(call.status, (EventKind.QUEUED, None))
    times = {EventKind.QUEUED: call.date_created, EventKind.ANSWERED: call.start_time, EventKind.ENDED: call.end_time}
    seconds = count(str(call.duration))
    return CallReport(
        carrier_call_id=call.sid,
        kind=kind,
        created=call.date_created,
        at=times.get(kind),
        network=network,
        answered_by=answered_by(call.answered_by or ""),
        talk=timedelta(seconds=seconds) if network is Network.ANSWERED and seconds is not None else None,
        failure="failed" if call.status == "failed" else "",
    )


async def _ask(answer: Awaitable[T]) -> T:
    """The answer; SaidNoError when it is one of Twilio's refusals, CarrierError when there is no usable one."""
    try:
        return await answer
    except SaidNoError:
        raise
    except Exception as error:  # noqa: BLE001 - any failure; the original may hold the address, and that a number
        raise CarrierError(f"Twilio could not be asked ({type(error).__name__}): try again.") from None


def _trouble(no: SaidNoError) -> CarrierError:
    return CarrierError(f"Twilio did not answer the question ({no}): try again.")


def _account_trouble(no: SaidNoError) -> str:
    if no.status in _UNAUTHORIZED:
        return "Twilio does not accept TWILIO_ACCOUNT_SID with TWILIO_AUTH_TOKEN: copy both anew from its console."
    if no.status == _NOT_FOUND:
        return "Twilio knows no account of this TWILIO_ACCOUNT_SID: copy it anew from its console."
    return f"Twilio cannot say whether the account works ({no}): see status.twilio.com and try again."


def _say(verb: VoiceResponse | Gather, turn: Turn, sentences: Sequence[str]) -> None:
    language, voice = VOICES.get(turn.language.lower(), (turn.language or None, None))
    for sentence in sentences:
        verb.say(_UNSPEAKABLE.sub("", sentence), language=language, voice=turn.voice or voice)
