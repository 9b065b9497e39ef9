"""How long a customer who has answered waits for the agent: 50 agents at their screens, everything over HTTP.

The agents are a process of their own that uses the console as browsers do: it takes a tenth of what the service takes,
and keeping 50 screens up to date is part of what the service has to do meanwhile. People live some times faster than
in life, and the patience of two seconds does not: to the pacer it looks long beside a conversation, so it lets more
people wait for an agent to be done than it would in life. They are counted apart.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import psutil
import yaml
from sqlalchemy import func, select
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from dialer import bootstrap
from dialer.core.agent import Agent, AgentState
from dialer.engine.passwords import Passwords
from dialer.store import Deed
from dialer.store.agent_tables import AgentMoveRow, ReservationRow
from dialer.store.tables import AttemptRow, EventRow
from scripts.benchmarks import crowd, databases, servers
from scripts.benchmarks.crowd import Crowd
from scripts.benchmarks.figure import Figure, percentile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dialer.store import Store
    from scripts.benchmarks.databases import Place

AGENTS: Final = 50
SPEED: Final = 8.0
SECONDS: Final = 60.0
WARMS_UP: Final = 15.0
MODES: Final = ("predictive", "progressive")
MEDIAN, TAIL = 250.0, 1000.0
"""Milliseconds that are promised: the median, and what 99 in 100 stay below."""

CUSTOMERS: Final = 6000
"""Far more than are called meanwhile."""

AT_ONCE: Final = 200
PROBE_EVERY: Final = 0.25
ROOT: Final = Path(__file__).parents[2]
PEOPLE: Final = """\
- {number: "sip:*", answer: agent}
- {number: "*", mix: {human: 40, no-answer: 45, busy: 15}, ring: [2, 20], talk: [60, 240]}
"""
STAFFED: Final = {"safe_harbour": "This is {company}. Please call {hotline}.", "wrap_up": "60 s"}
PASSWORD: Final = "a sentence for fifty robots"  # noqa: S105 - made up, and gone with the database

attempt = AttemptRow.__table__  # type: ignore[attr-defined] # SQLModel does not declare it
event = EventRow.__table__  # type: ignore[attr-defined]
move = AgentMoveRow.__table__  # type: ignore[attr-defined]
reservation = ReservationRow.__table__  # type: ignore[attr-defined]


@dataclass(slots=True)
class Seen:
    """What a run showed. Waits in milliseconds."""

    by_carrier: list[float] = field(default_factory=list)  # an agent was free: from answered until joined
    everybody: list[float] = field(default_factory=list)  # the same, and those for whom nobody was free at first
    by_service: list[float] = field(default_factory=list)  # the answer's webhook until the conference's is kept
    bare: list[float] = field(default_factory=list)  # a signed webhook about nothing new, and its 204
    told: dict[str, Any] = field(default_factory=dict)


def measure(quick: bool) -> Iterator[Figure]:  # noqa: FBT001 - one of the table of benches
    """Each mode on each database."""
    for kind in databases.KINDS:
        for mode in MODES:
            with databases.place(kind) as place:
                yield from _figures(place, mode, SECONDS / (3 if quick else 1))


def _figures(place: Place, mode: str, seconds: float) -> Iterator[Figure]:
    store = place.store()
    try:
        _fill(store, mode)
        conditions = place.conditions(store) | {"agents": AGENTS, "mode": mode, "speed": SPEED, "seconds": seconds}
        seen = _run(place, store, seconds)
    finally:
        store.close()
    conditions |= {"robots": "over HTTP, with streams open, on the same cores"}
    names = (("median", MEDIAN, 0.5), ("p99", TAIL, 0.99))
    for name, ceiling, share in names:
        beside = {
            "with_waits_for_an_agent_ms": percentile(seen.everybody, share),
            "by_service_ms": percentile(seen.by_service, share),
            **seen.told,
        }
        yield Figure(
            "bridge",
            f"answer_to_conference_{name}_{mode}_{place.kind}",
            percentile(seen.by_carrier, share),
            "ms",
            conditions,
            (f"a bare signed webhook answered with 204, {name}", percentile(seen.bare, share)),
            ceiling=ceiling,
            beside=beside,
        )


def _fill(store: Store, mode: str) -> None:
    now = bootstrap.now()
    crowd.fill(store, Crowd(CUSTOMERS), now)
    document = yaml.safe_load(crowd.CAMPAIGN.read_text(encoding="utf-8")) | {"agents": STAFFED | {"mode": mode}}
    store.campaigns.apply(crowd.campaign_name(), "with agents", document, now)
    while store.callbacks.turn(now, 1000):  # a new version: each callback's place in the queue is decided anew
        pass
    kept = Passwords().hash(PASSWORD)
    for one in range(AGENTS):
        number = str(2001 + one)
        agent = Agent(number, f"Agent {number}", address=f"sip:{number}@phones.example")
        store.agents.add(agent, now, Deed("bench", "person.add", number), password=kept, must_change=False)
    crowd.settle_down(store)


def _run(place: Place, store: Store, seconds: float) -> Seen:
    seen = Seen()
    with servers.carrier(place, SPEED) as carrier, servers.service(place, carrier.url, AT_ONCE) as service:
        urlopen(Request(carrier.url + "/control/people", PEOPLE.encode()), timeout=30).close()  # noqa: S310 - ours
        with _robots(place, service.url) as robots:
            time.sleep(WARMS_UP)
            since, began = bootstrap.now(), time.monotonic()
            before = (service.cpu_seconds(), carrier.cpu_seconds(), _cpu(robots), place.cpu_seconds())
            _probe(store, service.url, since + timedelta(seconds=seconds), seen)
            took = time.monotonic() - began
            after = (service.cpu_seconds(), carrier.cpu_seconds(), _cpu(robots), place.cpu_seconds())
        names = ("service_cores", "carrier_cores", "robots_cores", "database_cores")
        seen.told = {name: (b - a) / took for name, a, b in zip(names, before, after, strict=True)}
        conferences = _lines(carrier.get("/control/conferences"))
        calls = {str(one["sid"]): one for one in _lines(carrier.get("/control/calls"))}
    seen.told |= _proved(conferences)
    waits = _waits(conferences, calls, since)
    late = _nobody_was_free(store)
    seen.everybody = list(waits.values())
    seen.by_carrier = [wait for call, wait in waits.items() if call not in late]
    seen.by_service = _recorded(store, since)
    seen.told |= _counts(store, since) | {
        "connected_a_second": len(waits) / took,
        "waited_for_an_agent": len(late.intersection(waits)),
    }
    return seen


@contextlib.contextmanager
def _robots(place: Place, url: str) -> Iterator[psutil.Process]:
    """Agents at their screens, as a process of its own."""
    sign_ins, log = place.folder / "sign-ins.txt", place.folder / "robots.log"
    sign_ins.write_text("".join(f"{2001 + one} {PASSWORD}\n" for one in range(AGENTS)), encoding="utf-8")
    command = [sys.executable, "-m", "scripts.demonstration.robots", "--url", url, "--sign-ins", str(sign_ins)]
    with log.open("w", encoding="utf-8") as file:
        process = subprocess.Popen(  # noqa: S603 - our own program
            [*command, "--speed", str(SPEED)], cwd=ROOT, env=os.environ, stdout=file, stderr=subprocess.STDOUT
        )
    try:
        deadline = time.monotonic() + servers.STARTS_WITHIN
        while f"at work: {AGENTS}" not in log.read_text(encoding="utf-8"):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the agents did not come:\n{log.read_text(encoding='utf-8')[-3000:]}")
            time.sleep(0.1)
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        try:
            process.wait(timeout=servers.STOPS_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _probe(store: Store, url: str, until: datetime, seen: Seen) -> None:
    """Send a signed webhook that tells of nothing new, again and again: what the path alone costs meanwhile."""
    with store.database.read() as connection:
        found = connection.execute(
            select(attempt.c.token, attempt.c.carrier_call_id).where(attempt.c.ended_at.is_not(None)).limit(1)
        ).one()
    address = f"{url}/carrier/{found.token}/status"
    form = {"CallSid": found.carrier_call_id, "AccountSid": "AC" + "0" * 32, "CallStatus": "ringing"}
    form |= {"SequenceNumber": "1", "CallbackSource": "call-progress-events"}
    signed = RequestValidator("a token for the bench").compute_signature(address, form)
    headers = {"x-twilio-signature": signed, "content-type": "application/x-www-form-urlencoded"}
    request = Request(address, urlencode(form).encode(), headers)  # noqa: S310 - our own, on loopback
    while bootstrap.now() < until:
        began = time.perf_counter()
        with urlopen(request, timeout=30) as answer:  # noqa: S310 - as above
            if answer.status != 204:  # noqa: PLR2004 - HTTP's number
                raise RuntimeError(f"the bare webhook was answered with {answer.status}")
        seen.bare.append(1000 * (time.perf_counter() - began))
        time.sleep(PROBE_EVERY)


def _lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def _proved(conferences: list[dict[str, Any]]) -> dict[str, Any]:
    """What the carrier saw in its conferences; RuntimeError when anybody met whom they should not have met."""
    homes: dict[str, str] = {}
    for room in conferences:
        if room["most"] > 2:  # noqa: PLR2004 - an agent and a customer
            raise RuntimeError(f"{room['most']} were in the conference {room['name']}")
        customers = sorted((one["joined"], one["left"] or "9", one["call"]) for one in _customers(room))
        for (_, left, _), (joined, _, _) in pairwise(customers):
            if joined < left:
                raise RuntimeError(f"two customers were in the conference {room['name']} at {joined}")
        for _, _, call in customers:
            if homes.setdefault(call, room["name"]) != room["name"]:
                raise RuntimeError(f"the customer {call} was in two conferences")
    most = max((room["most"] for room in conferences), default=0)
    refused = sum(room["refused"] for room in conferences)
    return {"conferences": len(conferences), "customers_met": len(homes), "most_in_one": most, "refused": refused}


def _customers(room: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for one in room["participants"] if not one["agent"]]


def _waits(conferences: list[dict[str, Any]], calls: dict[str, dict[str, Any]], since: datetime) -> dict[str, float]:
    """From the answer to the conference, by the carrier's clock and call: the agent is in it already."""
    found = {}
    for room in conferences:
        for one in _customers(room):
            answered = datetime.fromisoformat(calls[one["call"]]["answered"])
            if answered >= since:
                found[one["call"]] = 1000 * (datetime.fromisoformat(one["joined"]) - answered).total_seconds()
    return found


