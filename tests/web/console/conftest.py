"""A console with one person of each role, and browsers for them: real wiring, no network, cheap passwords."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from argon2 import PasswordHasher
from starlette.applications import Starlette

from dialer import bootstrap
from dialer.core.agent import Agent, Role
from dialer.engine.passwords import Passwords
from dialer.settings import Settings
from dialer.store import Deed
from dialer.web.console.pages import create_console
from tests.mortal import blank

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from dialer.bootstrap import Works
    from dialer.store import Member
    from dialer.web.console import Console

NOW = datetime(2026, 3, 3, 14, 30, tzinfo=UTC)
PUBLIC_URL = "https://calls.example.com"
PASSWORD = "a long made-up sentence"
CHEAP = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
HASH = CHEAP.hash(PASSWORD)
NUMBERS = {Role.AGENT: "2001", Role.TEAM_LEAD: "1501", Role.MANAGER: "1001", Role.OPERATOR: "9001"}
SETUP = Deed("cli:test", "person.add")


class Hand:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return (self.at - NOW).total_seconds()

    async def sleep(self, duration: timedelta) -> None:
        del duration


@dataclass(slots=True)
class Answer:
    """What the console said."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    cookies: list[str] = field(default_factory=list)
    body: bytes = b""

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def goes_to(self) -> str:
        return self.headers.get("location", "") or self.headers.get("hx-redirect", "")


@dataclass
class Browser:
    """Somebody's browser: keeps cookies, says where a request comes from, sends the page's token when told."""

    console: Console
    app: Starlette
    place: str = "192.0.2.7"
    language: str = "en"
    cookies: dict[str, str] = field(default_factory=dict)
    csrf: str = ""
    stays: bool = False  # until the server ends the answer

    async def ask(
        self, method: str, target: str, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Answer:
        """One request, with no header but these and what every browser sends."""
        path, _, query = target.partition("?")
        given = {"host": "calls.example.com", "accept-language": self.language} | dict(headers or {})
        if self.cookies:
            given["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "https",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode()) for name, value in given.items()],
            "client": (self.place, 1234),
            "server": ("127.0.0.1", 8080),
        }
        answer, told = Answer(), [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> dict[str, Any]:
            if not told and self.stays:
                await asyncio.Event().wait()
            return told.pop(0) if told else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                answer.status = message["status"]
                pairs = [(name.decode(), value.decode()) for name, value in message["headers"]]
                answer.headers = dict(pairs)
                answer.cookies = [value for name, value in pairs if name == "set-cookie"]
            else:
                answer.body += message.get("body", b"")

        await self.app(scope, receive, send)
        self._keep(answer.cookies)
        return answer

    def _keep(self, given: list[str]) -> None:
        for one in given:
            name, _, value = one.partition(";")[0].partition("=")
            if "Max-Age=0" in one:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value

    async def get(self, target: str, *, htmx: bool = False) -> Answer:
        answer = await self.ask("GET", target, {"hx-request": "true"} if htmx else {})
        found = re.search(r"X-CSRF-Token&#34;: &#34;([\w-]+)|X-CSRF-Token\": \"([\w-]+)", answer.text)
        if found:
            self.csrf = found[1] or found[2]
        return answer

    async def post(self, target: str, *, htmx: bool = False, **fields: str) -> Answer:
        """Send a form as our own pages do."""
        headers = {"content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin"}
        if htmx:
            headers |= {"hx-request": "true", "x-csrf-token": self.csrf}
        else:
            fields = {"csrf": self.csrf} | fields
        return await self.ask("POST", target, headers, urlencode(fields).encode())

    async def sign_in(
        self, staff_number: str, password: str = PASSWORD, *, language: str = "", onward: str = ""
    ) -> Answer:
        fields = {"staff_number": staff_number, "password": password, "language": language, "next": onward}
        answer = await self.post("/console/sign-in", htmx=False, **fields)
        if answer.status == 303:
            await self.get("/console/account")
        return answer


@pytest.fixture
def clock() -> Hand:
    return Hand()


@pytest.fixture
def works(tmp_path: Path, clock: Hand) -> Iterator[Works]:
    (tmp_path / "dialer.db").write_bytes(blank())
    given = Settings(
        account_sid="AC" + "1" * 32,
        auth_token="a made-up auth token",
        public_url=PUBLIC_URL,
        caller_id="+15005550006",
        home_region="GB",
        allowed_countries=frozenset({"GB"}),
        database_url=f"sqlite:///{tmp_path / 'dialer.db'}",
    )
    works = bootstrap.assemble(given, clock=clock)
    yield works
    works.desk.close()
    works.reading.close()
    works.store.close()


@pytest.fixture
def people(works: Works) -> dict[Role, Member]:
    """One person of each role."""
    made = {}
    for role, number in NUMBERS.items():
        agent = Agent(number, f"Name {number}", role)
        made[role] = works.store.agents.add(agent, NOW, SETUP, password=HASH)
    return made


@pytest.fixture
def console(works: Works, people: dict[Role, Member]) -> Console:
    del people
    return create_console(works, CHEAP)


@pytest.fixture
def browser(console: Console) -> Browser:
    return Browser(console, Starlette(routes=console.routes()))


@pytest.fixture
def another(browser: Browser) -> Browser:
    """A second browser, somewhere else."""
    return Browser(browser.console, browser.app, place="198.51.100.9")
