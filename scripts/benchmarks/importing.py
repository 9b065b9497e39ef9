"""How fast a customer file comes in, and whether its length shows in the memory. Run as a program, one import."""

from __future__ import annotations

import csv
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dialer import bootstrap
from dialer.customer_files.mapping import FileMapping
from dialer.engine.importing import BATCH, import_file
from dialer.store import Store
from scripts.benchmarks import databases
from scripts.benchmarks.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Iterator

ROWS = 100_000
FLOOR = round(ROWS / 60)
"""100,000 rows in under a minute."""

GROWTH = 1.4
"""How many times more memory ten times the rows may take: the references of a file are kept to find repetitions."""

HEADINGS = (
    "customer id",
    "name",
    "salutation",
    "phone",
    "phone 2",
    "tier",
    "language",
    "region",
    "product",
    "policy expiry",
)


def measure(quick: bool) -> Iterator[Figure]:  # noqa: FBT001 - one of the table of benches
    """Rows a second of a CSV file into SQLite, and the highest memory beside that of a file a tenth as long."""
    rows = ROWS // 10 if quick else ROWS
    with databases.place("sqlite") as small, databases.place("sqlite") as large:
        few, many = _in_a_process(small, rows // 10), _in_a_process(large, rows)
        again = _in_a_process(large, rows)
    conditions = {"rows": rows, "columns": len(HEADINGS), "file": "CSV, UTF-8", "database": "sqlite"}
    yield Figure(
        "import",
        "rows_per_second",
        rows / many["seconds"],
        "1/s",
        conditions,
        floor=FLOOR,
        baseline=("the bare driver writing the same rows", rows / many["raw_seconds"]),
        beside={
            "seconds": many["seconds"],
            "cpu_seconds": many["cpu_seconds"],
            "rejected": many["rejected"],
            "unchanged_rows_per_second": rows / again["seconds"],
        },
    )
    yield Figure(
        "import",
        "peak_memory_mb",
        many["peak_mb"],
        "MB",
        conditions,
        ceiling=round(GROWTH * few["peak_mb"], 1),
        baseline=(f"the same with {rows // 10:,} rows", few["peak_mb"]),
        beside={"before_mb": many["before_mb"], "bytes_per_row_more": _growth(few, many, rows)},
    )


def _growth(few: dict[str, Any], many: dict[str, Any], rows: int) -> float:
    return float(1e6 * (many["peak_mb"] - few["peak_mb"]) / (rows - rows // 10))


def _in_a_process(place: databases.Place, rows: int) -> dict[str, Any]:
    """An import in a process of its own: memory once taken shows in everything that the process does later."""
    path = place.folder / "customers.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(HEADINGS)
        out.writerows(_row(i) for i in range(rows))
    command = [sys.executable, "-m", "scripts.benchmarks.importing", str(path), place.url]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603 - this file
    return dict(json.loads(done.stdout))


def _row(i: int) -> tuple[str, ...]:
    """Mostly mobiles, some land lines, a second number for one in four, one in five hundred not to be understood."""
    phone = f"+44 7400 {100000 + i % 900000}" if i % 3 else f"(0)20 79{i % 1000000:06}"
    if i % 500 == 0:
        phone = "+44 7400 12O456"
    second = f"+49 1512 {3000000 + i}" if i % 4 == 0 else ""
    tier = "vip" if i % 50 == 0 else ""
    return (f"I{i:07}", f"Customer {i}", "Ms", phone, second, tier, "en", "GB", "motor", f"2027-{i % 12 + 1:02}-15")


def once(path: Path, url: str) -> dict[str, Any]:
    """Import a file into an existing or new database, and say what it took."""
    store = Store.open(url, databases.house())
    before = _peak_mb()
    wall, cpu = time.perf_counter(), time.process_time()
    report = import_file(path, FileMapping(), store, bootstrap.now(), home_region="GB")
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = _peak_mb()
    raw = _raw_seconds(store)
    store.close()
    return {
        "seconds": wall,
        "cpu_seconds": cpu,
        "raw_seconds": raw,
        "rejected": report.rejected,
        "before_mb": before,
        "peak_mb": peak,
    }


def _raw_seconds(store: Store) -> float:
    """How long the bare driver takes to write the same rows, in transactions of the same size."""
    with store.database.read() as connection:
        rows = [tuple(row) for row in connection.exec_driver_sql("SELECT * FROM customer")]
    with store.database.write() as connection:
        connection.exec_driver_sql("CREATE TABLE raw AS SELECT * FROM customer WHERE 0")
    statement = f"INSERT INTO raw VALUES ({', '.join('?' * len(rows[0]))})"  # noqa: S608 - question marks
    began = time.perf_counter()
    for start in range(0, len(rows), BATCH):
        with store.database.write() as connection:
            connection.exec_driver_sql(statement, rows[start : start + BATCH])
    took = time.perf_counter() - began
    with store.database.write() as connection:
        connection.exec_driver_sql("DROP TABLE raw")
    return took


def _peak_mb() -> float:
    """The most memory this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    print(json.dumps(once(Path(sys.argv[1]), sys.argv[2])))
