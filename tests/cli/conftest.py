"""Offices to work in, for the tests of the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.campaigns import NOW
from tests.cli.office import Office

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def office(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Office:
    """A new office on a Tuesday afternoon, with the width of a terminal."""
    monkeypatch.chdir(tmp_path)
    found = Office(tmp_path, monkeypatch)
    found.set()
    found.clock(NOW)
    for console in ("out", "err"):
        monkeypatch.setattr(f"dialer.cli.screen.{console}._width", 80)
    return found


@pytest.fixture
def working(office: Office) -> Office:
    """An office with customers and one campaign in force."""
    office.customers()
    office.campaign()
    office.run("campaigns", "apply")
    return office
