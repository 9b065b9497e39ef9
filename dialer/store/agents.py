"""The people who work here: who they are and what they sign in with. Where each stands is kept beside it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from dialer.core.agent import Agent, AgentState, Role
from dialer.errors import InputError, NotFoundError, Problem
from dialer.store import audit_trail, sessions
from dialer.store.agent_tables import AgentRow, PresenceRow

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from dialer.store.audit_trail import Deed
    from dialer.store.database import Database

agent_table = AgentRow.__table__  # type: ignore[attr-defined] # SQLModel does not declare it
presence = PresenceRow.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Member:
    """An agent with the store's key and what they sign in with."""

    id: int
    agent: Agent
    password: str = field(default="", repr=False)  # argon2; empty: cannot sign in
    must_change: bool = False  # somebody else knows the password
    screen_language: str = ""  # of the console; empty: as the browser asks


class LastManagerError(InputError):
    """Nobody would be left who can add people."""


def member_of(row: Row[Any]) -> Member:
    """A row of the table as a value."""
    return Member(row.id, _agent_of(row), row.password, row.must_change, row.screen_language)


class Agents:
    """The people. Every change writes its line of the audit trail in the same transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, agent: Agent, now: datetime, deed: Deed, *, password: str = "", must_change: bool = False) -> Member:
        """Add somebody, standing offline; `password` is its hash.

        Raises:
            InputError: the staff number belongs to somebody, perhaps to one who left; numbers are never given twice.
        """
        with self._database.write() as connection:
            taken = select(agent_table.c.id).where(agent_table.c.staff_number == agent.staff_number)
            if connection.scalar(taken) is not None:
                mend = "staff numbers are never given twice; choose another, or change that person"
                raise InputError([Problem("staff_number", f"{agent.staff_number} is taken", mend)])
            secret = {"password": password, "must_change": must_change}
            values = _values(agent) | secret | {"screen_language": "", "created_at": now, "changed_at": now}
            made = connection.execute(insert(agent_table).values(values | {"staff_number": agent.staff_number}))
            key = int(made.inserted_primary_key[0])  # type: ignore[index] # one row was inserted
            offline = {"agent_id": key, "state": AgentState.OFFLINE.value, "since": now, "reason": "", "wanted": ""}
            connection.execute(
                insert(presence).values(offline | {"leg": "none", "leg_token": "", "leg_call_id": "", "leg_tries": 0})
            )
            audit_trail.write(connection, deed, now)
        return Member(key, agent, password, must_change)

    def change(self, agent: Agent, now: datetime, deed: Deed, *, before: Agent | None = None) -> None:
        """Replace what is known of the person with this staff number. Who is made inactive is signed out.

        With `before`, who they were when somebody looked, only what differs from it is written: what others changed
        since then stays.

        Raises:
            NotFoundError: there is no such person.
            LastManagerError: nobody would be left who can add people.
        """
        with self._database.write() as connection:
            key = _key(connection, agent.staff_number)
            values = _values(agent) if before is None else _difference(_values(before), _values(agent))
            if not values.get("active", True) or values.get("role", Role.MANAGER) != Role.MANAGER:
                _keep_a_manager(connection, key)
            connection.execute(_of(key).values(values | {"changed_at": now}))
            if not values.get("active", True):
                sessions.revoke_all(connection, key, deed.by, now)
            audit_trail.write(connection, deed, now)

    def set_password(
        self,
        staff_number: str,
        password: str,
        now: datetime,
        deed: Deed,
        *,
        must_change: bool,
        keep: str = "",
        before: str | None = None,
    ) -> bool:
        """Keep another hash; all sessions but the one with the digest `keep` are over.

        With `before`, the hash that was found right, only while it is still theirs: False when it no longer is.
        """
        with self._database.write() as connection:
            key = _key(connection, staff_number)
            values = {"password": password, "must_change": must_change, "changed_at": now}
            whose = _of(key) if before is None else _of(key).where(agent_table.c.password == before)
            if not connection.execute(whose.values(values)).rowcount:
                return False
            sessions.revoke_all(connection, key, deed.by, now, keep=keep)
            audit_trail.write(connection, deed, now)
        return True

    def renew_hash(self, key: int, before: str, after: str) -> None:
        """The same password hashed with newer parameters; nothing happens if it was changed meanwhile."""
        with self._database.write() as connection:
            connection.execute(_of(key).where(agent_table.c.password == before).values(password=after))

    def set_language(self, staff_number: str, language: str, now: datetime, deed: Deed) -> None:
        """The language of their console; empty: as the browser asks."""
        with self._database.write() as connection:
            key = _key(connection, staff_number)
            connection.execute(_of(key).values(screen_language=language, changed_at=now))
            audit_trail.write(connection, deed, now)

    def get(self, staff_number: str) -> Member | None:
        """The person with this staff number, also when they have left."""
        with self._database.read() as connection:
            found = select(agent_table).where(agent_table.c.staff_number == staff_number)
            row = connection.execute(found).one_or_none()
        return member_of(row) if row is not None else None

    def by_id(self, key: int) -> Member | None:
        """The person with the store's key."""
        with self._database.read() as connection:
            row = connection.execute(select(agent_table).where(agent_table.c.id == key)).one_or_none()
        return member_of(row) if row is not None else None

    def all(self, *, active: bool | None = True, role: Role | None = None) -> Sequence[Member]:
        """Everybody by staff number; `active` None means those who left as well."""
        query = select(agent_table).order_by(agent_table.c.staff_number)
        if active is not None:
            query = query.where(agent_table.c.active == active)
        if role is not None:
            query = query.where(agent_table.c.role == role.value)
        with self._database.read() as connection:
            return [member_of(row) for row in connection.execute(query)]


def _of(key: int) -> Any:
    return update(agent_table).where(agent_table.c.id == key)


def _key(connection: Connection, staff_number: str) -> int:
    key = connection.scalar(select(agent_table.c.id).where(agent_table.c.staff_number == staff_number))
    if key is None:
        raise NotFoundError([Problem("staff_number", f"nobody has {staff_number}", "`dialer agents list` names all")])
    return int(key)


def _keep_a_manager(connection: Connection, key: int) -> None:
    """Refuse when `key` is the only active manager. The rows are locked: two managers may demote each other."""
    manager = (agent_table.c.role == Role.MANAGER.value) & agent_table.c.active
    keys = select(agent_table.c.id).where(manager).order_by(agent_table.c.id).with_for_update()
    if list(connection.scalars(keys)) == [key]:
        what = "this is the last active manager"
        raise LastManagerError([Problem("role", what, "make somebody else a manager first")])


def _values(agent: Agent) -> dict[str, Any]:
    return {
        "name": agent.name,
        "role": agent.role.value,
        "address": agent.address,
        "languages": list(agent.languages),
        "skills": sorted(agent.skills),
        "teams": sorted(agent.teams),
        "capacity": agent.capacity,
        "active": agent.active,
    }


def _difference(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in after.items() if value != before[name]}


def _agent_of(row: Row[Any]) -> Agent:
    return Agent(
        staff_number=row.staff_number,
        name=row.name,
        role=Role(row.role),
        address=row.address,
        languages=tuple(row.languages),
        skills=frozenset(row.skills),
        teams=frozenset(row.teams),
        capacity=row.capacity,
        active=row.active,
    )
