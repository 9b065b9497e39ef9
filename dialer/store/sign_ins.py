"""Tries to sign in, so that guessing is slow: counted here and not in memory, for a restart must not forgive them."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, insert, select, update

from dialer.store.agent_tables import AgentRow, SignInRow

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection

    from dialer.store.database import Database

sign_in = SignInRow.__table__  # type: ignore[attr-defined] # SQLModel does not declare it
agent = AgentRow.__table__  # type: ignore[attr-defined]

WITHIN = timedelta(minutes=15)
"""How far back failures count."""

FOR_A_NAME = 5
"""Failures after which a staff number waits. A success in between begins anew."""

FOR_A_PLACE = 60
"""Failures after which a network address waits, whatever names it tries. A whole office may share one."""


class SignIns:
    """The tries."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, staff_number: str, place: str, now: datetime) -> int | None:
        """Write down a try as failed until `worked` says otherwise; None when it has to wait.

        A try that waits is not counted, so that nobody is locked out longer than their failures last.
        """
        with self._database.write() as connection:
            name = _name(connection, staff_number)
            since = now - WITHIN
            last = select(func.max(sign_in.c.id)).where(sign_in.c.staff_number == name, sign_in.c.worked)
            newer = sign_in.c.id > func.coalesce(last.scalar_subquery(), 0)
            of_name = _failures(connection, (sign_in.c.staff_number == name) & newer, since)
            of_place = _failures(connection, sign_in.c.place == place, since)
            if of_name >= FOR_A_NAME or of_place >= FOR_A_PLACE:
                return None
            values = {"staff_number": name, "place": place, "at": now, "worked": False}
            made = connection.execute(insert(sign_in).values(values))
            return int(made.inserted_primary_key[0])  # type: ignore[index] # one row was inserted

    def worked(self, key: int) -> None:
        """The try that `begin` wrote down was the right person."""
        with self._database.write() as connection:
            connection.execute(update(sign_in).where(sign_in.c.id == key).values(worked=True))


def _failures(connection: Connection, of: ColumnElement[bool], since: datetime) -> int:
    failed = (sign_in.c.at > since) & ~sign_in.c.worked
    return connection.scalar(select(func.count()).select_from(sign_in).where(of, failed)) or 0


def _name(connection: Connection, typed: str) -> str:
    """A staff number as it is. Anything else only as a digest: people type passwords into the wrong field."""
    if connection.scalar(select(agent.c.id).where(agent.c.staff_number == typed)) is not None:
        return typed
    return "?" + hashlib.sha256(typed.encode()).hexdigest()[:16]
