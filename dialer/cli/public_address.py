"""Whether the carrier's requests to the public address arrive here, asked with or without a running service."""

from __future__ import annotations

import errno
import secrets
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import aiohttp
from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PATIENCE: Final = aiohttp.ClientTimeout(total=5)

LISTENS_ANYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - to be asked at, not to listen on
"""Where to ask a service that listens on all of this machine's addresses."""


class Answer(NamedTuple):
    """What was found out about one of the two addresses."""

    what: str
    well: bool
    says: str


async def check(public_url: str, host: str, port: int) -> list[Answer]:
    """Ask for `/healthz` at the address of the service and at its public address, which must be the same."""
    if port == 0:
        says = "DIALER_PORT is 0: each start takes another port, so no proxy can lead to it; choose a port"
        return [Answer("service", False, says)]
    word = secrets.token_hex(8)
    try:
        async with _answering(host, port, word):
            says = f"not running, and {host} port {port} is free for it; doctor answers in its place"
            return [Answer("service", True, says), await _public(public_url, host, port, word)]
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            says = f"cannot listen on {host} port {port}: {error.strerror}; check DIALER_HOST and DIALER_PORT"
            return [Answer("service", False, says)]
    local = await _running(host, port)
    return [local, await _public(public_url, host, port, "")] if local.well else [local]


@asynccontextmanager
async def _answering(host: str, port: int, word: str) -> AsyncIterator[None]:
    """Stand in for the service; OSError when its address cannot be had."""

    async def healthz(_request: web.Request) -> web.Response:
        return web.json_response({"doctor": word})

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield
    finally:
        await runner.cleanup()


async def _running(host: str, port: int) -> Answer:
    """What it is that listens at the address of the service."""
    reached = LISTENS_ANYWHERE.get(host, host)
    body, _ = await _ask(f"http://{f'[{reached}]' if ':' in reached else reached}:{port}")
    if _is_service(body):
        if body.get("status") == "ok":
            return Answer("service", True, f"running on {host} port {port}")
        return Answer("service", False, f"running, but it cannot work: {body.get('reason')}")
    says = f"another program listens on {host} port {port}; stop it, or choose another DIALER_PORT"
    return Answer("service", False, says)


async def _public(url: str, host: str, port: int, word: str) -> Answer:
    body, trouble = await _ask(url)
    if body.get("doctor") == word if word else _is_service(body):
        return Answer("public address", True, f"{url} leads here")
    says = f"{url}/healthz {trouble or 'is answered by something else'}; lead your proxy to {host} port {port}"
    return Answer("public address", False, f"{says}, and check DIALER_PUBLIC_URL")


def _is_service(body: dict[str, Any]) -> bool:
    return body.get("status") == "failing" or "calls_sent" in body


async def _ask(url: str) -> tuple[dict[str, Any], str]:
    """The JSON object that `/healthz` gives, or what is wrong. A redirection is: no signature would fit after it."""
    try:
        async with (
            aiohttp.ClientSession(timeout=PATIENCE) as session,
            session.get(f"{url}/healthz", allow_redirects=False) as answer,
        ):
            if answer.status not in {200, 503} or answer.content_type != "application/json":
                return {}, f"answers with HTTP status {answer.status}"
            body = await answer.json()
            return (body, "") if isinstance(body, dict) else ({}, "")
    except aiohttp.ClientConnectorDNSError:
        return {}, "cannot be asked: nobody knows a machine of that name"
    except aiohttp.ClientSSLError:
        return {}, "cannot be asked: its certificate is not accepted"
    except TimeoutError:
        return {}, f"gives no answer within {PATIENCE.total:.0f} seconds"
    except (aiohttp.ClientError, ValueError):
        return {}, "gives no answer"
