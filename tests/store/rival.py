"""Two transactions at once: the second begins in the middle of the first, and the first ends while it waits."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import event, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from dialer.store import Store

First = TypeVar("First")
Second = TypeVar("Second")

WAITING = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
LONGEST = 1000
"""Looks at the second, ten milliseconds apart, until it must have come to its end or to a lock."""


def meet(store: Store, place: str, first: Callable[[], First], second: Callable[[], Second]) -> tuple[First, Second]:
    """Do `first`; when its first statement that begins with `place` is done, begin `second`. What both came to.

    `first` goes on when `second` waits for a lock or is over. PostgreSQL only: SQLite has one writer at a time.
    """
    begun: list[Future[Second]] = []
    with ThreadPoolExecutor(1) as pool:

        def after(_connection: Any, _cursor: Any, statement: str, *_: object) -> None:
            if statement.startswith(place) and not begun:
                begun.append(pool.submit(second))
                _until(lambda: begun[0].done() or _is_kept_waiting(store))

        event.listen(store.database.engine, "after_cursor_execute", after)
        try:
            came_to = first()
        finally:
            event.remove(store.database.engine, "after_cursor_execute", after)
        assert begun, f"no statement began with {place}"
        return came_to, begun[0].result(timeout=60)


def _is_kept_waiting(store: Store) -> bool:
    with store.database.read() as connection:
        return bool(connection.scalar(WAITING))


def _until(condition: Callable[[], bool]) -> None:
    pause = Event()
    for _ in range(LONGEST):
        if condition():
            return
        pause.wait(0.01)
    raise AssertionError("the second neither ended nor waited")
