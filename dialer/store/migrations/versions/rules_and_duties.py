"""Rules and duties: scoped suppressions, promises with their proof, tasks for people, slack and the VIPs' share."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from dialer.store.tables import Instant

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _columns()
    _suppressions()
    op.create_table(
        "promise",
        sa.Column("id", BIG, nullable=False),
        sa.Column("callback_id", BIG, nullable=False),
        sa.Column("customer_id", BIG, nullable=False),
        sa.Column("campaign", sa.String(), nullable=False),
        sa.Column("attempt", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("asked_at", Instant(), nullable=False),
        sa.Column("wall", sa.String(), nullable=False),
        sa.Column("zone", sa.String(), nullable=False),
        sa.Column("reading", sa.String(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("until_at", Instant(), nullable=False),
        sa.Column("missed", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("settled_at", Instant(), nullable=True),
        sa.Column("settled_by", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["callback_id"], ["callback.id"]),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("promise_of_callback", "promise", ["callback_id"])
    still_open = sa.text("state = 'open'")
    op.create_index("promise_open", "promise", ["until_at"], postgresql_where=still_open, sqlite_where=still_open)
    op.create_table(
        "task",
        sa.Column("id", BIG, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("callback_id", BIG, nullable=False),
        sa.Column("customer_id", BIG, nullable=False),
        sa.Column("campaign", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("opened_at", Instant(), nullable=False),
        sa.Column("due_at", Instant(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("taken_by", sa.String(), nullable=False),
        sa.Column("taken_at", Instant(), nullable=True),
        sa.Column("done_by", sa.String(), nullable=False),
        sa.Column("done_at", Instant(), nullable=True),
        sa.Column("result", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["callback_id"], ["callback.id"]),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    undone = sa.text("state <> 'done'")
    op.create_index(
        "task_open", "task", ["callback_id", "kind"], unique=True, postgresql_where=undone, sqlite_where=undone
    )
    op.create_index("task_by_state", "task", ["state", "due_at"])
    op.create_index("task_of_callback", "task", ["callback_id"])
    _what_was_there()


def _what_was_there() -> None:
    """Who is held becomes a task; who waits is asked about anew, which gives VIPs their share and their alarm."""
    op.execute("UPDATE queue SET ready = false, closes_at = opens_at")
    op.execute(
        "INSERT INTO task (kind, callback_id, customer_id, campaign, person, what, opened_at, due_at, state, taken_by, "
        "done_by, result, note) SELECT callback.reason, callback.id, customer_id, campaign, customer.agent, "
        "callback.note, enrolled_at, deadline_at, 'open', '', '', '', '' FROM callback "
        "JOIN customer ON customer.id = customer_id WHERE callback.state = 'held' AND callback.reason IS NOT NULL"
    )


def _columns() -> None:
    def text(name: str) -> sa.Column[str]:
        return sa.Column(name, sa.String(), nullable=False, server_default=sa.text("''"))

    def flag(name: str) -> sa.Column[bool]:
        return sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false())

    op.add_column("customer", text("confirmed_zone"))
    op.add_column("customer", text("confirmed_by"))
    op.add_column("customer", sa.Column("confirmed_at", Instant(), nullable=True))
    op.add_column("callback", sa.Column("slack_seconds", sa.Float(), nullable=True))
    op.add_column("callback", sa.Column("promise_id", BIG, nullable=True))
    for column in (text("purpose"), text("subject"), flag("vip")):
        op.add_column("attempt", column)
    op.add_column("queue", flag("vip"))
    op.add_column("queue", sa.Column("alarm_at", Instant(), nullable=True))
    op.create_index(
        "queue_alarm",
        "queue",
        ["alarm_at"],
        postgresql_where=sa.text("alarm_at IS NOT NULL"),
        sqlite_where=sa.text("alarm_at IS NOT NULL"),
    )
    op.create_index(
        "queue_vip",
        "queue",
        ["campaign", "rank_at", "callback_id"],
        postgresql_where=sa.text("ready AND vip"),
        sqlite_where=sa.text("ready = 1 AND vip = 1"),
    )


def _suppressions() -> None:
    op.rename_table("suppression", "suppression_before")
    op.create_table(
        "suppression",
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("said_at", Instant(), nullable=False),
        sa.Column("attempt", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("subject", "scope", "turn", name="suppression_of_subject"),
    )
    op.execute(
        'INSERT INTO suppression (subject, scope, turn, source, said_at, attempt, "by", note) '
        "SELECT subject, 'everything', 0, source, said_at, attempt, '', '' FROM suppression_before"
    )
    op.drop_table("suppression_before")
