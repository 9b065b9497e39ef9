"""The do-not-call list: append-only, and stronger than everything else in the house."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from dialer.core.record import CallbackState
from dialer.store import queue
from dialer.store.tables import CallbackRow, CustomerRow, SuppressionRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from dialer.core.customer import Customer
    from dialer.store.database import Database

suppression = SuppressionRow.__table__  # type: ignore[attr-defined] # SQLModel does not declare it


class Suppressions:
    """Who asked not to be called."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_customers(self, references: Sequence[str], source: str, now: datetime) -> int:
        """Never call these people again; how many of them were not on the list yet."""
        return self._add([f"customer:{reference}" for reference in references], source, now, references)

    def add_number(self, e164: str, source: str, now: datetime) -> int:
        """Never call this number again."""
        return self._add([f"number:{e164}"], source, now, ())

    def _add(self, subjects: Sequence[str], source: str, now: datetime, references: Sequence[str]) -> int:
        with self._database.write() as connection:
            added = add(connection, [{"subject": one, "source": source, "said_at": now} for one in subjects])
            callback, customer = CallbackRow.__table__, CustomerRow.__table__  # type: ignore[attr-defined]
            waiting = (
                select(callback.c.id)
                .join(customer, customer.c.id == callback.c.customer_id)
                .where(customer.c.reference.in_(references))
                .where(callback.c.state.in_([CallbackState.WAITING, CallbackState.HELD]))
            )
            queue.look_again(connection, list(connection.scalars(waiting)), now)
        return added

    def has(self, customer: Customer) -> bool:
        """Whether the person, or any of their numbers, is on the list."""
        with self._database.read() as connection:
            return bool(listed(connection, subjects(customer)))


def subjects(customer: Customer) -> list[str]:
    """Every name under which this person may be on the list."""
    return [f"customer:{customer.reference}", *(f"number:{number.e164}" for number in customer.numbers)]


def listed(connection: Connection, names: Iterable[str]) -> set[str]:
    """Those of `names` that are on the list."""
    return set(connection.scalars(select(suppression.c.subject).where(suppression.c.subject.in_(list(names)))))


def add(connection: Connection, rows: Sequence[dict[str, Any]]) -> int:
    """Append to the list; what is on it already stays as it was first said."""
    if not rows:
        return 0
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(suppression).on_conflict_do_nothing().returning(suppression.c.subject)
    return len(connection.scalars(statement, [{"attempt": ""} | row for row in rows]).all())
