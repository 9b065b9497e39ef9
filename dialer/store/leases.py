"""What only one process may do at a time, however many share the database: a row says which, and for how long."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, or_
from sqlalchemy.dialects import postgresql, sqlite

from dialer.store.agent_tables import LeaseRow

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from dialer.store.database import Database

lease = LeaseRow.__table__  # type: ignore[attr-defined] # SQLModel does not declare it


class Leases:
    """Who does what."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, name: str, owner: str, now: datetime, lasts: timedelta) -> bool:
        """Whether `owner` may do it until `now` + `lasts`. Asked again in time, whoever has it keeps it."""
        row = {"name": name, "owner": owner, "until_at": now + lasts}
        statement = (sqlite if self._database.is_sqlite else postgresql).insert(lease).values(row)
        free = or_(lease.c.owner == owner, lease.c.until_at <= now)
        statement = statement.on_conflict_do_update(index_elements=[lease.c.name], set_=row, where=free)
        with self._database.write() as connection:
            return connection.scalar(statement.returning(lease.c.name)) is not None

    def give_up(self, name: str, owner: str) -> None:
        """Let the next one have it at once."""
        with self._database.write() as connection:
            connection.execute(delete(lease).where(lease.c.name == name, lease.c.owner == owner))
