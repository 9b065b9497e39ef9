"""Tries to sign in, so that guessing is slow: counted here and not in memory, for a restart must not forgive them.

They count for a staff number and for the network they come from. A number that signed in from a network lately is known
there: what strangers type does not keep it out, neither elsewhere nor under other names.
"""

from __future__ import annotations

import hashlib
import ipaddress
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, exists, func, insert, literal, select, update

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
"""Failures after which a staff number waits at the network they came from, so that a stranger elsewhere locks nobody
out. A success there in between begins anew."""

FOR_A_NAME_ANYWHERE = 50
"""Failures after which a staff number waits wherever it is not known: many networks together guess slowly as well."""

FOR_A_PLACE = 60
"""Failures after which a network waits, whatever names it tries. A whole office may share one; the numbers that are
known there wait when so many failures were theirs."""

KEPT = timedelta(days=30)
"""How long tries are kept, for whoever looks into them, and how long a number is known where it signed in."""

_OF_ONE_CUSTOMER = 64
"""Bits by which IPv6 addresses of one place begin alike: providers give each customer at least that many addresses."""

_PRUNED_AT_ONCE = 1000
"""Tries that are looked at for their age when one works; the oldest have the lowest keys, so none needs a search."""


def network_of(address: str) -> str:
    """What counts as one place: an IPv4 address, or all IPv6 addresses of one customer. Anything else is as it is."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(parsed), _OF_ONE_CUSTOMER), strict=False))


class SignIns:
    """The tries."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, staff_number: str, address: str, now: datetime) -> int | None:
        """Write down a try from a network address as failed until `worked` says otherwise; None when it has to wait.

        Until then it counts, or a hundred guesses at one moment would all pass: begin when the password can be looked
        at, not before. A try that waits is not counted, so that nobody is locked out longer than their failures last.
        """
        place = network_of(address)
        with self._database.write() as connection:
            name = _name(connection, staff_number)
            if _must_wait(connection, name, place, now):
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


def _must_wait(connection: Connection, name: str, place: str, now: datetime) -> bool:
    since = now - WITHIN
    of_name, here = sign_in.c.staff_number == name, sign_in.c.place == place
    last = select(func.max(sign_in.c.id)).where(of_name & here & (sign_in.c.at > since) & sign_in.c.worked)
    since_then = sign_in.c.id > func.coalesce(last.scalar_subquery(), 0)
    if _failures(connection, of_name & here & since_then, since) >= FOR_A_NAME:
        return True
    if connection.scalar(select(_known(literal(name), place, now))):
        return _failures(connection, here & _known(sign_in.c.staff_number, place, now), since) >= FOR_A_PLACE
    return (
        _failures(connection, of_name, since) >= FOR_A_NAME_ANYWHERE
        or _failures(connection, here, since) >= FOR_A_PLACE
    )


def _known(name: ColumnElement[str], place: str, now: datetime) -> ColumnElement[bool]:
    """Whether somebody of this number signed in from this place lately."""
    theirs = sign_in.alias()
    lately = (theirs.c.place == place) & (theirs.c.at > now - KEPT) & theirs.c.worked
    return exists(select(theirs.c.id).where(theirs.c.staff_number == name, lately))


def _failures(connection: Connection, of: ColumnElement[bool], since: datetime) -> int:
    failed = (sign_in.c.at > since) & ~sign_in.c.worked
    return connection.scalar(select(func.count()).select_from(sign_in).where(of, failed)) or 0


def _name(connection: Connection, typed: str) -> str:
    """A staff number as it is. Anything else only as a digest: people type passwords into the wrong field."""
    if connection.scalar(select(agent.c.id).where(agent.c.staff_number == typed)) is not None:
        return typed
    return "?" + hashlib.sha256(typed.encode()).hexdigest()[:16]
