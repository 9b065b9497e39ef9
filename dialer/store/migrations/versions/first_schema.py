"""The first schema: customers, campaigns, callbacks, the queue, attempts and their events."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from dialer.store.tables import Instant

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "campaign",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("pause_reason", sa.String(), nullable=False),
        sa.Column("applied_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "customer",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("salutation", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("tier", sa.String(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("zone", sa.String(), nullable=False),
        sa.Column("agent", sa.String(), nullable=False),
        sa.Column("numbers", sa.JSON(), nullable=False),
        sa.Column("quiet", sa.JSON(), nullable=False),
        sa.Column("attributes", sa.JSON(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("reference"),
    )
    op.create_table(
        "event",
        sa.Column("token", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("received_at", Instant(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("token", "key"),
    )
    op.create_table(
        "suppression",
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("said_at", Instant(), nullable=False),
        sa.Column("attempt", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("subject"),
    )
    op.create_table(
        "callback",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("campaign", sa.String(), nullable=False),
        sa.Column("customer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("occasion", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("due_at", Instant(), nullable=False),
        sa.Column("deadline_at", Instant(), nullable=False),
        sa.Column("enrolled_at", Instant(), nullable=False),
        sa.Column("closed_at", Instant(), nullable=True),
        sa.Column("not_before", Instant(), nullable=True),
        sa.Column("promised", sa.Boolean(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("errors", sa.Integer(), nullable=False),
        sa.Column("number_index", sa.Integer(), nullable=False),
        sa.Column("bad_numbers", sa.JSON(), nullable=False),
        sa.Column("last_attempt", sa.String(), nullable=True),
        sa.Column("last_miss_at", Instant(), nullable=True),
        sa.Column("reached_at", Instant(), nullable=True),
        sa.Column("answers", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign"],
            ["campaign.id"],
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customer.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("campaign", "customer_id", "occasion"),
    )
    with op.batch_alter_table("callback", schema=None) as batch_op:
        batch_op.create_index("callback_of_customer", ["customer_id"], unique=False)

    op.create_table(
        "campaign_version",
        sa.Column("campaign", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("applied_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign"],
            ["campaign.id"],
        ),
        sa.PrimaryKeyConstraint("campaign", "version"),
    )
    op.create_table(
        "attempt",
        sa.Column("token", sa.String(), nullable=False),
        sa.Column("callback_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("customer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("campaign", sa.String(), nullable=False),
        sa.Column("campaign_version", sa.String(), nullable=False),
        sa.Column("e164", sa.String(), nullable=False),
        sa.Column("region", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("extension", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("lease_until", Instant(), nullable=False),
        sa.Column("heard_at", Instant(), nullable=False),
        sa.Column("listed_absent_at", Instant(), nullable=True),
        sa.Column("carrier_call_id", sa.String(), nullable=False),
        sa.Column("sent_at", Instant(), nullable=True),
        sa.Column("rang_at", Instant(), nullable=True),
        sa.Column("answered_at", Instant(), nullable=True),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("talk_seconds", sa.Float(), nullable=True),
        sa.Column("network", sa.String(), nullable=True),
        sa.Column("answered_by", sa.String(), nullable=False),
        sa.Column("fault", sa.String(), nullable=True),
        sa.Column("failure", sa.String(), nullable=False),
        sa.Column("disposition", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("promise_at", Instant(), nullable=True),
        sa.Column("marks", sa.JSON(), nullable=False),
        sa.Column("ending", sa.String(), nullable=True),
        sa.Column("counted", sa.Boolean(), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["callback_id"],
            ["callback.id"],
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customer.id"],
        ),
        sa.PrimaryKeyConstraint("token"),
    )
    with op.batch_alter_table("attempt", schema=None) as batch_op:
        batch_op.create_index("attempt_by_time", ["created_at"], unique=False)
        batch_op.create_index("attempt_of_callback", ["callback_id", "created_at"], unique=False)
        batch_op.create_index("attempt_of_number", ["e164", "created_at"], unique=False)
        batch_op.create_index("attempt_of_person", ["customer_id", "created_at"], unique=False)
        batch_op.create_index(
            "attempt_open_number",
            ["e164"],
            unique=True,
            postgresql_where=sa.text("is_open"),
            sqlite_where=sa.text("is_open = 1"),
        )
        batch_op.create_index(
            "attempt_open_person",
            ["customer_id"],
            unique=True,
            postgresql_where=sa.text("is_open"),
            sqlite_where=sa.text("is_open = 1"),
        )
        batch_op.create_index(
            "attempt_open_state",
            ["state"],
            unique=False,
            postgresql_where=sa.text("is_open"),
            sqlite_where=sa.text("is_open = 1"),
        )

    op.create_table(
        "queue",
        sa.Column("callback_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("campaign", sa.String(), nullable=False),
        sa.Column("ready", sa.Boolean(), nullable=False),
        sa.Column("opens_at", Instant(), nullable=False),
        sa.Column("closes_at", Instant(), nullable=False),
        sa.Column("rank_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["callback_id"],
            ["callback.id"],
        ),
        sa.PrimaryKeyConstraint("callback_id"),
    )
    with op.batch_alter_table("queue", schema=None) as batch_op:
        batch_op.create_index("queue_closing", ["closes_at"], unique=False)
        batch_op.create_index(
            "queue_opening",
            ["opens_at"],
            unique=False,
            postgresql_where=sa.text("NOT ready"),
            sqlite_where=sa.text("ready = 0"),
        )
        batch_op.create_index(
            "queue_order",
            ["campaign", "rank_at", "callback_id"],
            unique=False,
            postgresql_where=sa.text("ready"),
            sqlite_where=sa.text("ready = 1"),
        )


def downgrade() -> None:
    with op.batch_alter_table("queue", schema=None) as batch_op:
        batch_op.drop_index("queue_order", postgresql_where=sa.text("ready"), sqlite_where=sa.text("ready = 1"))
        batch_op.drop_index("queue_opening", postgresql_where=sa.text("NOT ready"), sqlite_where=sa.text("ready = 0"))
        batch_op.drop_index("queue_closing")

    op.drop_table("queue")
    with op.batch_alter_table("attempt", schema=None) as batch_op:
        batch_op.drop_index("attempt_open_state", postgresql_where=sa.text("is_open"), sqlite_where=sa.text("is_open = 1"))
        batch_op.drop_index("attempt_open_person", postgresql_where=sa.text("is_open"), sqlite_where=sa.text("is_open = 1"))
        batch_op.drop_index("attempt_open_number", postgresql_where=sa.text("is_open"), sqlite_where=sa.text("is_open = 1"))
        batch_op.drop_index("attempt_of_person")
        batch_op.drop_index("attempt_of_number")
        batch_op.drop_index("attempt_of_callback")
        batch_op.drop_index("attempt_by_time")

    op.drop_table("attempt")
    op.drop_table("campaign_version")
    with op.batch_alter_table("callback", schema=None) as batch_op:
        batch_op.drop_index("callback_of_customer")

    op.drop_table("callback")
    op.drop_table("suppression")
    op.drop_table("event")
    op.drop_table("customer")
    op.drop_table("campaign")
