"""The tables, one per noun. Nothing outside this room sees them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Index, Integer, TypeDecorator, UniqueConstraint, false, text
from sqlmodel import Field, SQLModel


class Instant(TypeDecorator[datetime]):
    """An aware instant, kept in UTC. SQLite has no such type, so there it is naive UTC text that sorts as time."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a naive datetime: nobody could say which instant it means."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs its offset from UTC")
        return value.astimezone(UTC) if dialect.name != "sqlite" else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Always aware and in UTC, whatever the server's own zone is."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


BigKey = BigInteger().with_variant(Integer, "sqlite")
"""SQLite numbers rows by itself only in a column declared INTEGER."""

OPEN_ATTEMPT = text("is_open")
OPEN_ATTEMPT_SQLITE = text("is_open = 1")
"""SQLite uses a partial index only for a query that holds its very words, and SQLAlchemy writes booleans like this."""


EMPTY = {"server_default": text("''")}
NO = {"server_default": false()}
AGENTLESS = {"server_default": text("'agentless'")}
"""Defaults for columns that were added to tables which had rows already."""


class CustomerRow(SQLModel, table=True):
    """The file of a person. `fingerprint` tells an unchanged re-import from an update."""

    __tablename__ = "customer"

    id: int | None = Field(default=None, primary_key=True, sa_type=BigKey)
    reference: str = Field(unique=True)
    name: str
    salutation: str = ""
    language: str = ""
    tier: str = ""
    region: str = ""
    zone: str = ""
    confirmed_zone: str = Field(default="", sa_column_kwargs=EMPTY)  # said by the customer; outlasts every import
    confirmed_by: str = Field(default="", sa_column_kwargs=EMPTY)  # who wrote the zone down, or the call it was said in
    confirmed_at: datetime | None = Field(default=None, sa_type=Instant)
    agent: str = ""
    numbers: list[dict[str, str]] = Field(default_factory=list, sa_type=JSON)
    quiet: list[str] = Field(default_factory=list, sa_type=JSON)
    attributes: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    fingerprint: str
    created_at: datetime = Field(sa_type=Instant)
    changed_at: datetime = Field(sa_type=Instant)


class SuppressionRow(SQLModel, table=True):
    """A word about not being called. Append-only: the last turn of a subject and scope is what holds.

    `subject` is `number:+44...` or `customer:REFERENCE`; `scope` is `everything`, `purpose:sales` or `campaign:ID`.
    Even turns stop the calls, odd ones lift the stop by the customer's own recorded wish.
    """

    __tablename__ = "suppression"

    subject: str = Field(primary_key=True)
    scope: str = Field(primary_key=True)
    turn: int = Field(primary_key=True)
    source: str  # keypad, import, person, api, carrier; of a lift: how the customer said it
    said_at: datetime = Field(sa_type=Instant)
    attempt: str = ""
    by: str = ""  # who wrote it down
    note: str = ""


class CampaignRow(SQLModel, table=True):
    """Run state of a campaign; what it says is in its versions."""

    __tablename__ = "campaign"

    id: str = Field(primary_key=True)
    version: str
    paused: bool = False
    pause_reason: str = ""
    applied_at: datetime = Field(sa_type=Instant)


class CampaignVersionRow(SQLModel, table=True):
    """What a campaign file said, by content."""

    __tablename__ = "campaign_version"

    campaign: str = Field(primary_key=True, foreign_key="campaign.id")
    version: str = Field(primary_key=True)
    document: dict[str, Any] = Field(sa_type=JSON)
    applied_at: datetime = Field(sa_type=Instant)


