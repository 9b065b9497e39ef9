"""Tries to sign in, so that guessing is slow: counted here and not in memory, for a restart must not forgive them."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, insert, select, update

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
"""Failures after which a staff number waits at the network address they came from, so that a stranger elsewhere locks
nobody out. A success there in between begins anew."""

FOR_A_NAME_ANYWHERE = 50
"""Failures after which a staff number waits wherever it is tried: many addresses together guess slowly as well."""

FOR_A_PLACE = 60
"""Failures after which a network address waits, whatever names it tries. A whole office may share one."""

KEPT = timedelta(days=30)
"""How long tries are kept, for whoever looks into them."""

_PRUNED_AT_ONCE = 1000
"""Tries that are looked at for their age when one works; the oldest have the lowest keys, so none needs a search."""


class SignIns:
    """The tries."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, staff_number: str, place: str, now: datetime) -> int | None:
        """Write down a try as failed until `worked` says otherwise; None when it has to wait.

        Until then it counts, or a hundred guesses at one moment would all pass: begin when the password can be looked
        at, not before. A try that waits is not counted, so that nobody is locked out longer than their failures last.
        """
        with self._database.write() as connection:
            name = _name(connection, staff_number)
            since = now - WITHIN
            of_name, of_place = sign_in.c.staff_number == name, sign_in.c.place == place
            worked = of_name & of_place & (sign_in.c.at > since) & sign_in.c.worked
            last = select(func.max(sign_in.c.id)).where(worked).scalar_subquery()
            limits = (
                (of_name & of_place & (sign_in.c.id > func.coalesce(last, 0)), FOR_A_NAME),
                (of_name, FOR_A_NAME_ANYWHERE),
                (of_place, FOR_A_PLACE),
            )
            if any(_failures(connection, whose, since) >= most for whose, most in limits):
                return None
            values = {"staff_number": name, "place": place, "at": now, "worked": False}
            made = connection.execute(insert(sign_in).values(values))
            return int(made.inserted_primary_key[0])  # type: ignore[index] # one row was inserted

    def worked(self, key: int, now: datetime) -> None:
        """The try that `begin` wrote down was the right person. Tries that are no longer kept go at this occasion."""
        oldest = select(sign_in.c.id).order_by(sign_in.c.id).limit(_PRUNED_AT_ONCE)
        over = sign_in.c.id.in_(oldest) & (sign_in.c.at < now - KEPT)
        with self._database.write() as connection:
            connection.execute(update(sign_in).where(sign_in.c.id == key).values(worked=True))
            connection.execute(delete(sign_in).where(over))


def _failures(connection: Connection, of: ColumnElement[bool], since: datetime) -> int:
    failed = (sign_in.c.at > since) & ~sign_in.c.worked
    return connection.scalar(select(func.count()).select_from(sign_in).where(of, failed)) or 0


def _name(connection: Connection, typed: str) -> str:
    """A staff number as it is. Anything else only as a digest: people type passwords into the wrong field."""
    if connection.scalar(select(agent.c.id).where(agent.c.staff_number == typed)) is not None:
        return typed
    return "?" + hashlib.sha256(typed.encode()).hexdigest()[:16]
