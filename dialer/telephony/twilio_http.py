"""Carries the SDK's requests: one try, real timeouts, nothing logged, and what an error said is kept whole."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import aiohttp
from twilio.http import AsyncHttpClient  # type: ignore[import-untyped]
from twilio.http.response import Response  # type: ignore[import-untyped]
from twilio.rest import Client  # type: ignore[import-untyped]
from yarl import URL

from dialer.telephony.twilio_codes import count

if TYPE_CHECKING:
    from collections.abc import Mapping

TWILIO_API: Final = "https://api.twilio.com"
CONNECT_WITHIN: Final = timedelta(seconds=3)
NOTHING_SENT: Final = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)
"""Raised only before a request's first byte: refused, no such host, no connection in time, TLS not agreed."""

_LOWEST_CODE: Final = 10_000  # Twilio's error codes have five digits; what is smaller repeats the HTTP status
_TOO_MANY: Final = 429
_SUCCESS: Final = range(200, 300)


class SaidNoError(Exception):
    """Twilio, or something between, answered with anything but success. Holds no personal data."""

    def __init__(self, status: int, code: int | None, retry_after: timedelta | None) -> None:
        super().__init__(f"HTTP {status}" + (f", error {code}" if code else ""))
        self.status = status
        self.code = code  # Twilio's own, None when the answer does not look like Twilio's
        self.retry_after = retry_after

    @property
    def slow_down(self) -> bool:
        """The request was one too many and was not acted on (Twilio's page on error 20429)."""
        return self.status == _TOO_MANY


class OneTry(AsyncHttpClient):  # type: ignore[misc] # the SDK has no types
    """The SDK's door to the network, without its retries, its endless patience and its log of phone numbers.

    Keeps nothing about a request, so that any number may run at once. The session begins with the first request,
    because it belongs to the event loop it is born in.
    """

    def __init__(self, timeout: timedelta, connections: int) -> None:
        super().__init__(logging.getLogger(__name__), is_async=True, timeout=timeout.total_seconds())
        # Well before the whole time is up: only then is it certain that nothing was sent.
        connect = min(CONNECT_WITHIN, timeout / 2).total_seconds()
        self._timeout = aiohttp.ClientTimeout(total=timeout.total_seconds(), connect=connect, sock_connect=connect)
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None

    async def request(
        self,
        method: str,
        uri: str,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ARG002, ASYNC109 - the SDK's signature; ours holds for every request
        allow_redirects: bool = False,  # noqa: ARG002, FBT001, FBT002 - the SDK's signature; never followed
    ) -> Any:
        """Send once. SaidNoError for any answer but 2xx, aiohttp's errors when there is no answer."""
        url = f"{uri}?{urlencode(params, doseq=True)}" if params else uri
        sent = dict(headers or {})
        if auth is not None:
            sent["Authorization"] = aiohttp.encode_basic_auth(*auth)
        async with self._open().request(
            method,
            URL(url, encoded=True),
            data=urlencode(data, doseq=True) if data else None,
            headers=sent,
            allow_redirects=False,
        ) as answer:
            text = (await answer.read()).decode(errors="replace")
            if answer.status not in _SUCCESS:
                raise SaidNoError(answer.status, _code(text), _retry_after(answer.headers))
            return Response(answer.status, text, answer.headers)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._connections),
                timeout=self._timeout,
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session

    async def close(self) -> None:
        """Give back the connections; a later request opens new ones."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()


class TwilioClient(Client):  # type: ignore[misc] # the SDK has no types
    """The SDK, pointed at another address when `api_url` names one."""

    def __init__(self, account_sid: str, auth_token: str, api_url: str, http: OneTry) -> None:
        super().__init__(account_sid, auth_token, http_client=http)
        self._api_url = api_url.rstrip("/")

    def get_hostname(self, uri: str) -> str:
        """The SDK asks here for the address of every request."""
        if not self._api_url:
            return str(super().get_hostname(uri))
        return self._api_url + uri.removeprefix(TWILIO_API)


def _code(text: str) -> int | None:
    try:
        code = json.loads(text)["code"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return code if isinstance(code, int) and code >= _LOWEST_CODE else None


def _retry_after(headers: Mapping[str, str]) -> timedelta | None:
    """RFC 9110 also allows a date here, which Twilio does not send."""
    seconds = count(headers.get("Retry-After", ""))
    return None if seconds is None else timedelta(seconds=seconds)
