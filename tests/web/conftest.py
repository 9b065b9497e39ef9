"""The web side as the daemon serves it, without a network: real wiring, the real carrier adapter, signed requests."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from dialer import bootstrap
from dialer.engine.enrol import enrol
from dialer.settings import Settings
from dialer.web.app import create_app
from tests import campaigns
from tests.mortal import blank

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from dialer.bootstrap import Works

NOW = datetime(2026, 3, 3, 14, 30, tzinfo=UTC)
PUBLIC_URL = "https://calls.example.com"
ACCOUNT = "AC" + "1" * 32
SECRET = "a made-up auth token"
CALL = "CA" + "2" * 32
TOKEN = "0123456789abcdef" * 2
NUMBER = campaigns.number(123)


class Standing:
    """A clock that stands still."""

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, duration: timedelta) -> None:
        del duration


@dataclass(slots=True)
class Answer:
    """What the application said."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def text(self) -> str:
        return self.body.decode()


class Site:
    """The application, as a server would call it."""

    def __init__(self, works: Works) -> None:
        self.works = works
        self.app = create_app(works)

    async def ask(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        *,
        chunk: int = 4096,
        cut_off: bool = False,
    ) -> Answer:
        """Send a request in pieces of `chunk` bytes; `cut_off` when the client goes away in the middle."""
        path, _, query = target.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()],
            "client": ("127.0.0.1", 1234),
            "server": ("127.0.0.1", 8080),
        }
        pieces = [body[start : start + chunk] for start in range(0, len(body), chunk)] or [b""]
        told: list[dict[str, Any]] = [
            {"type": "http.request", "body": piece, "more_body": cut_off or index < len(pieces) - 1}
            for index, piece in enumerate(pieces)
        ]
        answer = Answer()

        async def receive() -> dict[str, Any]:
            return told.pop(0) if told else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                answer.status = message["status"]
                answer.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            else:
                answer.body += message.get("body", b"")

        await self.app(scope, receive, send)
        return answer

    async def webhook(self, what: str, *, token: str = TOKEN, signed: bool = True, **fields: str) -> Answer:
        """A webhook as Twilio would send it."""
        target = f"/carrier/{token}/{what}"
        given = {
            "AccountSid": ACCOUNT,
            "CallSid": CALL,
            "To": NUMBER.e164,
            "Called": NUMBER.e164,
            "From": "+15005550006",
            "CallStatus": "in-progress",
        } | fields
        headers = {"content-type": "application/x-www-form-urlencoded"}
        if signed:
            signature = RequestValidator(SECRET).compute_signature(PUBLIC_URL + target, given)
            headers["x-twilio-signature"] = signature
        return await self.ask("POST", target, headers, urlencode(given).encode())


@pytest.fixture
def works(tmp_path: Path) -> Iterator[Works]:
    """A wired dialer with one call on its way."""
    given = Settings(
        account_sid=ACCOUNT,
        auth_token=SECRET,
        public_url=PUBLIC_URL,
        caller_id="+15005550006",
        allowed_countries=frozenset({"GB"}),
        database_url=f"sqlite:///{tmp_path / 'dialer.db'}",
    )
    (tmp_path / "dialer.db").write_bytes(blank())
    works = bootstrap.assemble(given, clock=Standing())
    content = campaigns.document()
    works.store.campaigns.apply("survey", campaigns.version(content), content, NOW)
    works.store.customers.upsert([campaigns.customer("C1", NUMBER)], NOW)
    call_customer(works)
    yield works
    works.desk.close()
    works.reading.close()
    works.store.close()


def call_customer(works: Works) -> None:
    """One attempt, committed to be dialed."""
    enrol(works.store, NOW, "UTC")
    works.store.callbacks.turn(NOW)
    tokens = works.store.callbacks.claim(1, NOW, owner="test", lease=timedelta(minutes=1), token=lambda: TOKEN)
    assert len(works.store.attempts.commit(tokens, NOW)) == 1


@pytest.fixture
def site(works: Works) -> Site:
    return Site(works)


@pytest.fixture
def whole_number() -> re.Pattern[str]:
    """The customer's number, however it is written."""
    digits = NUMBER.e164.lstrip("+")
    return re.compile(rf"{digits}|{digits[2:]}")