class CallbackRow(SQLModel, table=True):
    """One customer's place in one campaign, for one occasion."""

    __tablename__ = "callback"
    __table_args__ = (
        UniqueConstraint("campaign", "customer_id", "occasion"),
        Index("callback_of_customer", "customer_id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigKey)
    campaign: str = Field(foreign_key="campaign.id")
    customer_id: int = Field(foreign_key="customer.id", sa_type=BigKey)
    occasion: str
    state: str
    reason: str | None = None
    note: str = ""
    due_at: datetime = Field(sa_type=Instant)
    deadline_at: datetime = Field(sa_type=Instant)
    enrolled_at: datetime = Field(sa_type=Instant)
    closed_at: datetime | None = Field(default=None, sa_type=Instant)
    not_before: datetime | None = Field(default=None, sa_type=Instant)
    slack_seconds: float | None = None  # callable time between enrolment and deadline; None before that was reckoned
    promised: bool = False
    promise_id: int | None = Field(default=None, sa_type=BigKey)  # the open promise, with its proof
    attempts: int = 0
    errors: int = 0
    number_index: int = 0
    bad_numbers: list[str] = Field(default_factory=list, sa_type=JSON)
    last_attempt: str | None = None  # the last one the customer felt
    last_miss_at: datetime | None = Field(default=None, sa_type=Instant)
    reached_at: datetime | None = Field(default=None, sa_type=Instant)
    answers: dict[str, str] = Field(default_factory=dict, sa_type=JSON)  # of all attempts, the latest per question
    agent: str = Field(default="", sa_column_kwargs=EMPTY)  # whose it is, when callbacks are divided; a staff number
    not_agents: list[str] | None = Field(default=None, sa_type=JSON)  # staff numbers; None: there are none
    agent_first: bool = Field(default=False, sa_column_kwargs=NO)  # abandoned before: an agent is set aside first


class QueueRow(SQLModel, table=True):
    """The narrow queue: one row while a callback waits, with the stretch of time in which it may be called.

    `ready` rows are in that stretch and wait for nothing but their turn; the claim reads only them, so customers who
    rest cost nothing however many stand at the head. `turn` moves rows in and out when their instants come.
    """

    __tablename__ = "queue"
    __table_args__ = (
        Index(
            "queue_order",
            "campaign",
            "rank_at",
            "callback_id",
            postgresql_where=text("ready"),
            sqlite_where=text("ready = 1"),
        ),
        Index(
            "queue_vip",
            "campaign",
            "rank_at",
            "callback_id",
            postgresql_where=text("ready AND vip"),
            sqlite_where=text("ready = 1 AND vip = 1"),
        ),
        Index(
            "queue_owner",
            "campaign",
            "owner",
            "rank_at",
            "callback_id",
            postgresql_where=text("ready"),
            sqlite_where=text("ready = 1"),
        ),
        Index(
            "queue_agent_first",
            "campaign",
            "rank_at",
            "callback_id",
            postgresql_where=text("ready AND agent_first"),
            sqlite_where=text("ready = 1 AND agent_first = 1"),
        ),
        Index(
            "queue_alarm",
            "alarm_at",
            postgresql_where=text("alarm_at IS NOT NULL"),
            sqlite_where=text("alarm_at IS NOT NULL"),
        ),
        Index("queue_opening", "opens_at", postgresql_where=text("NOT ready"), sqlite_where=text("ready = 0")),
        Index("queue_closing", "closes_at"),
    )

    callback_id: int = Field(primary_key=True, foreign_key="callback.id", sa_type=BigKey)
    campaign: str
    ready: bool = False
    vip: bool = Field(default=False, sa_column_kwargs=NO)
    opens_at: datetime = Field(sa_type=Instant)
    closes_at: datetime = Field(sa_type=Instant)
    alarm_at: datetime | None = Field(default=None, sa_type=Instant)  # when a person is told that time runs out
    rank_at: datetime = Field(sa_type=Instant)
    agent_first: bool = Field(default=False, sa_column_kwargs=NO)
    owner: str = Field(default="", sa_column_kwargs=EMPTY)  # the agent whose it is first
    not_for: str = Field(default="", sa_column_kwargs=EMPTY)  # staff numbers between commas: ,1001,1002,
    team_at: datetime | None = Field(default=None, sa_type=Instant)  # from then on the owner's team may take it
    anyone_at: datetime | None = Field(default=None, sa_type=Instant)  # from then on anybody may


class AttemptRow(SQLModel, table=True):
    """One dial: the intent, what became of it, and why it was allowed."""

    __tablename__ = "attempt"
    __table_args__ = (
        # The fence: at most one open attempt per destination number and per person, whoever dials.
        Index(
            "attempt_open_number", "e164", unique=True, postgresql_where=OPEN_ATTEMPT, sqlite_where=OPEN_ATTEMPT_SQLITE
        ),
        Index(
            "attempt_open_person",
            "customer_id",
            unique=True,
            postgresql_where=OPEN_ATTEMPT,
            sqlite_where=OPEN_ATTEMPT_SQLITE,
        ),
        Index("attempt_open_state", "state", postgresql_where=OPEN_ATTEMPT, sqlite_where=OPEN_ATTEMPT_SQLITE),
        Index("attempt_of_person", "customer_id", "created_at"),
        Index("attempt_of_callback", "callback_id", "created_at"),
        Index("attempt_of_number", "e164", "created_at"),
        Index("attempt_by_time", "created_at"),
        Index(
            "attempt_unfinished",
            "ended_at",
            postgresql_where=text("connected_at IS NOT NULL AND wrapped_at IS NULL"),
            sqlite_where=text("connected_at IS NOT NULL AND wrapped_at IS NULL"),
        ),
        # Customers who came to the point of talking to an agent: what abandonment is counted over.
        Index(
            "attempt_waited",
            "campaign",
            "waited_at",
            postgresql_where=text("waited_at IS NOT NULL"),
            sqlite_where=text("waited_at IS NOT NULL"),
        ),
    )

    token: str = Field(primary_key=True)
    callback_id: int = Field(foreign_key="callback.id", sa_type=BigKey)
    customer_id: int = Field(foreign_key="customer.id", sa_type=BigKey)
    campaign: str
    campaign_version: str
    purpose: str = Field(default="", sa_column_kwargs=EMPTY)
    subject: str = Field(default="", sa_column_kwargs=EMPTY)  # the matter called about, which caps may be counted by
    vip: bool = Field(default=False, sa_column_kwargs=NO)
    e164: str
    region: str
    kind: str
    extension: str = ""
    owner: str
    state: str
    is_open: bool = True
    created_at: datetime = Field(sa_type=Instant)
    lease_until: datetime = Field(sa_type=Instant)
    heard_at: datetime = Field(sa_type=Instant)  # the last time anything was learnt about it
    listed_absent_at: datetime | None = Field(default=None, sa_type=Instant)
    carrier_call_id: str = ""
    sent_at: datetime | None = Field(default=None, sa_type=Instant)
    rang_at: datetime | None = Field(default=None, sa_type=Instant)
    answered_at: datetime | None = Field(default=None, sa_type=Instant)
    mode: str = Field(default="agentless", sa_column_kwargs=AGENTLESS)
    agent: str = Field(default="", sa_column_kwargs=EMPTY)  # who took it, or was set aside for it; a staff number
    waited_at: datetime | None = Field(default=None, sa_type=Instant)
    connected_at: datetime | None = Field(default=None, sa_type=Instant)
    notes: str = Field(default="", sa_column_kwargs=EMPTY)  # what the agent wrote down
    wrapped_at: datetime | None = Field(default=None, sa_type=Instant)  # when the agent finished the record
    ended_at: datetime | None = Field(default=None, sa_type=Instant)
    talk_seconds: float | None = None
    network: str | None = None
    answered_by: str = "nobody"
    fault: str | None = None
    failure: str = ""
    disposition: str = "none"
    code: str = ""
    promise_at: datetime | None = Field(default=None, sa_type=Instant)
    marks: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON)
    ending: str | None = None
    counted: bool = False
    evidence: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)


