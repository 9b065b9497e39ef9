"""The console as a browser uses it: cookies, the token of forms, redirects, streams that come back."""

from __future__ import annotations

import asyncio
import re
from html import unescape
from http import HTTPStatus
from typing import TYPE_CHECKING, Self

import aiohttp

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from types import TracebackType

TOKEN = re.compile(r'"X-CSRF-Token": "([^"]+)"')
PATIENCE = aiohttp.ClientTimeout(total=30)
ENDLESS = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=60)
COMES_BACK = 2.0
"""Seconds after which a lost stream is connected again, as the stream itself asks browsers to."""


class RefusedError(Exception):
    """The console said no; its sentence is the message."""


class Browser:
    """One person's browser. Sign in first."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = aiohttp.ClientSession(
            cookie_jar=aiohttp.CookieJar(unsafe=True),  # aiohttp's word for cookies of 127.0.0.1
            headers={"accept-language": "en", "origin": url},
        )
        self._token = ""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def sign_in(self, staff_number: str, password: str) -> None:
        """Sign in. RefusedError when the number and the password do not fit together."""
        fields = {"staff_number": staff_number, "password": password, "next": "", "language": ""}
        async with self._session.post(self._url + "/console/sign-in", data=fields, timeout=PATIENCE) as answer:
            await _raise_if_refused(answer)
        await self.open("/console/account")

    async def choose_password(self, old: str, new: str) -> None:
        """Choose one's own password, which everybody must who was given theirs."""
        await self.press("/console/account/password", old=old, new=new, again=new)

    async def open(self, path: str) -> str:
        """A page."""
        async with self._session.get(self._url + path, timeout=PATIENCE) as answer:
            await _raise_if_refused(answer)
            page = await answer.text()
        token = TOKEN.search(page)
        if token is not None:
            self._token = token[1]
        return page

    async def press(self, path: str, **fields: str) -> None:
        """Send a form as htmx does. RefusedError with the console's words when it is not possible now."""
        headers = {"hx-request": "true", "x-csrf-token": self._token}
        async with self._session.post(self._url + path, data=fields, headers=headers, timeout=PATIENCE) as answer:
            await _raise_if_refused(answer)

    async def stream(self, path: str) -> AsyncIterator[tuple[str, str]]:
        """What a screen is sent, by the name of the event: for ever, whatever happens to the connection."""
        while True:
            try:
                async with self._session.get(self._url + path, timeout=ENDLESS) as answer:
                    answer.raise_for_status()
                    async for event in _events(answer.content):
                        yield event
            except (aiohttp.ClientError, TimeoutError):
                pass
            await asyncio.sleep(COMES_BACK)


async def _raise_if_refused(answer: aiohttp.ClientResponse) -> None:
    if answer.status >= HTTPStatus.BAD_REQUEST:
        text = re.sub(r"<[^>]+>", " ", await answer.text())
        raise RefusedError(f"{answer.status}: {' '.join(unescape(text).split())[-300:]}")


async def _events(lines: aiohttp.StreamReader) -> AsyncIterator[tuple[str, str]]:
    name, data = "", list[str]()
    rest = b""
    async for chunk in lines.iter_any():  # a line may be longer than aiohttp lets one be
        *whole, rest = (rest + chunk).split(b"\n")
        for line in (one.decode().rstrip("\r") for one in whole):
            field, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if field == "event":
                name = value
            elif field == "data":
                data.append(value)
            elif not line:
                if name:
                    yield name, "\n".join(data)
                name, data = "", []
