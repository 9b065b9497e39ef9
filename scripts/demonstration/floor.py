"""What goes on among the agents, in one line: counted in the database, and the pace as the board shows it."""

from __future__ import annotations

import asyncio
import re
import time
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import TYPE_CHECKING

import aiohttp
from sqlalchemy import func, select

from dialer.core.admission import House
from dialer.core.agent import AgentState
from dialer.core.hours import DailyRange, Hours
from dialer.engine.board import Abandonment
from dialer.store import Store
from dialer.store.board import Flight
from dialer.store.tables import AttemptRow
from scripts.demonstration.browser import Browser, RefusedError

if TYPE_CHECKING:
    from pathlib import Path

PACE = re.compile(r'class="board-pace">.*?<summary>(.*?)</summary>', re.DOTALL)
WORDS = {
    AgentState.ON_CALL: "talking",
    AgentState.WRAP_UP: "writing",
    AgentState.RESERVED: "set aside",
    AgentState.READY: "ready",
    AgentState.PAUSED: "paused",
}
attempt = AttemptRow.__table__  # type: ignore[attr-defined] # SQLModel does not declare it


class Floor:
    """Looks at the agents and at one campaign's calls."""

    def __init__(self, folder: Path, url: str, campaign: str) -> None:
        hours = Hours.daily("house", (DailyRange.parse("00:00-24:00"),))  # only read from, so they decide nothing
        house = House(hours=hours, allowed_countries=frozenset(), spacing=timedelta(0))
        self._store = Store.open(f"sqlite:///{folder / 'dialer.db'}", house)
        self._runner = asyncio.Runner()
        self._browser = self._runner.run(_browser(url))
        self._campaign = campaign
        self._began = time.monotonic()

    def close(self) -> None:
        """Close the browser and the database."""
        self._runner.run(self._browser.__aexit__(None, None, None))
        self._runner.close()
        self._store.close()

    def sign_in(self, number: str, password: str) -> None:
        """Sign in, so that the board can be read."""
        self._runner.run(self._browser.sign_in(number, password))

    def line(self) -> str:
        """How it is now."""
        seen = self._store.board.floor()
        states = [one.state for one in seen.agents]
        agents = ", ".join(f"{states.count(state)} {word}" for state, word in WORDS.items() if state in states)
        flights = {stage: seen.flights.get((self._campaign, stage), 0) for stage in Flight}
        flying = ", ".join(f"{count} {stage.value}" for stage, count in flights.items() if count)
        elapsed = int(time.monotonic() - self._began)
        parts = (
            f"{elapsed // 60}:{elapsed % 60:02} agents: {agents or 'nobody'}",
            f"calls: {flying or 'none'}",
            f"{self._reached()} reached",
            self._abandoned(),
            self._pace(),
        )
        return " | ".join(parts)

    def _reached(self) -> int:
        query = select(func.count()).where(attempt.c.campaign == self._campaign, attempt.c.connected_at.is_not(None))
        with self._store.database.read() as connection:
            return connection.scalar(query) or 0

    def _abandoned(self) -> str:
        now = datetime.now(UTC)  # noqa: TID251 - the demo happens now
        counts = self._store.board.abandonment([self._campaign], now - timedelta(days=1), now)
        seen = Abandonment(*counts.get(self._campaign, (0, 0)), target=0)
        return f"abandoned {seen.abandoned} of {seen.answered} (at most {seen.bound:.1%} with 95 % certainty)"

    def _pace(self) -> str:
        try:
            page = self._runner.run(self._browser.open("/console/board"))
        except (RefusedError, aiohttp.ClientError, TimeoutError):
            return "no board"
        found = PACE.search(page)
        return unescape(found[1]) if found is not None else "nothing decided yet"


async def _browser(url: str) -> Browser:
    return Browser(url)
