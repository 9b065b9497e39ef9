"""Starts and stops the stand-in carrier, in a process of its own or inside a test."""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aiohttp import web

from dialer.carrier.api import Api
from dialer.carrier.control import Control
from dialer.carrier.courier import Courier
from dialer.carrier.exchange import Exchange

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

    from dialer.carrier.config import CarrierConfig
    from dialer.carrier.fault import Fault, Rate
    from dialer.carrier.people import Rule


class Carrier:
    """A running stand-in carrier, as a test sees it."""

    def __init__(self, exchange: Exchange, url: str) -> None:
        self._exchange = exchange
        self.url = url

    def calls(self) -> list[dict[str, object]]:
        """Every call there was, oldest first: the same as `GET /control/calls`."""
        return [call.account() for call in self._exchange.calls.values()]

    def conferences(self) -> list[dict[str, object]]:
        """Every conference there was, oldest first: the same as `GET /control/conferences`."""
        return [conference.account() for conference in self._exchange.rooms.all.values()]

    def stats(self) -> dict[str, object]:
        """The same as `GET /control/stats`."""
        return self._exchange.stats()

    def replace_faults(self, rates: Mapping[Fault, Rate]) -> None:
        """Switch to other faults, from the next occasion on."""
        self._exchange.replace_faults(rates)

    def replace_people(self, rules: Sequence[Rule]) -> None:
        """Switch to other people, from the next call on."""
        self._exchange.replace_people(rules)


@asynccontextmanager
async def running(config: CarrierConfig) -> AsyncIterator[Carrier]:
    """A carrier that accepts connections inside the block and is gone after it.

    Raises OSError when the port is taken.
    """
    async with Courier(config.auth_token) as courier:
        exchange = Exchange(config, courier)
        runner = web.ServerRunner(web.Server(_router(exchange), access_log=None), shutdown_timeout=0.5)
        await runner.setup()
        try:
            site = web.TCPSite(runner, config.host, config.port)
            await site.start()
            host, port = runner.addresses[0][:2]
            yield Carrier(exchange, f"http://{f'[{host}]' if ':' in host else host}:{port}")
        finally:
            await exchange.stop()
            await runner.cleanup()


def serve(config: CarrierConfig, ready: Callable[[str], None]) -> None:
    """Run a carrier until SIGTERM or SIGINT; `ready` is told its URL once it accepts connections."""
    with asyncio.Runner(loop_factory=_fast_loop()) as runner:
        runner.run(_until_told(config, ready))


async def _until_told(config: CarrierConfig, ready: Callable[[str], None]) -> None:
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, told.set)
    async with running(config) as carrier:
        ready(carrier.url)
        await told.wait()


def _router(exchange: Exchange) -> Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]:
    api, control = Api(exchange), Control(exchange)

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        if request.path.startswith("/control/"):
            return await control.answer(request)
        return await api.answer(request)

    return answer


def _fast_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    import uvloop  # noqa: PLC0415 - not there on every platform

    return uvloop.new_event_loop
