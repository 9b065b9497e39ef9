"""One door to SQLite and PostgreSQL, so that the rest of the store is written once."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event, func, inspect, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from dialer.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from alembic.config import Config
    from sqlalchemy import Connection, Engine

MIGRATIONS = Path(__file__).parent / "migrations"

SCHEMA = "0004"
"""The schema this program works with: the newest of its migrations."""

JOURNAL_TRIES, BETWEEN_TRIES = 200, 0.05
"""How often, and how many seconds apart, a new SQLite database is asked for its write-ahead journal."""

MIGRATING = 0xD1A1E7
"""The lock held while migrating: a daemon and a command that are started together both find an empty database."""


class Database:
    """A database, opened by its SQLAlchemy URL."""

    def __init__(self, url: str) -> None:
        parsed = make_url(url)
        if parsed.drivername in {"postgresql", "postgres"}:
            parsed = parsed.set(drivername="postgresql+psycopg")
        if parsed.get_backend_name() not in {"sqlite", "postgresql"}:
            raise StoreError(f"{parsed.get_backend_name()} is no database this program knows; use sqlite or postgresql")
        self.url = parsed
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        # Those who wait for SQLite's one writer poll, and whoever polls at the right moment wins; here they queue.
        self._writer: AbstractContextManager[object] = threading.Lock() if self.is_sqlite else nullcontext()
        self.engine: Engine = _sqlite(parsed) if self.is_sqlite else _postgresql(parsed)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for looking only; a consistent view for as long as it is open."""
        with self._translated(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction: all of it is kept, durably, or none."""
        with self._writer, self._translated(), self.engine.connect() as opened:
            connection = opened.execution_options(writes=True)
            with connection.begin():
                yield connection

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            # The driver's own text may quote values, which may be personal: only its kind is passed on.
            kind = type(getattr(error, "orig", None) or error).__name__
            raise StoreError(
                f"the database at {self.url.render_as_string()} failed ({kind}); `dialer doctor` says more"
            ) from error

    def migrate(self) -> None:
        """Bring the schema to this program's version; costs nothing when it is there already."""
        if self.is_sqlite and self.url.database not in {None, "", ":memory:"}:
            Path(str(self.url.database)).parent.mkdir(parents=True, exist_ok=True)
        if self.schema() == SCHEMA:
            return
        from alembic import command  # noqa: PLC0415 - a quarter of a second, spent only when there is work for it

        with self.write() as connection:
            if not self.is_sqlite:  # where a writing transaction is alone as it is
                connection.execute(select(func.pg_advisory_xact_lock(MIGRATING)))
            command.upgrade(_config(connection), "head")

    def schema(self) -> str | None:
        """The version of the schema that the database has; None for an empty database."""
        with self._translated(), self.engine.connect() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return None
            return str(connection.scalar(text("SELECT version_num FROM alembic_version")))

    def close(self) -> None:
        """Give back the connections."""
        self.engine.dispose()


def _config(connection: Connection) -> Config:
    from alembic.config import Config  # noqa: PLC0415 - as above

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def _sqlite(url: Any) -> Engine:
    engine = create_engine(url, hide_parameters=True, connect_args={"timeout": 30, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _record: object) -> None:
        # The driver's own transaction handling begins too late and lets two readers claim one row; ours begins at once.
        connection.isolation_level = None
        _keep_a_journal(connection)
        for pragma in (
            "synchronous=FULL",  # a committed intent must survive a power cut, or a number could be dialed twice
            "foreign_keys=ON",
            "cache_size=-16000",  # kilobytes for each connection, so that memory does not grow with the file
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _keep_a_journal(connection: sqlite3.Connection) -> None:
    """Write ahead. Whoever finds a new database at the same moment as others has to ask again: this does not wait."""
    for _ in range(JOURNAL_TRIES):
        if connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
            return
        with suppress(sqlite3.OperationalError):
            connection.execute("PRAGMA journal_mode=WAL")
            return
        time.sleep(BETWEEN_TRIES)
    connection.execute("PRAGMA journal_mode=WAL")


def _postgresql(url: Any) -> Engine:
    engine = create_engine(url, hide_parameters=True, pool_size=8, max_overflow=8, pool_pre_ping=True)

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        connection.execute("SET synchronous_commit = on")
        # A plan kept from when a table was nearly empty reads all of it ever after.
        connection.execute("SET plan_cache_mode = force_custom_plan")
        # A forgotten transaction pins dead rows at the head of the queue and slows every claim.
        connection.execute("SET idle_in_transaction_session_timeout = '60s'")
        connection.commit()

    return engine
