"""What the board costs: 200 agents whose calls come and go, and 20 screens that are kept up to date."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import aiohttp
import psutil
from sqlalchemy import insert

from dialer import bootstrap
from dialer.core.agent import Agent, Role
from dialer.store import Deed, Enrolment
from dialer.store.agent_tables import PresenceRow
from dialer.store.tables import AttemptRow
from scripts.benchmarks import databases
from scripts.benchmarks.board_server import A_SECOND, token_of
from scripts.benchmarks.figure import Figure
from scripts.benchmarks.servers import STARTS_WITHIN, Server
from tests import campaigns

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from dialer.store import Store
    from scripts.benchmarks.databases import Place

AGENTS: Final = 200
SCREENS: Final = 20
CUSTOMERS: Final = 4000
CEILING: Final = 10.0
"""Per cent of one core that is promised."""

WARMS_UP: Final = 6.0
SECONDS: Final = 30.0
HOUR: Final = timedelta(hours=1)
STAFFED: Final = {"mode": "predictive", "safe_harbour": "Acme called. Our hotline is +44 20 7946 0000."}


@dataclass(slots=True)
class Seen:
    """What the screens were sent."""

    bytes: int = 0
    events: int = 0


def measure(quick: bool) -> Iterator[Figure]:  # noqa: FBT001 - one of the table of benches
    """CPU of the server while everybody looks, beside nobody looking and beside the same bytes without the board."""
    seconds = SECONDS / (3 if quick else 1)
    with databases.place("sqlite") as place:
        store = place.store()
        tokens = _fill(store, bootstrap.now())
        conditions = place.conditions(store)
        store.close()
        with _running(place) as server:
            alone, _ = asyncio.run(_look(server, [], tokens, seconds))
            watched, seen = asyncio.run(_look(server, ["/console/events/board"] * SCREENS, tokens, seconds))
            each = max(1, int(seen.bytes / SCREENS / seconds))
            same, _ = asyncio.run(_look(server, [f"/raw?size={each}&every=1"] * SCREENS, tokens, seconds))
    beside: dict[str, Any] = {
        "nobody_looks": alone,
        "board_alone": watched - alone,
        "kilobytes_a_second_and_screen": each / 1000,
        "events_a_second_and_screen": seen.events / SCREENS / seconds,
    }
    told = {"agents": AGENTS, "screens": SCREENS, "languages": 2, "changes_a_second": A_SECOND, "seconds": seconds}
    yield Figure(
        "board",
        "cpu_of_one_core",
        watched,
        "%",
        conditions | told | {"past_calls": CUSTOMERS},
        ("the same streams sending fixed bytes, calls coming and going as well", same),
        ceiling=CEILING,
        beside=beside,
    )


async def _look(server: Server, paths: list[str], tokens: list[str], seconds: float) -> tuple[float, Seen]:
    """CPU in per cent of one core while these streams are read; half of the screens are Chinese."""
    seen = Seen()
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None)) as session:
        readers = [
            asyncio.create_task(_read(session, server.url + path, tokens[at % len(tokens)], at % 2 == 0, seen))
            for at, path in enumerate(paths)
        ]
        await asyncio.sleep(WARMS_UP)
        seen.bytes = seen.events = 0
        began, before = time.monotonic(), server.cpu_seconds()
        await asyncio.sleep(seconds)
        cpu = 100 * (server.cpu_seconds() - before) / (time.monotonic() - began)
        broken = [one for one in readers if one.done()]
        for one in readers:
            one.cancel()
        await asyncio.gather(*readers, return_exceptions=True)
    if broken:
        raise RuntimeError(f"{len(broken)} screens were closed by the server; see {server.log.read_text()[-2000:]}")
    return cpu, seen


async def _read(session: aiohttp.ClientSession, url: str, token: str, english: bool, seen: Seen) -> None:  # noqa: FBT001
    headers = {"cookie": f"dialer={token}", "accept-language": "en" if english else "zh-CN"}
    async with session.get(url, headers=headers) as answer:
        answer.raise_for_status()
        async for chunk in answer.content.iter_any():
            seen.bytes += len(chunk)
            seen.events += chunk.count(b"event: ")


def _fill(store: Store, now: datetime) -> list[str]:
    """A campaign, its customers and past calls, agents who are ready, and sessions of two who look; their tokens."""
    document = campaigns.document(agents=STAFFED)
    store.campaigns.apply("survey", campaigns.version(document), document, now)
    everybody = [
        campaigns.customer(f"C{one}", campaigns.number(one % 1000), tier="vip" if one % 20 == 0 else "")
        for one in range(CUSTOMERS)
    ]
    store.customers.upsert(everybody, now)
    keys = [key for page in store.customers.numbered_pages() for key, _ in page]
    store.callbacks.enrol("survey", [Enrolment(key, "once", now, now + 72 * HOUR) for key in keys], now)
    with store.database.write() as connection:
        past = [_past(number, key, now) for number, key in enumerate(keys)]
        live = [_past(0, keys[one], now) | {"token": token_of(one + 1)} for one in range(AGENTS)]
        connection.execute(insert(AttemptRow.__table__), past + live)  # type: ignore[attr-defined] # SQLModel
    return _people(store, now)


def _past(number: int, key: int, now: datetime) -> dict[str, Any]:
    """A call that is over; of customers who waited, one in forty met nobody."""
    at = now - timedelta(minutes=number % (20 * 24 * 60))
    heard = {"answered_at": at, "waited_at": at, "connected_at": at, "ended_at": at, "sent_at": at}
    lost = number % 40 == 0
    return {
        "token": f"past-{key}",
        "callback_id": key,
        "customer_id": key,
        "campaign": "survey",
        "campaign_version": "v",
        "e164": campaigns.number(key % 1000).e164,
        "region": "GB",
        "kind": "fixed_line",
        "owner": "bench",
        "state": "final",
        "is_open": False,
        "created_at": at,
        "lease_until": at,
        "heard_at": at,
        "mode": "predictive",
        "disposition": "abandoned" if lost else "completed",
        "marks": [],
        "evidence": {},
    } | heard


def _people(store: Store, now: datetime) -> list[str]:
    deed = Deed("bench", "person.add")
    for one in range(AGENTS):
        store.agents.add(Agent(f"{3000 + one}", f"Agent {one}", teams=frozenset({"a"})), now, deed)
    with store.database.write() as connection:
        table = PresenceRow.__table__  # type: ignore[attr-defined] # SQLModel does not declare it
        connection.execute(table.update().values(state="ready", leg="parked", since=now))
    leads = [
        store.agents.add(Agent(f"{10 + one}", f"Lead {one}", Role.TEAM_LEAD), now, deed, password="x")  # noqa: S106 - no hash
        for one in range(2)
    ]
    return [store.sessions.open(leads[one % 2], now, 8 * HOUR, deed) or "" for one in range(SCREENS)]


@contextlib.contextmanager
def _running(place: Place) -> Iterator[Server]:
    log = place.folder / "board.log"
    with log.open("w", encoding="utf-8") as file:
        command = [sys.executable, "-m", "scripts.benchmarks.board_server"]
        process = subprocess.Popen(command, env=_environment(place), stdout=file, stderr=subprocess.STDOUT)  # noqa: S603
    try:
        yield Server(_address(process, log), psutil.Process(process.pid), log)
    finally:
        process.terminate()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()  # streams that nobody reads any more would keep it
            process.wait()


def _environment(place: Place) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("DIALER_", "TWILIO_"))}
    return clean | {
        "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
        "TWILIO_AUTH_TOKEN": "a token for the bench",
        "DIALER_DATABASE_URL": place.url,
        "DIALER_CALLER_ID": "+442079460000",
        "DIALER_ALLOWED_COUNTRIES": "GB",
        "DIALER_PUBLIC_URL": "http://127.0.0.1:8080",  # plain http, so that the cookie has its plain name
        "DIALER_LOG_LEVEL": "warning",
    }


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + STARTS_WITHIN
    while process.poll() is None and time.monotonic() < deadline:
        said = log.read_text(encoding="utf-8")
        if "listening on " in said:
            return said.partition("listening on ")[2].splitlines()[0].strip()
        time.sleep(0.05)
    raise RuntimeError(f"the server did not start:\n{log.read_text(encoding='utf-8')}")
