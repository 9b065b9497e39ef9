"""What the tests of carriers share: an order to place, and a carrier's end of the line that behaves as told."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import parse_qs

from dialer.core.campaign import MachineReaction
from dialer.core.phone import NumberKind, PhoneNumber
from dialer.ports import Links, Order
from dialer.telephony.twilio import TwilioTelephony

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

ACCOUNT = "AC" + "1" * 32
SECRET = "a-made-up-auth-token"
PUBLIC = "https://dialer.example"
CALLER_ID = "+15005550006"
RECEIVED = datetime(2026, 3, 10, 12, 0, 5, tzinfo=UTC)


@dataclass(frozen=True)
class Heard:
    """One request as it arrived."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, list[str]]:
        return parse_qs(self.body.decode(), keep_blank_values=True)


Behaviour: TypeAlias = "Callable[[Heard, asyncio.StreamWriter], Awaitable[None]]"


@dataclass
class Line:
    """A server that records each request and then does whatever `behave` does with the connection."""

    behave: Behaviour
    heard: list[Heard] = field(default_factory=list)
    port: int = 0
    serving: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def posts(self) -> int:
        return sum(request.method == "POST" for request in self.heard)

    def open(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.serving.add(asyncio.create_task(self.serve(reader, writer)))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while not writer.is_closing():
                first, *rest = (await reader.readuntil(b"\r\n\r\n")).decode("ascii").split("\r\n")
                method, target, _ = first.split(" ")
                headers = dict(line.lower().split(": ", 1) for line in rest if line)
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                self.heard.append(Heard(method, target, headers, body))
                await self.behave(self.heard[-1], writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


@asynccontextmanager
async def line(behave: Behaviour) -> AsyncIterator[Line]:
    """Open a carrier's end of the line."""
    end = Line(behave)
    server = await asyncio.start_server(end.open, "127.0.0.1", 0)
    end.port = server.sockets[0].getsockname()[1]
    try:
        yield end
    finally:
        server.close()
        for task in end.serving:
            task.cancel()
        await asyncio.gather(*end.serving, return_exceptions=True)


@asynccontextmanager
async def twilio(port: int, scheme: str = "http", connections: int = 8) -> AsyncIterator[TwilioTelephony]:
    """Open the adapter towards a local port, impatient enough for a test."""
    telephony = TwilioTelephony(
        ACCOUNT,
        SECRET,
        api_url=f"{scheme}://127.0.0.1:{port}",
        public_url=PUBLIC,
        timeout=timedelta(seconds=1.5),
        connections=connections,
    )
    try:
        yield telephony
    finally:
        await telephony.close()


def order(e164: str = "+12025550123", extension: str = "", machine: MachineReaction = MachineReaction.HANG_UP) -> Order:
    """An order to call a fictitious number."""
    return Order(
        to=PhoneNumber(e164, "US", NumberKind.FIXED_OR_MOBILE, extension),
        caller_id=CALLER_ID,
        links=Links(PUBLIC, "token1"),
        ring=timedelta(seconds=25),
        longest=timedelta(minutes=5),
        machine=machine,
    )
