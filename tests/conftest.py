"""The ground all tests stand on: no network but this machine's own, the same run every time, databases to use up."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from dialer.store.database import Database
from tests.mortal import blank
from tests.postgres import PostgresServer, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

settings.register_profile("same", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("explore", deadline=None, print_blob=True)  # pytest --hypothesis-profile=explore
settings.load_profile("same")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Keep the whole suite on loopback and Unix sockets; set here so that no way of starting pytest forgets it."""
    config.option.allow_hosts = "127.0.0.1,::1,localhost"
    config.option.allow_unix_socket = True


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def now() -> datetime:
    """A Tuesday afternoon in UTC, in no zone's change of clocks."""
    return datetime(2026, 3, 3, 14, 30, tzinfo=UTC)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One server for each test process, started when the first test asks."""
    with running() as server:
        server.make_template(_migrate)
        yield server


def _migrate(url: str) -> None:
    database = Database(url)
    database.migrate()
    database.close()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The URL of a new SQLite database with its tables and without a row."""
    (tmp_path / "dialer.db").write_bytes(blank())
    return f"sqlite:///{tmp_path / 'dialer.db'}"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a new database with its tables and without a row: once of SQLite, once of PostgreSQL."""
    if request.param == "sqlite":
        yield request.getfixturevalue("sqlite_url")
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    with server.database() as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a new database without any table."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'dialer.db'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    with server.empty_database() as url:
        yield url


WHOLE = {
    "carrier": {"test_conferences", "test_lifecycle"},
    "cli": {"test_do_not_call", "test_promises", "test_trail"},
    "console": {
        "test_access",
        "test_board",
        "test_campaigns",
        "test_customers",
        "test_people",
        "test_reports",
        "test_sign_in",
        "test_tasks",
        "test_why",
        "test_work",
    },
    "engine": {
        "test_bridge",
        "test_crash_points",
        "test_floor",
        "test_look",
        "test_pacing",
        "test_parking",
        "test_shifts",
        "test_turns",
    },
    "store": {"test_belonging", "test_holds", "test_promises", "test_reservations", "test_settlement"},
}
"""By folder: tests that play whole calls or draw whole pages, which is too much for the quick part."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave them out of the quick part."""
    for item in items:
        if item.path.stem in WHOLE.get(item.path.parent.name, ()):
            item.add_marker(pytest.mark.slow)
