"""The store's part of a call and nothing else: the same transactions in batches of the same size, without HTTP."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from dialer import bootstrap
from dialer.core.lifecycle import Event, EventKind, Mark
from dialer.core.outcome import AnsweredBy, Disposition, Network
from scripts.benchmarks import crowd
from scripts.benchmarks.crowd import Crowd

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dialer.store import Store
    from scripts.benchmarks.databases import Place

FIELDS = {f"Field{number}": "as long as a value of the carrier" for number in range(18)}
"""As many of its own words as a webhook carries; they are kept with the event."""


@dataclass(frozen=True, slots=True)
class Raw:
    """What the store alone can do, per call."""

    calls_per_second: float
    service_ms: float  # CPU of this process
    database_ms: float  # CPU of the database's processes


def run(place: Place, calls: int, claimed_at_once: float, recorded_at_once: float) -> Raw:
    """Claim, commit and settle `calls` calls, one transaction after another."""
    store = place.store()
    try:
        crowd.fill(store, Crowd(calls), bootstrap.now())
        wall, cpu, database = time.perf_counter(), time.process_time(), place.cpu_seconds()
        _settle_all(store, calls, max(1, round(claimed_at_once)), max(1, round(recorded_at_once)))
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        database = place.cpu_seconds() - database
    finally:
        store.close()
    return Raw(calls / wall, 1000 * cpu / calls, 1000 * database / calls)


def _settle_all(store: Store, calls: int, claimed: int, recorded: int) -> None:
    done = 0
    waiting: list[Iterator[Event]] = []
    while done < calls:
        tokens = store.callbacks.claim(
            claimed,
            bootstrap.now(),
            owner="bench",
            lease=timedelta(minutes=1),
            token=lambda: secrets.token_hex(16),
        )
        waiting += [_story(one.token) for one in store.attempts.commit(tokens, bootstrap.now())]
        done += len(tokens)
        # As in the service, the events of many calls that are at different stages arrive together.
        while len(waiting) >= recorded or (done >= calls and waiting):
            batch = waiting[:recorded]
            told = [(one, next(one, None)) for one in batch]
            events = [event for _, event in told if event is not None]
            if events:
                store.attempts.record(events, bootstrap.now())
            waiting = waiting[recorded:] + [one for one, event in told if event is not None]


def _story(token: str) -> Iterator[Event]:
    """What is told about a call that was answered and ended well."""
    call = "CA" + secrets.token_hex(16)
    mark = Mark("question", 1, "1", "1", Disposition.NONE, "")
    kept = Mark("thanks", 1, "", "", Disposition.COMPLETED, "fine")
    stages: Sequence[tuple[EventKind, str, Network | None, Mark | None]] = (
        (EventKind.PLACED, "placed", None, None),
        (EventKind.QUEUED, "status:0:initiated", None, None),
        (EventKind.RINGING, "status:1:ringing", None, None),
        (EventKind.ANSWERED, "status:2:in-progress", None, None),
        (EventKind.HEARD, "answer", None, None),
        (EventKind.HEARD, "step/question/1:1", None, mark),
        (EventKind.HEARD, "step/question/1:thanks", None, kept),
        (EventKind.ENDED, "status:3:completed", Network.ANSWERED, None),
    )
    for kind, key, network, said in stages:
        yield Event(
            token,
            kind,
            key,
            bootstrap.now(),
            "webhook",
            call,
            network=network,
            answered_by=AnsweredBy.HUMAN if network else None,
            mark=said,
            detail=FIELDS,
        )