class EventRow(SQLModel, table=True):
    """What we were told, word for word. Append-only; (token, key) makes a repetition harmless."""

    __tablename__ = "event"

    token: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    kind: str
    at: datetime = Field(sa_type=Instant)
    received_at: datetime = Field(sa_type=Instant)
    source: str
    body: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)


class PromiseRow(SQLModel, table=True):
    """A time the customer chose, as they said it, with the proof that they did, and whether it was kept."""

    __tablename__ = "promise"
    __table_args__ = (
        Index("promise_of_callback", "callback_id"),
        Index(
            "promise_open",
            "until_at",
            postgresql_where=text("state = 'open'"),
            sqlite_where=text("state = 'open'"),
        ),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigKey)
    callback_id: int = Field(foreign_key="callback.id", sa_type=BigKey)
    customer_id: int = Field(foreign_key="customer.id", sa_type=BigKey)
    campaign: str
    attempt: str = ""  # the call in which it was asked for
    channel: str  # keypad, agent, person, api
    asked_by: str = ""  # who wrote the wish down; empty when the customer pressed a key
    agent: str = Field(default="", sa_column_kwargs=EMPTY)  # the staff number of the agent who promised it
    asked_at: datetime = Field(sa_type=Instant)
    wall: str  # the wall-clock time as the customer said it: 2026-11-24T10:00
    zone: str
    reading: str  # exact, first_of_two, after_gap
    at: datetime = Field(sa_type=Instant)
    until_at: datetime = Field(sa_type=Instant)  # the end of the tolerance
    missed: str  # next_window, escalate or close
    note: str = ""
    state: str = "open"  # open, kept, missed, replaced, void
    settled_at: datetime | None = Field(default=None, sa_type=Instant)
    settled_by: str = ""  # who, when it was a person


class TaskRow(SQLModel, table=True):
    """What a person must do about a callback, because the dialer must not or cannot."""

    __tablename__ = "task"
    __table_args__ = (
        Index(
            "task_open",
            "callback_id",
            "kind",
            unique=True,
            postgresql_where=text("state <> 'done'"),
            sqlite_where=text("state <> 'done'"),
        ),
        Index("task_by_state", "state", "due_at"),
        Index("task_of_callback", "callback_id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigKey)
    kind: str
    callback_id: int = Field(foreign_key="callback.id", sa_type=BigKey)
    customer_id: int = Field(foreign_key="customer.id", sa_type=BigKey)
    campaign: str
    person: str = ""  # who it is meant for
    what: str
    opened_at: datetime = Field(sa_type=Instant)
    due_at: datetime | None = Field(default=None, sa_type=Instant)
    state: str = "open"  # open, taken, done
    taken_by: str = ""
    taken_at: datetime | None = Field(default=None, sa_type=Instant)
    done_by: str = ""
    done_at: datetime | None = Field(default=None, sa_type=Instant)
    result: str = ""
    note: str = ""


metadata = SQLModel.metadata
