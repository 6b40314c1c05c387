"""Runs the revisions over the connection that `app.store.migrate` hands in.

There is no offline mode and no URL here: the service's own driver and transaction are used.
"""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

connection: Connection = context.config.attributes["connection"]

context.configure(
    connection=connection,
    # SQLite alters a table by building a new one and swapping it in.
    render_as_batch=connection.dialect.name == "sqlite",
    # Either database rolls DDL back; the caller's transaction spans all revisions.
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
