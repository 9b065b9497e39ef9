"""Calls a second from the service through the stand-in carrier, and the same transactions without any HTTP."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from datetime import datetime  # noqa: TC003 - a dataclass's field
from typing import TYPE_CHECKING

from sqlalchemy import distinct, func, select

from dialer import bootstrap
from dialer.core.lifecycle import AttemptState
from dialer.store.tables import AttemptRow, EventRow
from scripts.benchmarks import crowd, databases, raw_calls, servers
from scripts.benchmarks.crowd import Crowd
from scripts.benchmarks.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dialer.store import Store

CALLS = 4000
AT_ONCE = 150
SPEED = 100.0
FLOOR = 100
PACED = 25.0
"""Calls a second of the run that shows how long webhooks wait when the service has time for them."""

PACED_CALLS = 300
WEBHOOKS = 4
"""How many each call has to have at the least, for the figure to mean anything."""

PATIENCE = 300.0
LOOK_EVERY = 0.25

attempt = AttemptRow.__table__  # type: ignore[attr-defined] # SQLModel does not declare it
event = EventRow.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Shape:
    """What a run was made of, as its record shows: the raw run takes the same batches."""

    calls: int
    seconds: float  # from the first call's intent to the last thing heard
    claimed_at_once: float
    events: int
    recorded_at_once: float


@dataclass(frozen=True, slots=True)
class Spent:
    """CPU seconds, by whom."""

    service: float
    database: float
    carrier: float


def measure(quick: bool) -> Iterator[Figure]:  # noqa: FBT001 - one of the table of benches
    """Through HTTP and raw, on each database."""
    calls = CALLS // 10 if quick else CALLS
    for kind in databases.KINDS:
        with databases.place(kind) as live, databases.place(kind) as raw:
            yield from _on(live, raw, calls)
        with databases.place(kind) as calm:
            yield _answers_in_time(calm, PACED_CALLS)


def _on(live: databases.Place, raw: databases.Place, calls: int) -> Iterator[Figure]:
    store = live.store()
    try:
        crowd.fill(store, Crowd(calls), bootstrap.now())
        conditions = live.conditions(store) | {"calls": calls, "at_once": AT_ONCE, "carrier_speed": SPEED}
        spent, webhooks, answer_times = _run(live, store, calls)
        shape = _shape(store)
    finally:
        store.close()
    without = raw_calls.run(raw, calls, shape.claimed_at_once, shape.recorded_at_once)
    if webhooks < WEBHOOKS * calls:
        raise RuntimeError(f"{webhooks} webhooks for {calls} calls are fewer than {WEBHOOKS} each")
    rate = shape.calls / shape.seconds
    yield Figure(
        "calls",
        f"calls_per_second_{live.kind}",
        rate,
        "1/s",
        conditions,
        floor=FLOOR,
        baseline=("the same transactions without HTTP", without.calls_per_second),
        beside={
            "webhooks_per_call": webhooks / calls,
            "webhooks_per_second": webhooks / shape.seconds,
            "events_per_transaction": shape.recorded_at_once,
            "claimed_per_transaction": shape.claimed_at_once,
            **answer_times,
        },
    )
    whole = spent.service + spent.database + spent.carrier
    yield Figure(
        "calls",
        f"cpu_milliseconds_per_call_{live.kind}",
        1000 * whole / calls,
        "ms",
        conditions,
        baseline=("the same transactions without HTTP", without.service_ms + without.database_ms),
        beside={
            "service_ms": 1000 * spent.service / calls,
            "database_ms": 1000 * spent.database / calls,
            "carrier_ms": 1000 * spent.carrier / calls,
            "raw_service_ms": without.service_ms,
            "raw_database_ms": without.database_ms,
            "cores_kept_busy": whole / shape.seconds,
        },
    )


def _answers_in_time(place: databases.Place, calls: int) -> Figure:
    store = place.store()
    try:
        crowd.fill(store, Crowd(calls), bootstrap.now())
        _, webhooks, answer_times = _run(place, store, calls, PACED)
        conditions = place.conditions(store) | {"calls": calls, "calls_per_second": PACED, "webhooks": webhooks}
    finally:
        store.close()
    name = f"webhook_p95_milliseconds_{place.kind}"
    return Figure("calls", name, answer_times["webhook_p95_ms"], "ms", conditions, beside=answer_times)


def _run(
    place: databases.Place, store: Store, calls: int, per_second: float = 10_000
) -> tuple[Spent, int, dict[str, float]]:
    """Let the service call everybody. CPU is counted from its first readiness on, so that starting up is not."""
    with (
        servers.carrier(place, SPEED) as carrier,
        servers.service(place, carrier.url, AT_ONCE, per_second) as service,
    ):
        before = _spent(place, service, carrier)
        _wait_until_settled(store, calls, service)
        after = _spent(place, service, carrier)
        counted = servers.stats(carrier)
        answer_times = percentiles(service.get("/metrics"))
    spent = Spent(after.service - before.service, after.database - before.database, after.carrier - before.carrier)
    return spent, int(counted["webhooks_sent"]), answer_times


def _spent(place: databases.Place, service: servers.Server, carrier: servers.Server) -> Spent:
    return Spent(service.cpu_seconds(), place.cpu_seconds(), carrier.cpu_seconds())


def _wait_until_settled(store: Store, calls: int, service: servers.Server) -> None:
    deadline = time.monotonic() + PATIENCE
    while (done := count_settled(store)) < calls and time.monotonic() < deadline:
        time.sleep(LOOK_EVERY)
    if done < calls:
        raise RuntimeError(
            f"only {done} of {calls} calls were settled:\n{service.log.read_text(encoding='utf-8')[-3000:]}"
        )


def count_settled(store: Store) -> int:
    """How many calls are over and known to be."""
    with store.database.read() as connection:
        return connection.scalar(select(func.count()).where(attempt.c.state == AttemptState.FINAL)) or 0


def _shape(store: Store) -> Shape:
    span = select(func.count(), func.min(attempt.c.created_at), func.max(attempt.c.heard_at))
    claims = select(func.count(distinct(attempt.c.created_at)))
    batches = select(func.count(), func.count(distinct(event.c.received_at))).where(event.c.kind != "sent")
    with store.database.read() as connection:
        calls, began, ended = connection.execute(span).one()
        events, transactions = connection.execute(batches).one()
        claimed = connection.scalar(claims) or 1
    return Shape(calls, _seconds(began, ended), calls / claimed, events, events / transactions)


def _seconds(began: datetime, ended: datetime) -> float:
    return (ended - began).total_seconds()


_BUCKET = re.compile(r'dialer_webhook_seconds_bucket\{kind="(\w+)",le="([^"]+)"\} ([0-9.e+]+)')


def percentiles(exposition: str) -> dict[str, float]:
    """Milliseconds to answer a webhook, by kind, read off the service's own histogram as Prometheus does."""
    kinds: dict[str, list[tuple[float, float]]] = {}
    for kind, edge, count in _BUCKET.findall(exposition):
        kinds.setdefault(kind, []).append((float(edge), float(count)))
    everything = [
        (edge, sum(k[i][1] for k in kinds.values())) for i, (edge, _) in enumerate(next(iter(kinds.values())))
    ]
    return {f"webhook_p{share}_ms": 1000 * _quantile(everything, share / 100) for share in (50, 95, 99)}


def _quantile(buckets: list[tuple[float, float]], share: float) -> float:
    wanted = share * buckets[-1][1]
    below, before = 0.0, 0.0
    for edge, count in buckets:
        if count >= wanted:
            return below if edge == float("inf") else below + (edge - below) * (wanted - before) / (count - before)
        below, before = edge, count
    return below
