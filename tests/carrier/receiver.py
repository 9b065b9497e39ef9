"""The client's side of the carrier contract: a server that takes webhooks, judged by the real SDK."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

import aiohttp
from aiohttp import web
from twilio.http import AsyncHttpClient  # type: ignore[import-untyped]
from twilio.http.response import Response  # type: ignore[import-untyped]
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]
from twilio.rest import Client  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from twilio.rest.api.v2010.account.call import CallInstance  # type: ignore[import-untyped]

    from dialer.carrier import Carrier, CarrierConfig

HANG_UP = "<Response><Hangup/></Response>"
ALL_EVENTS = ["initiated", "ringing", "answered", "completed"]
FROM = "+15005550006"


@dataclass(frozen=True)
class Delivery:
    """One request the carrier sent."""

    method: str
    path: str
    url: str
    fields: dict[str, str]
    headers: dict[str, str]
    genuine: bool


@dataclass
class Page:
    """What the server answers on a path."""

    body: str = HANG_UP
    status: int = 200
    content_type: str = "text/xml"
    delay: float = 0.0


@dataclass
class Receiver:
    """Records what arrives and answers from `pages`; status callbacks get 204."""

    token: str
    url: str = ""
    pages: dict[str, Page] = field(default_factory=dict)
    deliveries: list[Delivery] = field(default_factory=list)
    arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.text()
        posted = dict(parse_qsl(body, keep_blank_values=True))
        url = self.url + request.raw_path
        genuine = RequestValidator(self.token).validate(url, posted, request.headers.get("X-Twilio-Signature", ""))
        fields = posted if request.method == "POST" else dict(request.query)
        delivery = Delivery(request.method, request.path, url, fields, dict(request.headers), genuine)
        page = self.pages.get(request.path, Page(status=204, body=""))
        if page.delay:
            await asyncio.sleep(page.delay)
        async with self.arrived:
            self.deliveries.append(delivery)
            self.arrived.notify_all()
        return web.Response(body=page.body.encode(), status=page.status, content_type=page.content_type)

    def at(self, path: str) -> list[Delivery]:
        return [delivery for delivery in self.deliveries if delivery.path == path]

    def statuses(self) -> list[str]:
        """The statuses heard, in the order the carrier sent them."""
        sent = sorted(self.at("/status"), key=lambda delivery: int(delivery.fields["SequenceNumber"]))
        return [delivery.fields["CallStatus"] for delivery in sent]

    async def until_status(self, count: int) -> None:
        """Wait for so many status callbacks: they may overtake each other."""
        await self.until(lambda: len(self.at("/status")) >= count)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something holds after a delivery; five seconds at most."""
        async with asyncio.timeout(5), self.arrived:
            await self.arrived.wait_for(condition)

    async def until_over(self, count: int = 1) -> None:
        """Wait for so many terminal status callbacks that are genuine."""
        await self.until(
            lambda: sum("CallDuration" in one.fields and one.genuine for one in self.at("/status")) >= count
        )


@asynccontextmanager
async def receiving(token: str) -> AsyncIterator[Receiver]:
    receiver = Receiver(token)
    runner = web.ServerRunner(web.Server(receiver.answer, access_log=None), shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield receiver
    finally:
        await runner.cleanup()


class PlainHttpClient(AsyncHttpClient):  # type: ignore[misc] # the SDK is untyped
    """Carries the SDK's requests with a deadline and without retries, as a client of Twilio should."""

    def __init__(self, session: aiohttp.ClientSession, timeout: float = 5.0) -> None:
        super().__init__(logging.getLogger(__name__), is_async=True)
        self._session = session
        self._deadline = aiohttp.ClientTimeout(total=timeout)

    async def request(
        self,
        method: str,
        uri: str,
        params: Any = None,
        data: Any = None,
        headers: Any = None,
        auth: tuple[str, str] = ("", ""),
        timeout: Any = None,  # noqa: ARG002, ASYNC109 - the SDK's signature
        allow_redirects: Any = None,  # noqa: ARG002 - as above
    ) -> Response:
        async with self._session.request(
            method,
            uri,
            params=params,
            data=urlencode(data, doseq=True) if data else None,
            headers={**(headers or {}), "Authorization": aiohttp.encode_basic_auth(*auth)},
            timeout=self._deadline,
        ) as response:
            return Response(response.status, await response.text(), response.headers)


@dataclass
class World:
    """A carrier, a client of its API and the client's webhook server."""

    carrier: Carrier
    config: CarrierConfig
    receiver: Receiver
    client: Client
    session: aiohttp.ClientSession

    async def call(self, to: str = "+14155550100", **given: object) -> CallInstance:
        """Create a call whose webhooks all go to the receiver."""
        parameters: dict[str, object] = {
            "to": to,
            "from_": FROM,
            "url": f"{self.receiver.url}/answer",
            "status_callback": f"{self.receiver.url}/status",
            "status_callback_event": ALL_EVENTS,
        }
        parameters.update(given)
        created: CallInstance = await self.client.calls.create_async(**parameters)
        return created

    @property
    def authorization(self) -> dict[str, str]:
        return {"Authorization": aiohttp.encode_basic_auth(self.config.account_sid, self.config.auth_token)}

    def sync_client(self) -> Client:
        client = Client(self.config.account_sid, self.config.auth_token)
        client.api.base_url = self.carrier.url
        return client
