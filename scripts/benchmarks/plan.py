"""How long `campaigns plan` takes over a large customer file, and in how much memory. Run as a program, one plan."""

from __future__ import annotations

import json
import os
import resource
import sqlite3
import subprocess
import sys
import threading
import time
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import psutil

from dialer import bootstrap
from dialer.core.campaign import version
from dialer.engine.plan import LARGE, Question, plan
from dialer.settings import Settings
from scripts.benchmarks import crowd, databases
from scripts.benchmarks.crowd import Crowd
from scripts.benchmarks.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dialer.store import Store

CUSTOMERS = 1_000_000
CEILING_SECONDS = 60.0
"""A million customers in under a minute, on two cores."""

GROWTH = 1.3
"""How many times more memory ten times the customers may take, in as many processes."""

NEW, IN_FORCE = "new", "in_force"


def measure(quick: bool) -> Iterator[Figure]:  # noqa: FBT001 - one of the table of benches
    """Seconds for a new campaign, and for a change to one in which everybody waits already; and the memory of both."""
    many = CUSTOMERS // 10 if quick else CUSTOMERS
    fewer = max(many // 10, 2 * LARGE)
    few = _measured(fewer, [IN_FORCE])[IN_FORCE]
    found = _measured(many, [NEW, IN_FORCE])
    for kind, one in found.items():
        conditions = {"customers": many, "processes": one["processes"], "database": "sqlite", "counted": one["counted"]}
        yield Figure(
            "plan",
            f"seconds_{kind}",
            one["seconds"],
            "s",
            conditions,
            ceiling=CEILING_SECONDS * many / CUSTOMERS,
            baseline=("one process reading and decoding the same rows", one["raw_seconds"]),
            beside={"cpu_seconds": one["cpu_seconds"], "customers_per_second": many / one["seconds"]},
        )
    yield Figure(
        "plan",
        "peak_memory_mb_of_all_processes",
        found[IN_FORCE]["peak_mb"],
        "MB",
        {"customers": many, "database": "sqlite"},
        ceiling=round(GROWTH * few["peak_mb"], 1),
        baseline=(f"with {fewer:,} customers", few["peak_mb"]),
    )


def _measured(many: int, kinds: list[str]) -> dict[str, dict[str, Any]]:
    with databases.place("sqlite") as place:
        store = place.store()
        crowd.fill(store, Crowd(many), bootstrap.now())
        _vary(store)
        store.close()
        return {kind: _in_a_process(place, kind) for kind in kinds}


def _vary(store: Store) -> None:
    """Of everybody alike make a mixture: six countries' zones, unconfirmed ones, quiet hours, people of the house."""
    with store.database.write() as connection:
        connection.exec_driver_sql(_MIXTURE)


_MIXTURE = """
    UPDATE customer SET
        tier = CASE WHEN id % 50 = 0 THEN 'vip' WHEN id % 20 = 1 THEN 'staff' ELSE '' END,
        zone = CASE WHEN id % 3 = 0 THEN zone ELSE '' END,
        region = CASE id % 6 WHEN 0 THEN 'GB' WHEN 1 THEN 'GB' WHEN 2 THEN 'US-NY' WHEN 3 THEN 'GB' WHEN 4 THEN 'US-FL'
                 ELSE 'US' END,
        numbers = CASE WHEN id % 6 IN (2, 4, 5) THEN
            '[{"e164": "+1' || CASE id % 5 WHEN 0 THEN '212' WHEN 1 THEN '305' WHEN 2 THEN '415' WHEN 3 THEN '312'
            ELSE '713' END || (2000000 + id) || '", "region": "US", "kind": "fixed_or_mobile", "extension": ""}]'
            ELSE numbers END,
        quiet = CASE WHEN id % 25 = 0 THEN '["' || printf('%02d', id % 12 + 8) || ':00-' || printf('%02d', id % 12 + 9)
                || ':30"]' ELSE quiet END,
        attributes = '{"product": "' || CASE WHEN id % 2 THEN 'motor' ELSE 'home' END || '", "policy_expiry": "2027-' ||
                     printf('%02d', id % 12 + 1) || '-15", "premium": ' || (id % 900) || '}'
"""


def _document(kind: str) -> dict[str, Any]:
    """A change to the campaign of the crowd, or the same as a campaign of its own."""
    told = dict(crowd.campaign().document) | {"when": {"windows": {"mon-fri": ["09:00-12:30", "14:00-20:00"]}}}
    return told | {"campaign": "fresh"} if kind == NEW else told


def _in_a_process(place: databases.Place, kind: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "scripts.benchmarks.plan", place.url, kind]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603 - this file
    return dict(json.loads(done.stdout))


def once(url: str, kind: str) -> dict[str, Any]:
    """One plan over an existing database, and what it took."""
    given = Settings(database_url=url, allowed_countries=frozenset({"GB", "US"}))
    document = _document(kind)
    question = Question(document, version(document), bootstrap.now())
    processes = os.cpu_count() or 1
    before, wall = _cpu(), time.perf_counter()
    with _Peak() as peak:
        found = plan(partial(bootstrap.open_store, given), question, processes=processes, told=lambda _done, _all: None)
    wall = time.perf_counter() - wall
    return {
        "seconds": wall,
        "cpu_seconds": _cpu() - before,
        "peak_mb": peak.mb,
        "processes": processes,
        "counted": {fate.place.value: found.tally.count(fate.place) for fate in found.tally.fates},
        "raw_seconds": _raw_seconds(url),
    }


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


class _Peak:
    """The most memory that this process and its children had together, looked at ten times a second."""

    def __init__(self) -> None:
        self.mb = 0.0
        self._done = threading.Event()
        self._watch = threading.Thread(target=self._look)

    def __enter__(self) -> Self:
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._watch.join()

    def _look(self) -> None:
        me = psutil.Process()
        while not self._done.wait(timedelta(milliseconds=100).total_seconds()):
            taken = 0
            for process in (me, *me.children(recursive=True)):
                try:
                    taken += process.memory_info().rss
                except psutil.NoSuchProcess:
                    continue
            self.mb = max(self.mb, taken / 2**20)


def _raw_seconds(url: str) -> float:
    """How long the bare driver and the JSON parser take in one process for what the plan reads of each customer."""
    began = time.perf_counter()
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        for numbers, quiet, attributes in connection.execute(
            "SELECT numbers, quiet, attributes FROM customer ORDER BY id"
        ):
            json.loads(numbers), json.loads(quiet), json.loads(attributes)
    return time.perf_counter() - began


if __name__ == "__main__":
    print(json.dumps(once(sys.argv[1], sys.argv[2])))
