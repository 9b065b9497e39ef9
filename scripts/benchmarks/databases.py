"""Databases to measure on: a SQLite file and a PostgreSQL server, each new and gone afterwards."""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
from sqlalchemy import text

from dialer.core.admission import House
from dialer.core.hours import DailyRange, Hours
from dialer.settings import Settings
from dialer.store import Store
from tests import postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

KINDS = ("sqlite", "postgresql")
ALWAYS = "00:00-24:00"


@dataclass(frozen=True, slots=True)
class Place:
    """A database for one measurement. `server` is the PostgreSQL postmaster; SQLite runs in the process that asks."""

    kind: str
    url: str
    folder: Path
    server: psutil.Process | None = None

    def store(self) -> Store:
        """The store, its schema made."""
        return Store.open(self.url, house())

    def cpu_seconds(self) -> float:
        """CPU of all processes of the server so far, those that ended included; 0 for SQLite."""
        if self.server is None:
            return 0.0
        total = 0.0
        for process in (self.server, *self.server.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                total += times.user + times.system
                if process == self.server:
                    total += times.children_user + times.children_system
        return total

    def conditions(self, store: Store) -> dict[str, Any]:
        """What about this database decides its speed."""
        names = ("server_version", "fsync", "full_page_writes", "shared_buffers", "synchronous_commit")
        pragmas = ("journal_mode", "synchronous", "cache_size")
        with store.database.read() as connection:
            if self.server is None:
                told = {name: connection.scalar(text(f"PRAGMA {name}")) for name in pragmas}
            else:
                told = {name: connection.scalar(text(f"SHOW {name}")) for name in names}
        return {"database": self.kind, "settings": told}


@contextlib.contextmanager
def place(kind: str) -> Iterator[Place]:
    """An empty database of this kind."""
    with tempfile.TemporaryDirectory(prefix="dialer-bench-") as name:
        folder = Path(name)
        if kind == "sqlite":
            yield Place(kind, f"sqlite:///{folder / 'bench.db'}", folder)
            return
        with postgres.running() as server, server.empty_database() as url:
            pid = int((server.directory / "data" / "postmaster.pid").read_text().splitlines()[0])
            yield Place(kind, url, folder, psutil.Process(pid))


def house() -> House:
    """A house that is always open, so that figures do not depend on the hour at which they are measured."""
    return House(
        hours=Hours.daily("house", (DailyRange.parse(ALWAYS),)),
        allowed_countries=frozenset({"GB", "US"}),
        spacing=Settings().minimum_spacing,
    )