def _nobody_was_free(store: Store) -> set[str]:
    """Calls whose agent got ready only after the customer had begun to wait.

    Calling ahead means that this happens: how long it takes is the pacer's, and at most the campaign's patience.
    """
    ready = select(move.c.agent_id, move.c.at).where(move.c.after == AgentState.READY).order_by(move.c.at)
    held = select(reservation.c.agent_id, reservation.c.made_at, event.c.at, attempt.c.carrier_call_id)
    held = held.join(event, (event.c.token == reservation.c.attempt) & (event.c.kind == "waiting"))
    held = held.join(attempt, attempt.c.token == reservation.c.attempt)
    since: dict[int, list[datetime]] = defaultdict(list)
    with store.database.read() as connection:
        for agent_id, at in connection.execute(ready):
            since[agent_id].append(at)
        rows = connection.execute(held).all()
    return {row.carrier_call_id for row in rows if any(row.at < at <= row.made_at for at in since[row.agent_id])}


def _recorded(store: Store, since: datetime) -> list[float]:
    """The same by the record: from the webhook of the answer until that of the conference is kept."""
    query = select(event.c.token, event.c.kind, event.c.at, event.c.received_at)
    with store.database.read() as connection:
        rows = connection.execute(query.where(event.c.kind.in_(("waiting", "connected")))).all()
    waiting = {row.token: row.at for row in rows if row.kind == "waiting" and row.at >= since}
    return [
        1000 * (row.received_at - waiting[row.token]).total_seconds()
        for row in rows
        if row.kind == "connected" and row.token in waiting
    ]


def _counts(store: Store, since: datetime) -> dict[str, Any]:
    columns = (func.count(), func.count(attempt.c.waited_at), func.count(attempt.c.connected_at))
    with store.database.read() as connection:
        made, waited, met = connection.execute(select(*columns).where(attempt.c.created_at >= since)).one()
        lost = connection.scalar(
            select(func.count()).where(attempt.c.created_at >= since, attempt.c.disposition == "abandoned")
        )
    return {"calls": made, "answered": waited, "connected": met, "abandoned": lost}
