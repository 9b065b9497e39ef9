"""The tables about agents: who they are, where they stand, whom they are set aside for, who is signed in."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - SQLModel reads the fields' types
from typing import Any

from sqlalchemy import JSON, Index, text
from sqlmodel import Field, SQLModel

from dialer.store.tables import BigKey, Instant

STANDING = text("state <> 'over'")
"""Reservations that hold their agent."""


class AgentRow(SQLModel, table=True):
    """Somebody who works here, with what they sign in with."""

    __tablename__ = "agent"

    id: int | None = Field(default=None, primary_key=True, sa_type=BigKey)
    staff_number: str = Field(unique=True)
    name: str
    role: str
    address: str = ""
    languages: list[str] = Field(default_factory=list, sa_type=JSON)
    skills: list[str] = Field(default_factory=list, sa_type=JSON)
    teams: list[str] = Field(default_factory=list, sa_type=JSON)
    capacity: int = 1
    active: bool = True
    password: str = ""  # argon2; empty: cannot sign in
    must_change: bool = False  # somebody else knows the password
    screen_language: str = ""  # of the console: en, zh-CN; empty: as the browser asks
    created_at: datetime = Field(sa_type=Instant)
    changed_at: datetime = Field(sa_type=Instant)


class PresenceRow(SQLModel, table=True):
    """Where an agent stands, and their telephone."""

    __tablename__ = "presence"

    agent_id: int = Field(primary_key=True, foreign_key="agent.id", sa_type=BigKey)
    state: str = "offline"
    reason: str = ""
    since: datetime = Field(sa_type=Instant)
    afterwards: str | None = None
    wanted: str = ""
    idle_since: datetime | None = Field(default=None, sa_type=Instant)  # since the last customer
    seen_at: datetime | None = Field(default=None, sa_type=Instant)  # the last sign of life of their screen
    leg: str = "none"  # none, calling, parked
    leg_token: str = Field(default="", index=True)  # of this parking; also the name of its conference
    leg_call_id: str = ""
    leg_since: datetime | None = Field(default=None, sa_type=Instant)
    leg_tries: int = 0  # calls to the telephone in a row that did not get through


class AgentMoveRow(SQLModel, table=True):
    """Every change of where an agent stands. Append-only."""

    __tablename__ = "agent_move"
    __table_args__ = (Index("agent_move_by_time", "agent_id", "at"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=BigKey)
    agent_id: int = Field(foreign_key="agent.id", sa_type=BigKey)
    move: str
    before: str
    after: str
    reason: str = ""
    at: datetime = Field(sa_type=Instant)
    by: str = ""  # a staff number when a person did it; empty when the program did
    attempt: str = ""


class ReservationRow(SQLModel, table=True):
    """One agent set aside for one attempt. The fences: one at a time for each agent, one for each attempt."""

    __tablename__ = "reservation"
    __table_args__ = (
        Index("reservation_agent", "agent_id", unique=True, postgresql_where=STANDING, sqlite_where=STANDING),
        Index("reservation_attempt", "attempt", unique=True, postgresql_where=STANDING, sqlite_where=STANDING),
        Index("reservation_of_agent", "agent_id", "made_at"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigKey)
    agent_id: int = Field(foreign_key="agent.id", sa_type=BigKey)
    attempt: str
    campaign: str
    state: str  # preview, held, connected, over
    made_at: datetime = Field(sa_type=Instant)
    lease_until: datetime = Field(sa_type=Instant)
    connected_at: datetime | None = Field(default=None, sa_type=Instant)
    over_at: datetime | None = Field(default=None, sa_type=Instant)
    why: str = ""  # why it is over


class SessionRow(SQLModel, table=True):
    """Somebody who is signed in to the console. Only a hash of what the browser holds is kept."""

    __tablename__ = "web_session"

    digest: str = Field(primary_key=True)
    agent_id: int = Field(foreign_key="agent.id", index=True, sa_type=BigKey)
    csrf: str
    made_at: datetime = Field(sa_type=Instant)
    seen_at: datetime = Field(sa_type=Instant)
    ends_at: datetime = Field(sa_type=Instant)
    revoked_at: datetime | None = Field(default=None, sa_type=Instant)
    revoked_by: str = ""


class SignInRow(SQLModel, table=True):
    """A try to sign in, so that guessing is slow."""

    __tablename__ = "sign_in"
    __table_args__ = (Index("sign_in_by_name", "staff_number", "at"), Index("sign_in_by_place", "place", "at"))

    id: int | None = Field(default=None, primary_key=True, sa_type=BigKey)
    staff_number: str
    place: str  # the network address it came from
    at: datetime = Field(sa_type=Instant)
    worked: bool


class AuditRow(SQLModel, table=True):
    """What a person changed or was shown. Append-only."""

    __tablename__ = "audit"
    __table_args__ = (Index("audit_by_time", "at"), Index("audit_by_person", "by", "at"))

    id: int | None = Field(default=None, primary_key=True, sa_type=BigKey)
    at: datetime = Field(sa_type=Instant)
    by: str  # a staff number, or the name of an account of the machine
    action: str
    subject: str = ""
    detail: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    place: str = ""


class PacerRow(SQLModel, table=True):
    """What the pacer of a group of campaigns has learnt, and what it last decided and why."""

    __tablename__ = "pacer"

    campaign: str = Field(primary_key=True)
    saved_at: datetime = Field(sa_type=Instant)
    learnt: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)


class LeaseRow(SQLModel, table=True):
    """Which process does what only one may do."""

    __tablename__ = "lease"

    name: str = Field(primary_key=True)
    owner: str
    until_at: datetime = Field(sa_type=Instant)
