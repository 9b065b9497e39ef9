"""Offices to work in, for the tests of the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from dialer.store import Database
from tests.campaigns import NOW
from tests.cli.office import Office
from tests.mortal import blank

KEPT: dict[str, bytes] = {}
"""The files of an office at work, made by the first test that wants one."""


@pytest.fixture
def office(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Office:
    """A new office on a Tuesday afternoon, with the width of a terminal."""
    monkeypatch.chdir(tmp_path)
    found = Office(tmp_path, monkeypatch)
    found.set()
    found.clock(NOW)
    for console in ("out", "err"):
        monkeypatch.setattr(f"dialer.cli.screen.{console}._width", 80)
    _migrate_quickly(monkeypatch)
    return found


def _migrate_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Making the tables takes longer than most tests; their first database is a copy of one that has them."""
    template, really = blank(), Database.migrate

    def migrate(database: Database) -> None:
        file = Path(str(database.url.database)) if database.is_sqlite else None
        if file is not None and file.parent.is_dir() and not file.exists():
            file.write_bytes(template)
        really(database)

    monkeypatch.setattr(Database, "migrate", migrate)


@pytest.fixture
def working(office: Office) -> Office:
    """An office with customers and one campaign in force."""
    if not KEPT:
        office.customers()
        office.campaign()
        office.run("campaigns", "apply")
        KEPT.update(
            {
                one.relative_to(office.folder).as_posix(): one.read_bytes()
                for one in office.folder.rglob("*.*")
                if one.is_file()
            }
        )
        return office
    for name, content in KEPT.items():
        (office.folder / name).parent.mkdir(exist_ok=True)
        (office.folder / name).write_bytes(content)
    return office
