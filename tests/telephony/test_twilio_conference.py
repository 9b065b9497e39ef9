"""Agents in conferences, as Twilio is told and as it tells: the words themselves, and the real SDK on a stand-in."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import pytest
from aiohttp import web
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from dialer.carrier import DEMO_ACCOUNT_SID, DEMO_AUTH_TOKEN, CarrierConfig, Rule, running
from dialer.carrier.person import Answer
from dialer.core.campaign import MachineReaction
from dialer.core.phone import NumberKind, PhoneNumber
from dialer.core.script import Listen, Turn
from dialer.errors import CarrierError, ForgedRequestError
from dialer.ports import AGENT, Leg, LegKind, LegLinks, LegNotice, Links, NotSent, Order, Placed, WebRequest, room
from dialer.telephony import twilio_conference as conference
from dialer.telephony.twilio import TwilioTelephony

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

ACCOUNT = "AC" + "1" * 32
CALL = "CA" + "0" * 32
SECRET = "a-made-up-auth-token"
PUBLIC = "https://dialer.example"
NOW = datetime(2026, 3, 10, 12, 0, 5, tzinfo=UTC)
LEG = LegLinks(PUBLIC, "leg1")
LINKS = Links(PUBLIC, "token1")
HOUR = timedelta(hours=1)


def telephony() -> TwilioTelephony:
    return TwilioTelephony(ACCOUNT, SECRET, public_url=PUBLIC, connections=1)


def xml(reply: tuple[str, str]) -> Any:
    body, media_type = reply
    assert media_type == "text/xml"
    return ET.fromstring(body)  # noqa: S314 - our own words


# What Twilio is told


def test_the_agent_waits_in_a_conference_of_their_own() -> None:
    (dial,) = xml(telephony().parked(LEG))
    (found,) = dial
    assert (dial.tag, dial.attrib) == ("Dial", {})
    assert (found.tag, found.text) == ("Conference", "agent-leg1")
    callback = found.attrib.pop("statusCallback")
    assert callback.partition("#")[0] == f"{PUBLIC}/agents/leg1/conference"
    assert found.attrib == {
        "participantLabel": "agent",
        "beep": "false",
        "waitUrl": "",
        "startConferenceOnEnter": "true",
        "endConferenceOnExit": "true",
        "maxParticipants": "2",
        "statusCallbackEvent": "join leave end",
        "statusCallbackMethod": "POST",
    }


def test_the_customer_is_put_in_and_leaves_without_ending_it() -> None:
    (dial,) = xml(telephony().connect(LEG, LINKS, timedelta(minutes=5)))
    assert dial.attrib.pop("action").partition("#")[0] == f"{PUBLIC}/carrier/token1/parted"
    assert dial.attrib == {"method": "POST", "timeLimit": "300"}
    (found,) = dial
    assert found.text == room("leg1")
    callback = found.attrib.pop("statusCallback")
    assert callback.partition("#")[0] == f"{PUBLIC}/agents/leg1/conference", "they may be there before the agent"
    assert found.attrib == {
        "participantLabel": "token1",
        "beep": "onEnter",
        "waitUrl": "",
        "startConferenceOnEnter": "true",
        "endConferenceOnExit": "false",
        "maxParticipants": "2",
        "statusCallbackEvent": "join leave end",
        "statusCallbackMethod": "POST",
    }


@pytest.mark.parametrize("words", ["Hello, <b> & Söhne 您好", ""])
def test_the_greeting_is_spoken_and_then_an_agent_asked_for(words: str) -> None:
    turn = Turn((words,), None, (), "en-GB", "") if words else None
    *said, redirect = xml(telephony().greet(turn, LINKS))
    assert [(one.tag, one.text) for one in said] == ([("Say", words)] if words else [])
    assert (redirect.tag, redirect.attrib) == ("Redirect", {"method": "POST"})
    address, _, settings = redirect.text.partition("#")
    assert address == f"{PUBLIC}/carrier/token1/connect"
    kept = dict(one.split("=") for one in settings.split("&"))
    assert int(kept["rt"]) > 5000, "the answer may take as long as the longest patience"


def test_the_call_to_a_telephone() -> None:
    leg = Leg("sip:ann@phones.example.com", "+15005550006", LEG, timedelta(seconds=29.5), HOUR)
    created = conference.creation(leg)
    links = {name: created.pop(name).partition("#")[0] for name in ("url", "fallback_url", "status_callback")}
    assert links == {
        "url": f"{PUBLIC}/agents/leg1/answer",
        "fallback_url": f"{PUBLIC}/agents/leg1/fallback",
        "status_callback": f"{PUBLIC}/agents/leg1/status",
    }
    assert created == {
        "to": "sip:ann@phones.example.com",
        "from_": "+15005550006",
        "status_callback_event": ["answered", "completed"],
        "timeout": 30,
        "time_limit": 3600,
    }, "no answering machine detection, no recording: an agent is a person"


def test_rooms_are_met_by_nobody_else() -> None:
    assert room("leg1") != room("leg2")
    assert (conference.seconds(timedelta(0)), conference.seconds(timedelta(seconds=1.2))) == (1, 2)


# What Twilio tells


def told(what: str, fields: dict[str, str], secret: str = SECRET) -> WebRequest:
    target = f"/agents/leg1/{what}"
    signature = RequestValidator(secret).compute_signature(PUBLIC + target, fields)
    headers = {"content-type": "application/x-www-form-urlencoded", "x-twilio-signature": signature}
    return WebRequest("POST", target, headers, urlencode(fields).encode())


def read(what: str, **fields: str) -> LegNotice:
    return telephony().read_leg(told(what, {"AccountSid": ACCOUNT, **fields}), what, NOW)


@pytest.mark.parametrize(
    ("what", "fields", "kind", "who"),
    [
        ("answer", {"CallSid": CALL, "CallStatus": "in-progress"}, LegKind.ANSWERED, ""),
        ("fallback", {"CallSid": CALL, "ErrorCode": "11200"}, LegKind.OTHER, ""),
        *(
            ("status", {"CallSid": CALL, "CallStatus": status}, LegKind.ENDED, "")
            for status in ("completed", "busy", "no-answer", "failed", "canceled")
        ),
        ("status", {"CallSid": CALL, "CallStatus": "in-progress"}, LegKind.OTHER, ""),
        ("status", {"CallSid": CALL}, LegKind.OTHER, ""),
        (
            "conference",
            {"CallSid": CALL, "StatusCallbackEvent": "participant-join", "ParticipantLabel": "token1"},
            LegKind.JOINED,
            "token1",
        ),
        (
            "conference",
            {"CallSid": CALL, "StatusCallbackEvent": "participant-leave", "ParticipantLabel": "agent"},
            LegKind.LEFT,
            AGENT,
        ),
        ("conference", {"StatusCallbackEvent": "conference-end"}, LegKind.OTHER, ""),
        ("conference", {"CallSid": CALL, "StatusCallbackEvent": "participant-hold"}, LegKind.OTHER, ""),
        ("conference", {"CallSid": CALL, "StatusCallbackEvent": "participant-join"}, LegKind.JOINED, ""),
    ],
)
def test_what_a_webhook_tells(what: str, fields: dict[str, str], kind: LegKind, who: str) -> None:
    notice = read(what, **fields)
    assert (notice.kind, notice.who, notice.carrier_call_id) == (kind, who, fields.get("CallSid", ""))
    assert notice.at == NOW


def test_when_it_happened_is_told_by_twilio() -> None:
    at = "Tue, 10 Mar 2026 12:00:01 +0000"
    fields = {"CallSid": CALL, "StatusCallbackEvent": "participant-join", "Timestamp": at}
    assert read("conference", **fields).at == NOW - timedelta(seconds=4)


@pytest.mark.parametrize(
    ("what", "fields"),
    [
        ("answer", {}),  # of no call
        ("status", {"CallStatus": "completed"}),
        ("conference", {"CallSid": "CA1", "StatusCallbackEvent": "participant-join"}),
        ("conference", {"AccountSid": "AC" + "2" * 32, "StatusCallbackEvent": "conference-end"}),
        ("elsewhere", {"CallSid": CALL}),
    ],
)
def test_what_twilio_would_not_send_is_not_believed(what: str, fields: dict[str, str]) -> None:
    with pytest.raises(ForgedRequestError):
        read(what, **fields)


def test_forged_and_bent_words_are_not_believed() -> None:
    fields = {"AccountSid": ACCOUNT, "CallSid": CALL, "StatusCallbackEvent": "participant-leave"}
    forged = told("conference", fields, secret="another")
    bent = told("conference", fields)
    bent = WebRequest(bent.method, bent.target, bent.headers, bent.body + b"&ParticipantLabel=agent")
    elsewhere = told("conference", fields)
    elsewhere = WebRequest("POST", "/agents/leg2/conference", elsewhere.headers, elsewhere.body)
    for request in (forged, bent, elsewhere):
        with pytest.raises(ForgedRequestError):
            telephony().read_leg(request, "conference", NOW)


# The real SDK, on the stand-in

ANN, CUSTOMER, OTHER = "sip:ann@phones.example.com", "+12025550100", "+12025550101"
AT_HOME, VOICEMAIL = "+12025550120", "+12025550121"
RULES = (
    Rule(AT_HOME, mix={Answer.AGENT: 1}, ring=(1, 1)),
    Rule(VOICEMAIL, mix={Answer.MACHINE: 1}, ring=(1, 1), greeting=(3, 3)),
    Rule("sip:*", mix={Answer.AGENT: 1}, ring=(1, 1)),
    Rule("+1202555010*", mix={Answer.HUMAN: 1}, ring=(1, 1), greeting=(1, 1), talk=(300, 300)),
)


QUESTION = Turn((), Listen("key", 1, "Press 1 to take calls.", timedelta(seconds=6)), (), "en", "")


@dataclass
class Exchange:
    """The carrier, its stand-in, and a server of ours that parks agents and puts customers to them."""

    telephony: TwilioTelephony
    public_url: str
    notices: list[LegNotice] = field(default_factory=list)
    parted: list[str] = field(default_factory=list)
    asks: bool = False  # whether who picks up an agent's telephone has to press a key
    news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        _, whose, token, what = request.path.split("/", 3)
        headers = {name.lower(): value for name, value in request.headers.items()}
        arrived = WebRequest(request.method, request.raw_path, headers, await request.read())
        now = datetime.now(UTC)  # noqa: TID251 - the stand-in's time
        async with self.news:
            if whose == "agents":
                self.notices.append(self.telephony.read_leg(arrived, what, now))
            elif what == "parted":
                self.telephony.read(arrived, token, what, now)
                self.parted.append(token)
            self.news.notify_all()
        if whose == "agents" and what == "answer" and self.asks:
            body, media_type = self.telephony.speak(QUESTION, LegLinks(self.public_url, token))
        elif whose == "agents" and (what == "answer" or self.notices[-1].digits):
            body, media_type = self.telephony.parked(LegLinks(self.public_url, token))
        elif what == "answer":
            body, media_type = self.telephony.connect(
                LegLinks(self.public_url, "leg1"), Links(self.public_url, token), HOUR
            )
        else:
            body, media_type = self.telephony.silence()
        return web.Response(text=body, content_type=media_type)

    async def until(self, happened: Callable[[], bool]) -> None:
        async with asyncio.timeout(5), self.news:
            await self.news.wait_for(happened)

    def came(self, who: str, kind: LegKind = LegKind.JOINED) -> bool:
        return any((one.kind, one.who) == (kind, who) for one in self.notices)

    def heard(self, kind: LegKind) -> list[LegNotice]:
        return [one for one in self.notices if one.kind is kind]

    async def park(self, address: str = ANN, who: str = AGENT) -> Placed:
        """Call a telephone until `who` is in its conference; nobody when empty."""
        leg = Leg(address, "+15005550006", LegLinks(self.public_url, "leg1"), timedelta(seconds=30), HOUR)
        placed = await self.telephony.park(leg)
        assert isinstance(placed, Placed)
        await self.until(lambda: self.came(who) if who else bool(self.heard(LegKind.ENDED)))
        return placed

    async def call(self, number: str, token: str) -> Placed:
        to = PhoneNumber(number, "US", NumberKind.FIXED_OR_MOBILE)
        links = Links(self.public_url, token)
        order = Order(to, "+15005550006", links, timedelta(seconds=20), HOUR, MachineReaction.TALK)
        placed = await self.telephony.place(order)
        assert isinstance(placed, Placed)
        return placed


@asynccontextmanager
async def opened() -> AsyncIterator[Exchange]:
    async with AsyncExitStack() as stack:
        worlds: list[Exchange] = []

        async def answer(request: web.BaseRequest) -> web.StreamResponse:
            return await worlds[0].answer(request)

        runner = web.ServerRunner(web.Server(answer), shutdown_timeout=0.1)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        public_url = "http://{}:{}".format(*runner.addresses[0][:2])
        config = CarrierConfig(port=0, speed=100.0, people=RULES, calls_per_second=1000)
        carrier = await stack.enter_async_context(running(config))
        telephony = TwilioTelephony(
            DEMO_ACCOUNT_SID,
            DEMO_AUTH_TOKEN,
            api_url=carrier.url,
            public_url=public_url,
            timeout=timedelta(seconds=1),
            connections=4,
        )
        stack.push_async_callback(telephony.close)
        worlds.append(Exchange(telephony, public_url))
        yield worlds[0]


@pytest.mark.anyio
async def test_an_agent_presses_the_key_and_waits() -> None:
    async with opened() as exchange:
        exchange.asks = True
        await exchange.park(AT_HOME)
        assert [one.digits for one in exchange.heard(LegKind.PRESSED)] == ["1"]
        assert await exchange.telephony.present(room("leg1")) == {AGENT}


@pytest.mark.anyio
async def test_an_answering_machine_presses_none_and_is_hung_up() -> None:
    async with opened() as exchange:
        exchange.asks = True
        await exchange.park(VOICEMAIL, who="")
        assert [one.digits for one in exchange.heard(LegKind.PRESSED)] == [""]
        assert await exchange.telephony.present(room("leg1")) == frozenset()


@pytest.mark.anyio
async def test_an_agent_a_customer_and_no_third() -> None:
    async with opened() as exchange:
        telephony = exchange.telephony
        assert await telephony.present(room("leg1")) == frozenset()
        await exchange.park()
        assert await telephony.present(room("leg1")) == {AGENT}
        first = await exchange.call(CUSTOMER, "token1")
        await exchange.until(lambda: exchange.came("token1"))
        assert await telephony.present(room("leg1")) == {AGENT, "token1"}
        (joined,) = (one for one in exchange.notices if one.who == "token1")
        assert joined.carrier_call_id == first.carrier_call_id
        await exchange.call(OTHER, "token2")
        await exchange.until(lambda: "token2" in exchange.parted)
        assert await telephony.present(room("leg1")) == {AGENT, "token1"}
        assert not exchange.came("token2")


@pytest.mark.anyio
async def test_the_customer_may_be_there_before_the_agent() -> None:
    async with opened() as exchange:
        await exchange.call(CUSTOMER, "token1")
        await exchange.until(lambda: exchange.came("token1"))
        await exchange.park()
        assert await exchange.telephony.present(room("leg1")) == {AGENT, "token1"}


@pytest.mark.anyio
async def test_the_customer_goes_and_the_agent_stays() -> None:
    async with opened() as exchange:
        await exchange.park()
        placed = await exchange.call(CUSTOMER, "token1")
        await exchange.until(lambda: exchange.came("token1"))
        assert await exchange.telephony.hang_up(placed.carrier_call_id)
        await exchange.until(lambda: exchange.came("token1", LegKind.LEFT))
        assert await exchange.telephony.present(room("leg1")) == {AGENT}


@pytest.mark.anyio
async def test_the_agent_goes_and_the_customer_is_not_left_alone() -> None:
    async with opened() as exchange:
        leg = await exchange.park()
        await exchange.call(CUSTOMER, "token1")
        await exchange.until(lambda: exchange.came("token1"))
        assert await exchange.telephony.hang_up(leg.carrier_call_id)
        await exchange.until(lambda: "token1" in exchange.parted)
        await exchange.until(lambda: exchange.came(AGENT, LegKind.LEFT))
        assert await exchange.telephony.present(room("leg1")) == frozenset()


@pytest.mark.anyio
async def test_a_carrier_that_is_not_there() -> None:
    gone = TwilioTelephony(
        ACCOUNT,
        SECRET,
        api_url="http://127.0.0.1:9",
        public_url=PUBLIC,
        timeout=timedelta(seconds=1),
        connections=1,
    )
    try:
        assert isinstance(await gone.park(Leg(ANN, "+15005550006", LEG, HOUR, HOUR)), NotSent)
        with pytest.raises(CarrierError):
            await gone.present("agent-leg1")
    finally:
        await gone.close()
