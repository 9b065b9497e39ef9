"""Server-sent events: screens that refresh by themselves, for as long as whoever looks at them may."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import structlog
from sse_starlette import EventSourceResponse, ServerSentEvent

from dialer.errors import DialerError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable

    from starlette.responses import Response

log = structlog.get_logger(__name__)

CHECK_EVERY: Final = timedelta(seconds=10)
"""How long a screen may go on after its session was revoked."""

PING_EVERY: Final = timedelta(seconds=10)
"""Shorter than the patience of proxies, and how soon a browser that went away is noticed."""

RETRY: Final = timedelta(seconds=2)
"""After which a browser connects again."""

SIGNED_OUT: Final = "signed-out"
"""The event that tells a screen to ask anew who it belongs to."""


def respond(
    events: AsyncIterator[tuple[str, str]],
    still: Callable[[], Awaitable[bool]],
    check_every: timedelta,
    closing: asyncio.Event,
) -> Response:
    """An endless answer of (event's name, HTML), which ends when `still` says no, or when the service is `closing`."""
    return EventSourceResponse(
        _watched(events, still, check_every, closing),
        ping=PING_EVERY.total_seconds(),
        ping_message_factory=lambda: ServerSentEvent(comment="still here"),
    )


async def _watched(
    events: AsyncIterator[tuple[str, str]],
    still: Callable[[], Awaitable[bool]],
    check_every: timedelta,
    closing: asyncio.Event,
) -> AsyncGenerator[ServerSentEvent, None]:
    told: asyncio.Queue[tuple[str, str] | None] = asyncio.Queue(maxsize=1)
    telling, ending = asyncio.create_task(_tell(events, told)), asyncio.create_task(_end(closing, told))
    loop = asyncio.get_running_loop()
    check_at = loop.time() + check_every.total_seconds()
    yield ServerSentEvent(comment="connected", retry=int(RETRY.total_seconds() * 1000))
    try:
        while True:
            one: tuple[str, str] | None = ("", "")
            with contextlib.suppress(TimeoutError):
                one = await asyncio.wait_for(told.get(), max(0.0, check_at - loop.time()))
            if loop.time() >= check_at:
                if not await still():
                    yield ServerSentEvent(event=SIGNED_OUT, data="")
                    return
                check_at = loop.time() + check_every.total_seconds()
            if one is None:
                return
            if one[0]:
                yield ServerSentEvent(event=one[0], data=one[1])
    finally:
        for task in (telling, ending):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def _end(closing: asyncio.Event, told: asyncio.Queue[tuple[str, str] | None]) -> None:
    await closing.wait()
    await told.put(None)


async def _tell(events: AsyncIterator[tuple[str, str]], told: asyncio.Queue[tuple[str, str] | None]) -> None:
    """Pass on what there is to tell. When it cannot be found out the stream ends, and the browser comes again."""
    try:
        async for one in events:
            await told.put(one)
    except DialerError as error:
        log.error("stream_failed", error=str(error))
    except Exception:
        log.exception("stream_failed")
    await told.put(None)
