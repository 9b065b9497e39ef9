"""The trail of what people changed and were shown. Rows are added and never touched again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select

from dialer.store.agent_tables import AuditRow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from dialer.store.database import Database

audit = AuditRow.__table__  # type: ignore[attr-defined] # SQLModel does not declare it


@dataclass(frozen=True, slots=True)
class Deed:
    """What somebody did. `detail` never holds a whole phone number, a password or a customer's words."""

    by: str  # a staff number, or `cli:` and an account of the machine
    action: str  # noun and verb: campaign.pause, person.add, number.show
    subject: str = ""  # what it was done to: a campaign, a staff number, a customer's reference
    detail: Mapping[str, Any] = field(default_factory=dict)
    place: str = ""  # the network address it came from


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the trail."""

    id: int
    at: datetime
    deed: Deed


def write(connection: Connection, deed: Deed, at: datetime) -> None:
    """Add to the trail within the transaction that makes the change: both are kept, or none."""
    values = {"by": deed.by, "action": deed.action, "subject": deed.subject, "place": deed.place}
    connection.execute(insert(audit).values(values | {"at": at, "detail": dict(deed.detail)}))


class AuditTrail:
    """The trail."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, deed: Deed, at: datetime) -> None:
        """Write down what somebody did."""
        with self._database.write() as connection:
            write(connection, deed, at)

    def latest(
        self,
        limit: int = 100,
        *,
        by: str = "",
        action: str = "",
        subject: str = "",
        since: datetime | None = None,
        before: int | None = None,
    ) -> Sequence[Entry]:
        """The newest entries first. `action` may be its noun alone; `before` is the last id of the page above."""
        query = select(audit).order_by(audit.c.id.desc()).limit(limit)
        if by:
            query = query.where(audit.c.by == by)
        if action:
            query = query.where((audit.c.action == action) | audit.c.action.startswith(f"{action}.", autoescape=True))
        if subject:
            query = query.where(audit.c.subject == subject)
        if since is not None:
            query = query.where(audit.c.at >= since)
        if before is not None:
            query = query.where(audit.c.id < before)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return [Entry(r.id, r.at, Deed(r.by, r.action, r.subject, r.detail, r.place)) for r in rows]
