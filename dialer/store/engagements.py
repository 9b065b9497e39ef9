"""Who is set aside, who talks and who writes at this moment, as whoever minds the floor sees them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from dialer.core.agent import AgentState
from dialer.core.lifecycle import AttemptState
from dialer.store.agent_tables import AgentRow, PresenceRow, ReservationRow
from dialer.store.reservations import OVER
from dialer.store.tables import AttemptRow

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from dialer.store.database import Database

agent = AgentRow.__table__  # type: ignore[attr-defined] # SQLModel does not declare it
attempt = AttemptRow.__table__  # type: ignore[attr-defined]
presence = PresenceRow.__table__  # type: ignore[attr-defined]
reservation = ReservationRow.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Standing:
    """A reservation that holds its agent, with its attempt."""

    staff_number: str
    agent_id: int
    state: str
    token: str
    campaign: str
    made_at: datetime
    lease_until: datetime
    connected_at: datetime | None
    leg_token: str
    leg: str
    attempt_state: AttemptState
    attempt_lease: datetime
    waited_at: datetime | None
    carrier_call_id: str


@dataclass(frozen=True, slots=True)
class Wrapping:
    """An agent who is finishing a record, or a record that nobody finishes."""

    staff_number: str
    token: str
    campaign: str
    version: str
    since: datetime


class Engagements:
    """What agents are engaged in. Nothing here changes anything."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def standing(self) -> Sequence[Standing]:
        """Everybody who is set aside, or talks."""
        query = (
            select(
                reservation,
                agent.c.staff_number,
                presence.c.leg_token,
                presence.c.leg,
                attempt.c.state.label("attempt_state"),
                attempt.c.lease_until.label("attempt_lease"),
                attempt.c.waited_at,
                attempt.c.carrier_call_id,
            )
            .join(agent, agent.c.id == reservation.c.agent_id)
            .join(presence, presence.c.agent_id == reservation.c.agent_id)
            .join(attempt, attempt.c.token == reservation.c.attempt)
            .where(reservation.c.state != OVER)
        )
        with self._database.read() as connection:
            return [_standing_of(row) for row in connection.execute(query)]

    def latest(self, agent_id: int) -> tuple[str, str] | None:
        """The attempt this agent was last set aside for, and how that stands; None when there was none."""
        query = select(reservation.c.attempt, reservation.c.state).where(reservation.c.agent_id == agent_id)
        with self._database.read() as connection:
            row = connection.execute(query.order_by(reservation.c.id.desc()).limit(1)).one_or_none()
        return None if row is None else (row.attempt, row.state)

    def wrapping(self) -> Sequence[Wrapping]:
        """Everybody who is finishing a record, each with the call it is about."""
        latest = (
            select(reservation.c.attempt)
            .where(reservation.c.agent_id == presence.c.agent_id)
            .order_by(reservation.c.id.desc())
            .limit(1)
            .correlate(presence)
            .scalar_subquery()
        )
        columns = (agent.c.staff_number, presence.c.since, attempt.c.token, attempt.c.campaign)
        query = (
            select(*columns, attempt.c.campaign_version)
            .join(presence, presence.c.agent_id == agent.c.id)
            .outerjoin(attempt, attempt.c.token == latest)
            .where(presence.c.state == AgentState.WRAP_UP.value)
        )
        with self._database.read() as connection:
            return [Wrapping(*_wrapping(row), row.since) for row in connection.execute(query)]

    def unfinished(self, until: datetime) -> Sequence[Wrapping]:
        """Conversations that were over before `until` and whose record nobody has finished."""
        talked = attempt.c.connected_at.is_not(None) & attempt.c.wrapped_at.is_(None)
        mine = ~attempt.c.is_open & (attempt.c.ended_at < until)
        with self._database.read() as connection:
            return [
                Wrapping(row.agent, row.token, row.campaign, row.campaign_version, row.ended_at)
                for row in connection.execute(select(attempt).where(talked, mine).limit(200))
            ]

    def strays(self) -> Sequence[tuple[str, str]]:
        """Agents who are said to be set aside or to talk, and nothing stands for it: staff number and state."""
        held = select(reservation.c.id).where(
            reservation.c.agent_id == presence.c.agent_id, reservation.c.state != OVER
        )
        lost = presence.c.state.in_([AgentState.RESERVED.value, AgentState.ON_CALL.value]) & ~held.exists()
        query = select(agent.c.staff_number, presence.c.state).join(presence, presence.c.agent_id == agent.c.id)
        with self._database.read() as connection:
            return [(row.staff_number, row.state) for row in connection.execute(query.where(lost))]


def _standing_of(row: Any) -> Standing:
    return Standing(
        staff_number=row.staff_number,
        agent_id=row.agent_id,
        state=row.state,
        token=row.attempt,
        campaign=row.campaign,
        made_at=row.made_at,
        lease_until=row.lease_until,
        connected_at=row.connected_at,
        leg_token=row.leg_token,
        leg=row.leg,
        attempt_state=AttemptState(row.attempt_state),
        attempt_lease=row.attempt_lease,
        waited_at=row.waited_at,
        carrier_call_id=row.carrier_call_id,
    )


def _wrapping(row: Any) -> tuple[str, str, str, str]:
    return (row.staff_number, row.token or "", row.campaign or "", row.campaign_version or "")
