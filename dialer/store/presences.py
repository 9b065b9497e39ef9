"""Where agents stand and whether their telephones are on the line; every change goes through core's one table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from dialer.core.agent import Agent, AgentState, Move, Presence, Role, move
from dialer.store.agent_tables import AgentMoveRow, AgentRow, PresenceRow

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from dialer.store.database import Database

agent = AgentRow.__table__  # type: ignore[attr-defined] # SQLModel does not declare it
agent_move = AgentMoveRow.__table__  # type: ignore[attr-defined]
presence = PresenceRow.__table__  # type: ignore[attr-defined]

NO_LEG, CALLING, PARKED = "none", "calling", "parked"
"""The telephone of an agent: not on the line, being called, in a conference of its own."""

GONE: dict[str, Any] = {"leg": NO_LEG, "leg_token": "", "leg_call_id": "", "leg_since": None}
COLUMNS = (
    *(column.label(f"agent_{column.name}") for column in agent.c if column.name != "password"),
    *(column for column in presence.c if column.name != "agent_id"),
)


@dataclass(frozen=True, slots=True)
class Seat:
    """An agent, where they stand, and their telephone."""

    key: int
    agent: Agent
    presence: Presence
    leg: str
    leg_token: str
    leg_call_id: str
    leg_since: datetime | None
    leg_tries: int
    idle_since: datetime | None
    seen_at: datetime | None

    @property
    def is_free(self) -> bool:
        """Whether a customer can be put to them this moment."""
        return self.presence.state is AgentState.READY and self.leg == PARKED

    @property
    def names(self) -> tuple[str, ...]:
        """How customer files may name them."""
        return (self.agent.staff_number, self.agent.name)


class Presences:
    """All agents on the floor."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> Sequence[Seat]:
        """Everybody who works here, signed in or not, in the order of staff numbers."""
        query = _seats().where(agent.c.active | (presence.c.state != AgentState.OFFLINE.value))
        with self._database.read() as connection:
            return [seat_of(row) for row in connection.execute(query.order_by(agent.c.staff_number))]

    def get(self, staff_number: str) -> Seat | None:
        """One agent; None when there is no such staff number."""
        with self._database.read() as connection:
            row = connection.execute(_seats().where(agent.c.staff_number == staff_number)).one_or_none()
        return None if row is None else seat_of(row)

    def of_leg(self, leg_token: str) -> Seat | None:
        """Whose telephone is on this leg; None when it is nobody's any more."""
        with self._database.read() as connection:
            row = connection.execute(_seats().where(presence.c.leg_token == leg_token)).one_or_none()
        return None if row is None else seat_of(row)

    def move(self, staff_number: str, what: Move, now: datetime, *, reason: str = "", by: str = "") -> Presence | None:
        """Let something happen to an agent; where they stand then, None when it changed nothing."""
        with self._database.write() as connection:
            key = connection.scalar(select(agent.c.id).where(agent.c.staff_number == staff_number))
            return None if key is None else shift(connection, key, what, now, reason=reason, by=by)

    def seen(self, staff_numbers: Collection[str], now: datetime) -> None:
        """The screens of these agents gave a sign of life. Whom another one moves this moment is left out."""
        keys = select(agent.c.id).where(agent.c.staff_number.in_(staff_numbers))
        mine = select(presence.c.agent_id).where(presence.c.agent_id.in_(keys)).order_by(presence.c.agent_id)
        free = mine.with_for_update(skip_locked=True)
        with self._database.write() as connection:
            connection.execute(update(presence).where(presence.c.agent_id.in_(free)).values(seen_at=now))

    def leg_called(self, key: int, leg_token: str, now: datetime) -> bool:
        """The agent's telephone is being called; `leg_token` names this leg and its conference. False: by another."""
        values = {"leg": CALLING, "leg_token": leg_token, "leg_call_id": "", "leg_since": now}
        idle = (presence.c.agent_id == key) & (presence.c.leg == NO_LEG)
        with self._database.write() as connection:
            return bool(connection.execute(update(presence).where(idle).values(values)).rowcount)

    def leg_placed(self, leg_token: str, carrier_call_id: str) -> bool:
        """The carrier has the call to the telephone; False when the leg is nobody's any more."""
        return self._leg(leg_token, {"leg_call_id": carrier_call_id})

    def leg_parked(self, leg_token: str, carrier_call_id: str, now: datetime) -> bool:
        """The telephone was picked up and waits in its conference; False when the leg is nobody's any more."""
        parked = {"leg": PARKED, "leg_call_id": carrier_call_id, "leg_since": now, "leg_tries": 0}
        return self._leg(leg_token, parked)

    def leg_gone(self, leg_token: str) -> bool:
        """The telephone is off the line; False when the leg was nobody's already."""
        return self._leg(leg_token, GONE | {"leg_tries": presence.c.leg_tries + 1})

    def leg_failed(self, leg_token: str) -> bool:
        """The call to the telephone came to nothing; False when it was picked up meanwhile."""
        return self._leg(leg_token, GONE | {"leg_tries": presence.c.leg_tries + 1}, presence.c.leg == CALLING)

    def leg_let_go(self, leg_token: str) -> bool:
        """The telephone may go off the line; False when its agent has a customer by now."""
        idle = presence.c.state.in_([AgentState.OFFLINE.value, AgentState.PAUSED.value, AgentState.READY.value])
        return self._leg(leg_token, GONE | {"leg_tries": 0}, idle)

    def tries_forgotten(self, key: int) -> None:
        """The next call to the telephone is the first again."""
        with self._database.write() as connection:
            connection.execute(update(presence).where(presence.c.agent_id == key).values(leg_tries=0))

    def _leg(self, leg_token: str, values: dict[str, Any], *only: Any) -> bool:
        mine = update(presence).where(presence.c.leg_token == leg_token, presence.c.leg_token != "", *only)
        with self._database.write() as connection:
            return bool(connection.execute(mine.values(values)).rowcount)


