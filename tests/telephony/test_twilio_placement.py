"""Placing a call: one request, and a verdict that claims no more than what is proven."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from dialer.core.campaign import MachineReaction
from dialer.core.outcome import Fault
from dialer.errors import CarrierError
from dialer.ports import Lost, NotSent, Placed, Refused
from dialer.telephony.twilio import TwilioTelephony
from dialer.telephony.twilio_http import NOTHING_SENT
from tests.telephony.wire import RECEIVED, line, order, twilio

if TYPE_CHECKING:
    from dialer.ports import Order
    from tests.telephony.wire import Behaviour, Heard

pytestmark = pytest.mark.anyio
SID = "CA" + "0" * 32


def reply(status: int, body: str | bytes | dict[str, object] | list[object], **headers: str) -> bytes:
    content = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
    extra = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} Word\r\nContent-Length: {len(content)}\r\n{extra}\r\n".encode() + content


def says(answer: bytes) -> Behaviour:
    async def behave(_: Heard, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()

    return behave


async def hangs(_: Heard, __: asyncio.StreamWriter) -> None:
    await asyncio.sleep(5)


async def resets(_: Heard, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def resets_halfway(_: Heard, writer: asyncio.StreamWriter) -> None:
    writer.write(reply(201, {"sid": SID})[:-10])
    await writer.drain()
    writer.transport.abort()


async def closes(_: Heard, writer: asyncio.StreamWriter) -> None:
    writer.close()


def error(status: int, code: int, **headers: str) -> bytes:
    body: dict[str, object] = {"code": code, "message": "about +12025550123", "more_info": "", "status": status}
    return reply(status, body, **headers)


LOST = {
    "silence": hangs,
    "reset": resets,
    "reset halfway": resets_halfway,
    "close": closes,
    "500": says(error(500, 20500)),
    "503 that says to wait": says(error(503, 20503, Retry_After="5")),
    "502 of a proxy": says(reply(502, "<html>Bad gateway</html>")),
    "404 of something else": says(reply(404, {"detail": "Not Found"})),
    "400 without a code of Twilio's": says(reply(400, {"code": 400, "message": ""})),
    "408": says(reply(408, "")),
    "201 with garbage": says(reply(201, b"\xff\xfe garbage")),
    "201 with nothing": says(reply(201, "")),
    "201 with a list": says(reply(201, [1, 2])),
    "201 without a call": says(reply(201, {"status": "queued"})),
    "201 with a number for a call": says(reply(201, {"sid": 5})),
    "201 with a call that is none": says(reply(201, {"sid": "../Calls"})),
    "redirect": says(reply(307, "", Location="/2010-04-01/elsewhere")),
    "not HTTP": says(b"220 smtp ready\r\n\r\n"),
}


@pytest.mark.parametrize("behave", LOST.values(), ids=LOST)
async def test_without_proof_a_call_is_lost_and_was_sent_once(behave: Behaviour) -> None:
    async with line(behave) as carrier, twilio(carrier.port) as telephony:
        assert isinstance(await telephony.place(order()), Lost)
        assert carrier.posts == 1


@pytest.mark.parametrize(
    ("status", "code", "fault"),
    [
        (400, 21211, Fault.NUMBER),
        (400, 21214, Fault.TEMPORARY),
        (400, 21215, Fault.CONFIGURATION),
        (400, 21210, Fault.CALLER_ID),
        (400, 29999, Fault.UNKNOWN),
        (401, 20003, Fault.CONFIGURATION),
        (403, 20005, Fault.CONFIGURATION),
        (404, 20404, Fault.CONFIGURATION),
    ],
)
async def test_an_error_of_twilio_is_a_refusal(status: int, code: int, fault: Fault) -> None:
    async with line(says(error(status, code))) as carrier, twilio(carrier.port) as telephony:
        refused = await telephony.place(order())
        assert isinstance(refused, Refused)
        assert refused.fault is fault
        assert refused.failure.startswith(f"{code}: ")
        assert "555" not in refused.failure
        assert carrier.posts == 1


@pytest.mark.parametrize(
    ("answer", "wait"),
    [
        (error(429, 20429), None),
        (error(429, 20429, Retry_After="7"), timedelta(seconds=7)),
        (error(429, 20429, Retry_After="Wed, 21 Oct 2026 07:28:00 GMT"), None),
        (reply(429, b"\xff"), None),
    ],
)
async def test_too_many_requests_prove_that_nothing_was_created(answer: bytes, wait: timedelta | None) -> None:
    async with line(says(answer)) as carrier, twilio(carrier.port) as telephony:
        not_sent = await telephony.place(order())
        assert isinstance(not_sent, NotSent)
        assert not_sent.slow_down
        assert not_sent.retry_after == wait
        assert carrier.posts == 1


async def test_a_refused_connection_proves_that_nothing_was_created() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening
        async with twilio(taken.getsockname()[1]) as telephony:
            not_sent = await telephony.place(order())
    assert isinstance(not_sent, NotSent)
    assert not not_sent.slow_down


async def test_tls_that_fails_or_never_begins_proves_that_nothing_was_created() -> None:
    async with line(closes) as carrier, twilio(carrier.port, "https") as telephony:
        assert isinstance(await telephony.place(order()), NotSent)  # the server waits for a request, we for its hello
        assert carrier.posts == 0

    async def no_tls(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"this is no TLS at all")
        writer.close()

    server = await asyncio.start_server(no_tls, "127.0.0.1", 0)
    async with server, twilio(server.sockets[0].getsockname()[1], "https") as telephony:
        assert isinstance(await telephony.place(order()), NotSent)


def test_a_name_that_does_not_resolve_proves_that_nothing_was_created() -> None:
    assert issubclass(aiohttp.ClientConnectorDNSError, NOTHING_SENT)
    assert issubclass(aiohttp.ClientConnectorCertificateError, NOTHING_SENT)
    assert not issubclass(aiohttp.ClientOSError, NOTHING_SENT)
    assert not issubclass(aiohttp.SocketTimeoutError, NOTHING_SENT)


async def test_waiting_in_vain_for_a_free_connection_sends_nothing() -> None:
    async with line(hangs) as carrier, twilio(carrier.port, connections=1) as telephony:
        answers = await asyncio.gather(telephony.place(order()), telephony.place(order()))
        assert sorted(type(answer).__name__ for answer in answers) == ["Lost", "NotSent"]
        assert carrier.posts == 1


async def test_a_connection_that_dies_between_two_calls_is_not_tried_again() -> None:
    async def dies_at_the_second(_: Heard, writer: asyncio.StreamWriter) -> None:
        if carrier.posts > 1:
            writer.transport.abort()
        writer.write(reply(201, {"sid": SID}))

    async with line(dies_at_the_second) as carrier, twilio(carrier.port) as telephony:
        assert isinstance(await telephony.place(order()), Placed)
        assert isinstance(await telephony.place(order()), Lost)
        assert carrier.posts == 2


async def test_cancelling_is_passed_on() -> None:
    arrived = asyncio.Event()

    async def takes_its_time(_: Heard, __: asyncio.StreamWriter) -> None:
        arrived.set()
        await asyncio.sleep(5)

    async with line(takes_its_time) as carrier, twilio(carrier.port) as telephony:
        placing = asyncio.create_task(telephony.place(order()))
        await arrived.wait()
        placing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await placing
        assert carrier.posts == 1


@pytest.mark.parametrize(
    ("queue_time", "waits"),
    [
        ("2500", timedelta(seconds=2.5)),
        (2500, timedelta(seconds=2.5)),
        ("86400000", timedelta(days=1)),
        (None, timedelta()),
        ("", timedelta()),
        ("soon", timedelta()),
    ],
)
async def test_a_placed_call_tells_how_long_it_queues(queue_time: object, waits: timedelta) -> None:
    answer = reply(201, {"sid": SID, "status": "queued", "queue_time": queue_time})
    async with line(says(answer)) as carrier, twilio(carrier.port) as telephony:
        assert await telephony.place(order()) == Placed(SID, waits)
        assert carrier.heard[0].target == f"/2010-04-01/Accounts/AC{'1' * 32}/Calls.json"


async def test_many_at_once_each_get_their_own_answer() -> None:
    async def echo(request: Heard, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.02)
        sid = "CA" + request.form["To"][0].removeprefix("+").zfill(32)
        writer.write(reply(201, {"sid": sid}))

    numbers = [f"+120255501{n:02d}" for n in range(60)]
    async with line(echo) as carrier, twilio(carrier.port, connections=60) as telephony:
        placed = await asyncio.gather(*(telephony.place(order(number)) for number in numbers))
    assert placed == [Placed("CA" + number.removeprefix("+").zfill(32), timedelta()) for number in numbers]


async def form_of(wanted: Order) -> dict[str, str]:
    async with line(says(reply(201, {"sid": SID}))) as carrier, twilio(carrier.port) as telephony:
        await telephony.place(wanted)
        return {name: " ".join(values) for name, values in carrier.heard[0].form.items()}


PLAIN = {
    "To": "+12025550123",
    "From": "+15005550006",
    "Url": "https://dialer.example/carrier/token1/answer#ct=1000&rt=2000&rc=1&rp=all",
    "FallbackUrl": "https://dialer.example/carrier/token1/fallback#ct=1000&rt=2000&rc=1&rp=all",
    "StatusCallback": "https://dialer.example/carrier/token1/status#rc=5&rp=all&rt=3000",
    "StatusCallbackEvent": "initiated ringing answered completed",
    "Timeout": "25",
    "TimeLimit": "300",
}
VERDICT = {
    "AsyncAmd": "true",
    "AsyncAmdStatusCallback": "https://dialer.example/carrier/token1/verdict#rc=5&rp=all&rt=3000",
}


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"machine": MachineReaction.TALK}, PLAIN),
        ({"machine": MachineReaction.HANG_UP}, {**PLAIN, **VERDICT, "MachineDetection": "Enable"}),
        ({"machine": MachineReaction.LEAVE_MESSAGE}, {**PLAIN, **VERDICT, "MachineDetection": "DetectMessageEnd"}),
        ({"machine": MachineReaction.HANG_UP, "extension": "204"}, {**PLAIN, "SendDigits": "WW204"}),
    ],
)
async def test_what_twilio_is_asked_for(wanted: dict[str, Any], expected: dict[str, str]) -> None:
    assert await form_of(order(**wanted)) == expected


@pytest.mark.slow
async def test_no_number_reaches_the_log_or_an_error(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    number = order().to
    for behave in (hangs, resets, says(error(500, 20500)), says(reply(200, "garbage"))):
        async with line(behave) as carrier, twilio(carrier.port) as telephony:
            with pytest.raises(CarrierError) as raised:
                await telephony.find(number, RECEIVED, RECEIVED)
            assert raised.value.__cause__ is None
            assert raised.value.may_retry
            assert "2025550123" not in str(raised.value)
            await telephony.place(order())
    assert "2025550123" not in caplog.text


async def test_the_session_can_be_closed_unused_and_twice() -> None:
    telephony = TwilioTelephony("AC" + "1" * 32, "x", public_url="https://dialer.example", connections=1)
    await telephony.close()
    await telephony.close()
