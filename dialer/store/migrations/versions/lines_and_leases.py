"""Long lines are read by owner, and a row says which process does what only one may do."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from dialer.store.tables import Instant

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "lease",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("until_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_index(
        "queue_owner",
        "queue",
        ["campaign", "owner", "rank_at", "callback_id"],
        postgresql_where=sa.text("ready"),
        sqlite_where=sa.text("ready = 1"),
    )
    op.create_index(
        "queue_agent_first",
        "queue",
        ["campaign", "rank_at", "callback_id"],
        postgresql_where=sa.text("ready AND agent_first"),
        sqlite_where=sa.text("ready = 1 AND agent_first = 1"),
    )
