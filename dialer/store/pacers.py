"""What pacers have learnt, so that a restart does not begin with guesses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from dialer.store.agent_tables import PacerRow

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from dialer.store.database import Database

pacer = PacerRow.__table__  # type: ignore[attr-defined] # SQLModel does not declare it


class Pacers:
    """The memory of each pool's pacer, under the name of its first campaign."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, name: str, learnt: Mapping[str, Any], now: datetime) -> None:
        """Keep what was learnt, in place of what was kept before."""
        row = {"campaign": name, "saved_at": now, "learnt": dict(learnt)}
        statement = (sqlite if self._database.is_sqlite else postgresql).insert(pacer).values(row)
        new = {"saved_at": now, "learnt": statement.excluded.learnt}
        with self._database.write() as connection:
            connection.execute(statement.on_conflict_do_update(index_elements=[pacer.c.campaign], set_=new))

    def learnt(self, name: str) -> Mapping[str, Any]:
        """What was kept; empty when nothing was."""
        query = select(pacer.c.learnt).where(pacer.c.campaign == name)
        with self._database.read() as connection:
            return connection.scalar(query) or {}
