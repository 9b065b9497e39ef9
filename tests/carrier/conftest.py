"""A small world for each test: a stand-in carrier in this process, the real SDK, and a webhook server."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Protocol

import aiohttp
import pytest
from twilio.rest import Client  # type: ignore[import-untyped]

from dialer.carrier import CarrierConfig, read_people, running
from tests.carrier.receiver import Page, PlainHttpClient, World, receiving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

HUMAN = '[{number: "*", answer: human, ring: 2, greeting: 1, keys: ["1"]}]'


class Builder(Protocol):
    async def __call__(self, people: str = HUMAN, **config: Any) -> World: ...


@pytest.fixture
async def world_with() -> AsyncIterator[Builder]:
    """Builds worlds whose people answer and press 1 unless told otherwise, two hundred times as fast as life."""
    async with AsyncExitStack() as stack:

        async def build(people: str = HUMAN, **config: Any) -> World:
            settings: dict[str, Any] = {"port": 0, "speed": 200.0, "calls_per_second": 100.0, **config}
            configuration = CarrierConfig(people=read_people(people), **settings)
            carrier = await stack.enter_async_context(running(configuration))
            receiver = await stack.enter_async_context(receiving(configuration.auth_token))
            receiver.pages["/answer"] = Page()
            session = await stack.enter_async_context(aiohttp.ClientSession())
            client = Client(configuration.account_sid, configuration.auth_token, http_client=PlainHttpClient(session))
            client.api.base_url = carrier.url
            return World(carrier, configuration, receiver, client, session)

        yield build


@pytest.fixture
async def world(world_with: Builder) -> World:
    return await world_with()
