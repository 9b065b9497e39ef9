"""Alarms about VIPs whose time runs out: every one is told, however many ring at once."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import event

from dialer.store import callbacks
from tests.campaigns import NOW
from tests.store.steps import DAY, check_books, crowd, enrol, people, start

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

    from dialer.store import Store

LAST_MINUTES = NOW + 3 * DAY - timedelta(minutes=5)
"""Shortly before the deadline of everybody here."""


def unreached(store: Store, many: int) -> None:
    """So many VIPs, all of whom must be called by the same time."""
    start(store)
    people(store, *crowd(many, tier="vip"))
    enrol(store)


def told(store: Store) -> list[str]:
    return [task.customer for task in store.tasks.find() if task.kind == "deadline"]


@contextmanager
def widths(store: Store) -> Iterator[list[int]]:
    """How many values each statement carries that is sent meanwhile."""
    found: list[int] = []

    def look(_connection: Any, _cursor: Any, _statement: str, values: Any, _context: Any, many: bool) -> None:  # noqa: FBT001 - SQLAlchemy's signature
        found.append(max(map(len, values), default=0) if many else len(values))

    event.listen(store.database.engine, "before_cursor_execute", look)
    yield found
    event.remove(store.database.engine, "before_cursor_execute", look)


def test_more_alarms_than_a_page_are_told_over_several_turns(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callbacks, "PAGE", 3)
    unreached(store, 7)
    assert told(store) == []
    so_far = []
    for _ in range(4):
        store.callbacks.turn(LAST_MINUTES)
        so_far.append(len(told(store)))
    assert so_far == [3, 6, 7, 7]
    assert sorted(told(store)) == [f"C{one}" for one in range(7)], "each once"
    check_books(store)


def test_no_statement_grows_with_the_number_of_alarms(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Databases limit how many values a statement may carry; a night's alarms of a large file would be above it."""
    monkeypatch.setattr(callbacks, "PAGE", 5)
    many = 60
    unreached(store, many)
    with widths(store) as found:
        store.callbacks.turn(LAST_MINUTES)
    assert len(told(store)) == 5
    assert max(found) < many
