"""Whether the service's memory depends on how many callbacks wait."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from dialer import bootstrap
from scripts.benchmarks import crowd, databases, servers
from scripts.benchmarks.calls import count_settled
from scripts.benchmarks.crowd import Crowd
from scripts.benchmarks.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FEW, MANY = 1_000, 300_000
DIALED = 300
"""Called meanwhile, so that everything the service keeps at hand for calls is there."""

MORE = {"sqlite": 64, "postgresql": 24}
"""MB more that are no growth: caches of a fixed size, which SQLite keeps in the process for each connection."""

WATCHED = 20.0
PATIENCE = 180.0


def measure(quick: bool) -> Iterator[Figure]:  # noqa: FBT001 - one of the table of benches
    """The highest memory of a running service that calls a few people while very many wait."""
    many = MANY // 10 if quick else MANY
    for kind in databases.KINDS:
        taken = {waiting: _peak_mb(kind, waiting, 5.0 if quick else WATCHED) for waiting in (FEW, many)}
        yield Figure(
            "memory",
            f"service_peak_mb_{kind}",
            taken[many],
            "MB",
            {"database": kind, "waiting": many, "dialed_meanwhile": DIALED},
            ceiling=round(taken[FEW] + MORE[kind], 1),
            baseline=(f"with {FEW:,} waiting", taken[FEW]),
            beside={"bytes_per_callback_more": 1e6 * (taken[many] - taken[FEW]) / (many - FEW)},
        )


def _peak_mb(kind: str, waiting: int, seconds: float) -> float:
    """From the start, through one enrolment pass over all customers, `DIALED` calls and some time of waiting."""
    with databases.place(kind) as place:
        store = place.store()
        try:
            crowd.fill(store, Crowd(waiting + DIALED, resting=waiting), bootstrap.now())
            with (
                servers.carrier(place, speed=100.0) as carrier,
                servers.service(place, carrier.url, at_once=50) as service,
            ):
                _until_called(lambda: count_settled(store))
                _until_quiet(service, seconds)
                return _high_water_mb(service)
        finally:
            store.close()


def _until_called(settled: Callable[[], int]) -> None:
    deadline = time.monotonic() + PATIENCE
    while settled() < DIALED:
        if time.monotonic() > deadline:
            raise RuntimeError("the service did not make its calls")
        time.sleep(0.25)


def _until_quiet(service: servers.Server, seconds: float) -> None:
    """Until the first pass over all customers is done: the service is idle but for its beat."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        before = service.cpu_seconds()
        time.sleep(seconds / 4)
        if service.cpu_seconds() - before < 0.1 * seconds / 4:
            break
    time.sleep(seconds / 4)


def _high_water_mb(service: servers.Server) -> float:
    """The most memory the process ever had resident, as Linux counts it."""
    status = Path(f"/proc/{service.process.pid}/status").read_text(encoding="utf-8")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024
