"""Alembic's entry point; the connection comes from `Database.migrate`, so there is no URL to configure here."""

from __future__ import annotations

from alembic import context

from dialer.store.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
