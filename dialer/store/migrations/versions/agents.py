"""Agents: who works here, where each stands, who is set aside for whom, and who is signed in to the console."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from dialer.store.tables import Instant

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
STANDING = sa.text("state <> 'over'")


def upgrade() -> None:
    _columns()
    op.create_table(
        "agent",
        sa.Column("id", BIG, nullable=False),
        sa.Column("staff_number", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("languages", sa.JSON(), nullable=False),
        sa.Column("skills", sa.JSON(), nullable=False),
        sa.Column("teams", sa.JSON(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("password", sa.String(), nullable=False),
        sa.Column("must_change", sa.Boolean(), nullable=False),
        sa.Column("screen_language", sa.String(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("staff_number"),
    )
    op.create_table(
        "presence",
        sa.Column("agent_id", BIG, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("since", Instant(), nullable=False),
        sa.Column("afterwards", sa.String(), nullable=True),
        sa.Column("wanted", sa.String(), nullable=False),
        sa.Column("idle_since", Instant(), nullable=True),
        sa.Column("seen_at", Instant(), nullable=True),
        sa.Column("leg", sa.String(), nullable=False),
        sa.Column("leg_token", sa.String(), nullable=False),
        sa.Column("leg_call_id", sa.String(), nullable=False),
        sa.Column("leg_since", Instant(), nullable=True),
        sa.Column("leg_tries", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"]),
        sa.PrimaryKeyConstraint("agent_id"),
    )
    op.create_index("ix_presence_leg_token", "presence", ["leg_token"])
    op.create_table(
        "agent_move",
        sa.Column("id", BIG, nullable=False),
        sa.Column("agent_id", BIG, nullable=False),
        sa.Column("move", sa.String(), nullable=False),
        sa.Column("before", sa.String(), nullable=False),
        sa.Column("after", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("attempt", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("agent_move_by_time", "agent_move", ["agent_id", "at"])
    op.create_table(
        "reservation",
        sa.Column("id", BIG, nullable=False),
        sa.Column("agent_id", BIG, nullable=False),
        sa.Column("attempt", sa.String(), nullable=False),
        sa.Column("campaign", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("made_at", Instant(), nullable=False),
        sa.Column("lease_until", Instant(), nullable=False),
        sa.Column("connected_at", Instant(), nullable=True),
        sa.Column("over_at", Instant(), nullable=True),
        sa.Column("why", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("reservation_agent", "reservation", ["agent_id"], unique=True, postgresql_where=STANDING, sqlite_where=STANDING)
    op.create_index("reservation_attempt", "reservation", ["attempt"], unique=True, postgresql_where=STANDING, sqlite_where=STANDING)
    op.create_index("reservation_of_agent", "reservation", ["agent_id", "made_at"])
    op.create_table(
        "web_session",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("agent_id", BIG, nullable=False),
        sa.Column("csrf", sa.String(), nullable=False),
        sa.Column("made_at", Instant(), nullable=False),
        sa.Column("seen_at", Instant(), nullable=False),
        sa.Column("ends_at", Instant(), nullable=False),
        sa.Column("revoked_at", Instant(), nullable=True),
        sa.Column("revoked_by", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agent.id"]),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_index("ix_web_session_agent_id", "web_session", ["agent_id"])
    op.create_table(
        "sign_in",
        sa.Column("id", BIG, nullable=False),
        sa.Column("staff_number", sa.String(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("worked", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("sign_in_by_name", "sign_in", ["staff_number", "at"])
    op.create_index("sign_in_by_place", "sign_in", ["place", "at"])
    op.create_table(
        "audit",
        sa.Column("id", BIG, nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("audit_by_person", "audit", ["by", "at"])
    op.create_index("audit_by_time", "audit", ["at"])
    op.create_table(
        "pacer",
        sa.Column("campaign", sa.String(), nullable=False),
        sa.Column("saved_at", Instant(), nullable=False),
        sa.Column("learnt", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("campaign"),
    )


def _columns() -> None:
    def text(name: str, default: str = "") -> sa.Column[str]:
        return sa.Column(name, sa.String(), nullable=False, server_default=sa.text(f"'{default}'"))

    def flag(name: str) -> sa.Column[bool]:
        return sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false())

    def instant(name: str) -> sa.Column[sa.DateTime]:
        return sa.Column(name, Instant(), nullable=True)

    none_yet = sa.Column("not_agents", sa.JSON(), nullable=True)
    new: dict[str, tuple[sa.Column[Any], ...]] = {
        "callback": (text("agent"), none_yet, flag("agent_first")),
        "queue": (flag("agent_first"), text("owner"), text("not_for"), instant("team_at"), instant("anyone_at")),
        "attempt": (
            text("mode", "agentless"),
            text("agent"),
            instant("waited_at"),
            instant("connected_at"),
            text("notes"),
            instant("wrapped_at"),
        ),
        "promise": (text("agent"),),
    }
    for table, columns in new.items():
        for column in columns:
            op.add_column(table, column)
    open_record = sa.text("connected_at IS NOT NULL AND wrapped_at IS NULL")
    op.create_index(
        "attempt_unfinished", "attempt", ["ended_at"], postgresql_where=open_record, sqlite_where=open_record
    )
    waited = sa.text("waited_at IS NOT NULL")
    op.create_index(
        "attempt_waited", "attempt", ["campaign", "waited_at"], postgresql_where=waited, sqlite_where=waited
    )
