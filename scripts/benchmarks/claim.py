"""What taking the next 100 callbacks costs, and whether people who rest before them make it dearer."""

from __future__ import annotations

import secrets
import time
from datetime import timedelta
from statistics import median
from typing import TYPE_CHECKING

from sqlalchemy import text

from dialer import bootstrap
from scripts.benchmarks import crowd, databases
from scripts.benchmarks.crowd import Crowd
from scripts.benchmarks.figure import Figure, percentile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dialer.store import Store

ROWS = 1_000_000
RESTING = 400_000
BATCH = 100
CLAIMS = 60
CEILING = 1.5
"""How many times longer a claim may take when 400,000 VIPs rest at the head of the queue."""

RAW = """
    DELETE FROM queue WHERE callback_id IN (
        SELECT callback_id FROM queue WHERE campaign = :campaign AND {ready} AND closes_at > :now
        ORDER BY rank_at, callback_id LIMIT :many {lock})
    RETURNING callback_id"""
"""The least a claim could be: take rows out of the same queue, ask nothing and write no intent."""


def measure(quick: bool) -> Iterator[Figure]:  # noqa: FBT001 - one of the table of benches
    """A claim with its intents on each database, with nobody and with very many resting."""
    many = 10 if quick else 1
    rows, resting = ROWS // many, RESTING // many
    for kind in databases.KINDS:
        with databases.place(kind) as with_none, databases.place(kind) as with_many:
            yield from _compare(with_none, with_many, rows, resting)


def _compare(free: databases.Place, blocked: databases.Place, rows: int, resting: int) -> Iterator[Figure]:
    now = bootstrap.now()
    stores = {0: free.store(), resting: blocked.store()}
    try:
        for count, store in stores.items():
            crowd.fill(store, Crowd(rows, count), now)
        took = _took(stores)
        conditions = free.conditions(stores[0]) | {"rows": rows, "batch": BATCH, "claims": CLAIMS, "median_of": CLAIMS}
        for count in stores:
            yield Figure(
                "claim",
                f"milliseconds_per_claim_{free.kind}_{count}_resting",
                median(took["claim", count]) * 1000,
                "ms",
                conditions | {"resting_at_the_head": count},
                baseline=("the bare statement", median(took["raw", count]) * 1000),
                beside={
                    "p95_ms": percentile(took["claim", count], 0.95) * 1000,
                    "callbacks_per_second": BATCH / median(took["claim", count]),
                },
            )
        ratio = median(took["claim", resting]) / median(took["claim", 0])
        yield Figure(
            "claim",
            f"slowdown_by_resting_{free.kind}",
            ratio,
            "times",
            conditions | {"resting_at_the_head": resting},
            ceiling=CEILING,
            baseline=("slowdown of the bare statement", median(took["raw", resting]) / median(took["raw", 0])),
        )
    finally:
        for store in stores.values():
            store.close()


def _took(stores: dict[int, Store]) -> dict[tuple[str, int], list[float]]:
    """Seconds of each claim. All kinds take turns, so that a busy moment of the machine hits all of them."""
    took: dict[tuple[str, int], list[float]] = {}
    for turn in range(CLAIMS + 3):
        for count, store in stores.items():
            for name, work in (("claim", _claim), ("raw", _raw)):
                seconds = _seconds(work, store)
                if turn >= 3:  # noqa: PLR2004 - the first ones compile statements and fill caches
                    took.setdefault((name, count), []).append(seconds)
    return took


def _seconds(work: Callable[[Store], int], store: Store) -> float:
    began = time.perf_counter()
    taken = work(store)
    seconds = time.perf_counter() - began
    if taken != BATCH:
        raise RuntimeError(f"a claim took {taken} callbacks instead of {BATCH}")
    return seconds


def _claim(store: Store) -> int:
    tokens = store.callbacks.claim(
        BATCH, bootstrap.now(), owner="bench", lease=timedelta(minutes=1), token=lambda: secrets.token_hex(16)
    )
    return len(tokens)


def _raw(store: Store) -> int:
    sqlite = store.database.is_sqlite
    statement = RAW.format(ready="ready = 1" if sqlite else "ready", lock="" if sqlite else "FOR UPDATE SKIP LOCKED")
    now = bootstrap.now()
    values = {
        "campaign": crowd.campaign_name(),
        "now": now.strftime("%Y-%m-%d %H:%M:%S.%f") if sqlite else now,
        "many": BATCH,
    }
    with store.database.write() as connection:
        return len(connection.execute(text(statement), values).all())