def _seats() -> Any:
    return select(*COLUMNS).join(presence, presence.c.agent_id == agent.c.id)


def free_seats(connection: Connection) -> list[Seat]:
    """Who can be given a customer this moment, locked for this transaction; whom another one holds is left out."""
    free = (presence.c.state == AgentState.READY.value) & (presence.c.leg == PARKED) & agent.c.active
    query = _seats().where(free).order_by(presence.c.idle_since, agent.c.id)
    return [seat_of(row) for row in connection.execute(query.with_for_update(of=presence, skip_locked=True))]


def lock(connection: Connection, keys: Collection[int]) -> None:
    """Let nobody else move these agents until this transaction ends.

    Always in the order of keys, so that no two wait for each other.
    """
    if keys:
        mine = select(presence.c.agent_id).where(presence.c.agent_id.in_(keys)).order_by(presence.c.agent_id)
        connection.execute(mine.with_for_update()).all()


def locked_seat(connection: Connection, key: int) -> Seat:
    """One agent, with nobody else at them until this transaction ends."""
    return seat_of(connection.execute(_seats().where(agent.c.id == key).with_for_update(of=presence)).one())


def shift(
    connection: Connection,
    key: int,
    what: Move,
    now: datetime,
    *,
    reason: str = "",
    by: str = "",
    attempt: str = "",
    had_turn: bool = False,
) -> Presence | None:
    """Let something happen to an agent, and keep that it did; None when it changed nothing.

    Who was set aside in vain is as long idle as before. Who gave back what they were offered `had_turn`: others are
    next, and may be offered the same.
    """
    mine = presence.c.agent_id == key
    row = connection.execute(select(presence).where(mine).with_for_update()).one()
    before = _presence(row)
    after = move(before, what, now, reason)
    if after is None:
        return None
    values: dict[str, Any] = {
        "state": after.state.value,
        "reason": after.reason,
        "since": after.since,
        "afterwards": after.afterwards.value if after.afterwards else None,
        "wanted": after.wanted,
    }
    if after.state is AgentState.READY and (had_turn or what is not Move.RELEASE):
        values["idle_since"] = now
    connection.execute(update(presence).where(mine).values(values))
    told = {"agent_id": key, "move": what.value, "before": before.state.value, "after": after.state.value}
    connection.execute(insert(agent_move).values(told | {"reason": reason, "at": now, "by": by, "attempt": attempt}))
    return after


def seat_of(row: Row[Any]) -> Seat:
    """An agent and their presence out of one row."""
    person = Agent(
        staff_number=row.agent_staff_number,
        name=row.agent_name,
        role=Role(row.agent_role),
        address=row.agent_address,
        languages=tuple(row.agent_languages),
        skills=frozenset(row.agent_skills),
        teams=frozenset(row.agent_teams),
        capacity=row.agent_capacity,
        active=row.agent_active,
    )
    leg = (row.leg, row.leg_token, row.leg_call_id, row.leg_since, row.leg_tries)
    return Seat(row.agent_id, person, _presence(row), *leg, row.idle_since, row.seen_at)


def _presence(row: Row[Any]) -> Presence:
    afterwards = AgentState(row.afterwards) if row.afterwards else None
    return Presence(AgentState(row.state), row.since, row.reason, afterwards, row.wanted)
