"""Carries signed requests to the client's server: TwiML fetches and callbacks over one pool of kept connections."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Self
from uuid import uuid4

import aiohttp
from yarl import URL

from dialer.carrier.signature import signature

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dialer.carrier.fields import Fields
    from dialer.carrier.hook import Hook

# Shorter than the five seconds after which common servers close idle connections: a request sent into a connection that
# is just being closed would look like a webhook the client lost.
KEEP_ALIVE_SECONDS = 3
MAX_CONNECTIONS = 200
LARGEST_BODY = 64 * 1024


@dataclass(frozen=True, slots=True)
class Reply:
    """What the client's server said."""

    status: int
    content_type: str
    body: bytes


class Undelivered(Exception):  # noqa: N818 - the other side's failure, told to the one who asked
    """No reply after all tries; `code` is Twilio's error for the last failure and `failure` its retry class."""

    def __init__(self, code: int, failure: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.failure = failure


class Courier:
    """Sends requests as Twilio's proxy does: signed, with an idempotency token, retried as the URL's policy says."""

    def __init__(self, auth_token: str) -> None:
        self._token = auth_token.encode()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=MAX_CONNECTIONS, keepalive_timeout=KEEP_ALIVE_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": "TwilioProxy/1.1", "Accept": "*/*"},
            auto_decompress=False,
        )
        self.sent = 0
        self.failed = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def send(self, hook: Hook, fields: Fields, *, token: str | None = None, forged: bool = False) -> Reply:
        """Deliver fields to a URL and return the reply, of whatever status.

        `token` is the idempotency token; retries carry the same one. A `forged` request carries a signature made with
        another key. Raises `Undelivered` when no reply came.
        """
        url, body = _addressed(hook, fields)
        key = b"not the auth token" if forged else self._token
        headers = {
            "X-Twilio-Signature": signature(key, url, {} if body is None else fields.values),
            "I-Twilio-Idempotency-Token": token or str(uuid4()),
        }
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded; charset=UTF-8"
        try:
            async with asyncio.timeout(hook.total_ms / 1000):
                return await self._try(hook, url, body, headers)
        except TimeoutError as late:
            self.failed += 1
            raise Undelivered(11200, "rt", f"no reply within {hook.total_ms} ms") from late

    async def _try(self, hook: Hook, url: str, body: str | None, headers: Mapping[str, str]) -> Reply:
        for tries_left in range(hook.retries, -1, -1):
            try:
                reply = await self._once(hook, url, body, headers)
            except Undelivered as problem:
                if not tries_left or not hook.retries_on(problem.failure):
                    self.failed += 1
                    raise
                continue
            failure = _failure(reply.status)
            if failure is None or not tries_left or not hook.retries_on(failure):
                return reply
        raise AssertionError("the last try returns or raises")

    async def _once(self, hook: Hook, url: str, body: str | None, headers: Mapping[str, str]) -> Reply:
        self.sent += 1
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=hook.connect_ms / 1000, sock_read=hook.read_ms / 1000)
        # Encoded: the bytes that are signed are the bytes that are sent.
        address = URL(url, encoded=True)
        try:
            async with self._session.request(
                hook.method, address, data=body, headers=headers, timeout=timeout, allow_redirects=False
            ) as response:
                content = await response.content.read(LARGEST_BODY + 1)
                while len(content) <= LARGEST_BODY and (more := await response.content.read(LARGEST_BODY)):
                    content += more
                return Reply(response.status, response.content_type, content)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as refused:
            raise Undelivered(11205, "ct", f"no connection: {type(refused).__name__}") from refused
        except TimeoutError as late:
            raise Undelivered(11200, "rt", f"no reply within {hook.read_ms} ms") from late
        except aiohttp.ClientError as broken:
            raise Undelivered(11200, "rt", f"broken reply: {type(broken).__name__}") from broken


def _addressed(hook: Hook, fields: Fields) -> tuple[str, str | None]:
    if hook.method == "POST":
        return hook.url, fields.encoded
    joint = "&" if "?" in hook.url else "?"
    return hook.url + joint + fields.encoded, None


def _failure(status: int) -> str | None:
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return "5xx"
    return "4xx" if status >= HTTPStatus.BAD_REQUEST else None
