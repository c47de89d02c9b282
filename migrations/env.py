"""Run the migrations: one transaction each, one process at a time.

Deployment contract: a migration must not break the program of the release
before it, because replicas are replaced one by one. Add first; remove what
nothing reads any more in a later release. The template says what that means.
"""

from __future__ import annotations

from alembic import context
from ecrkeeper_server.store.indexes import metadata
from sqlalchemy import text

# Any constant will do, as long as every release uses the same one.
_LOCK = 7_302_611

# A migration that waits for the lock of a table makes everybody behind it wait: it gives up early.
_LOCK_SECONDS = context.config.attributes.get("lock_seconds", 10.0)

engine = context.config.attributes["engine"]
postgres = engine.dialect.name == "postgresql"

with engine.connect() as connection:
    if postgres:
        # Another process that migrates is waited for, however long its migration takes.
        connection.execute(text("SET statement_timeout = '10min'"))
        connection.execute(text("SET lock_timeout = '10min'"))
        # A migration converts rows between its statements.
        connection.execute(text("SET idle_in_transaction_session_timeout = '10min'"))
        connection.execute(text(f"SELECT pg_advisory_lock({_LOCK})"))
        connection.execute(text(f"SET lock_timeout = {int(_LOCK_SECONDS * 1000)}"))
        connection.execute(text("BEGIN"))
    else:
        connection.execute(text("BEGIN IMMEDIATE"))
    try:
        context.configure(connection=connection, target_metadata=metadata, transactional_ddl=False)
        context.run_migrations()
        connection.execute(text("COMMIT"))
    except BaseException:
        connection.execute(text("ROLLBACK"))
        raise
    finally:
        if postgres:
            connection.execute(text(f"SELECT pg_advisory_unlock({_LOCK})"))
