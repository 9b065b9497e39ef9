"""Streams: what is told arrives, and ends when whoever listens may not any more."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from starlette.applications import Starlette

from dialer.core.access import Permission
from dialer.core.agent import Role
from dialer.errors import StoreError
from tests.web.console.conftest import NOW, NUMBERS, SETUP, Browser

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

    from dialer.bootstrap import Works
    from dialer.store import Member
    from dialer.web.console import Console
    from tests.web.console.conftest import Hand

pytestmark = pytest.mark.anyio


@pytest.fixture
def listener(console: Console) -> Browser:
    """A browser of a console that has three streams."""

    @console.events("/events/two", Permission.WORK)
    async def two(request: Request) -> AsyncIterator[tuple[str, str]]:
        del request
        yield "first", "<p>line one</p>\n<p>line two</p>"
        yield "second", "<p>更</p>"

    @console.events("/events/endless", Permission.BOARD)
    async def endless(request: Request) -> AsyncIterator[tuple[str, str]]:
        del request
        yield "once", "x"
        await asyncio.Event().wait()

    @console.events("/events/broken", Permission.WORK)
    async def broken(request: Request) -> AsyncIterator[tuple[str, str]]:
        del request
        yield "once", "x"
        raise StoreError("the database is gone")

    console.check_streams = timedelta(milliseconds=20)
    return Browser(console, Starlette(routes=console.routes()), stays=True)


async def test_events_arrive_in_order_and_whole(listener: Browser) -> None:
    await listener.sign_in(NUMBERS[Role.AGENT])
    answer = await listener.get("/console/events/two")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-store"
    told = answer.text.replace("\r\n", "\n")
    assert "event: first\ndata: <p>line one</p>\ndata: <p>line two</p>\n\n" in told
    assert told.index("event: first") < told.index("event: second\ndata: <p>更</p>")
    assert "retry: 2000" in told


async def test_a_stream_ends_when_the_session_is_revoked(
    listener: Browser, works: Works, people: dict[Role, Member]
) -> None:
    await listener.sign_in(NUMBERS[Role.TEAM_LEAD])
    listening = asyncio.create_task(listener.get("/console/events/endless"))
    await asyncio.sleep(0.05)
    assert not listening.done()
    works.store.sessions.revoke_everywhere(people[Role.TEAM_LEAD].id, NOW, SETUP)
    answer = await asyncio.wait_for(listening, 5)
    assert "event: once" in answer.text
    assert "event: signed-out" in answer.text


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.MANAGER])
async def test_a_stream_ends_when_the_role_changes_even_if_it_may_listen_still(
    listener: Browser, works: Works, people: dict[Role, Member], role: Role
) -> None:
    """What is drawn on it was chosen for the role it was opened with."""
    await listener.sign_in(NUMBERS[Role.TEAM_LEAD])
    listening = asyncio.create_task(listener.get("/console/events/endless"))
    await asyncio.sleep(0.05)
    lead = people[Role.TEAM_LEAD].agent
    works.store.agents.change(replace(lead, name="Another", capacity=2), NOW, SETUP)
    await asyncio.sleep(0.1)
    assert not listening.done(), "other changes are no reason"
    works.store.agents.change(replace(lead, role=role), NOW, SETUP)
    assert "event: signed-out" in (await asyncio.wait_for(listening, 5)).text
    again = asyncio.create_task(listener.get("/console/events/endless"))
    await asyncio.sleep(0.1)
    assert not again.done()
    works.changes.closing.set()
    await again


async def test_a_stream_ends_when_they_leave(listener: Browser, works: Works, people: dict[Role, Member]) -> None:
    await listener.sign_in(NUMBERS[Role.TEAM_LEAD])
    listening = asyncio.create_task(listener.get("/console/events/endless"))
    await asyncio.sleep(0.05)
    works.store.agents.change(replace(people[Role.TEAM_LEAD].agent, active=False), NOW, SETUP)
    assert "event: signed-out" in (await asyncio.wait_for(listening, 5)).text


async def test_streams_keep_no_session_awake(listener: Browser, works: Works, clock: Hand) -> None:
    await listener.sign_in(NUMBERS[Role.AGENT])
    for _ in range(2):
        clock.at += works.settings.session_idle * 0.4
        assert (await listener.get("/console/events/two")).status == 200
    clock.at += works.settings.session_idle * 0.2
    assert (await listener.get("/console/events/two")).status == 401


async def test_a_stream_that_is_open_ends_with_the_session_that_nobody_uses(
    listener: Browser, works: Works, clock: Hand
) -> None:
    await listener.sign_in(NUMBERS[Role.TEAM_LEAD])
    listening = asyncio.create_task(listener.get("/console/events/endless"))
    await asyncio.sleep(0.05)
    clock.at += works.settings.session_idle
    assert "event: signed-out" in (await asyncio.wait_for(listening, 5)).text


async def test_a_stream_that_fails_ends_and_says_nothing_of_why(listener: Browser) -> None:
    await listener.sign_in(NUMBERS[Role.AGENT])
    answer = await asyncio.wait_for(listener.get("/console/events/broken"), 5)
    assert "event: once" in answer.text
    assert "database" not in answer.text


async def test_streams_ask_for_the_role_as_pages_do(listener: Browser) -> None:
    assert (await listener.get("/console/events/two")).status == 401
    await listener.sign_in(NUMBERS[Role.AGENT])
    assert (await listener.get("/console/events/endless")).status == 403


async def test_a_stream_ends_when_the_service_stops(listener: Browser, works: Works) -> None:
    """Else a stop would wait for every screen, or cut each off in the middle."""
    await listener.sign_in(NUMBERS[Role.TEAM_LEAD])
    works.changes.closing.set()
    answer = await listener.get("/console/events/endless")
    assert answer.headers["content-type"].startswith("text/event-stream")
