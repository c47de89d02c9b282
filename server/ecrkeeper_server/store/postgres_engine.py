"""The connections to Postgres: their limits and their options."""

from __future__ import annotations

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import ExceptionContext

from ecrkeeper_server.store.pipeline import PIPELINE, PipelinedCursor
from ecrkeeper_server.store.transaction import DROPPED, state

# Dead connections are detected within half a minute, also by the listener, which sends nothing.
CONNECT = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
_STATEMENT_MILLISECONDS = 15_000
# Limits how long a process that is suspended in a transaction can hold its locks.
_IDLE_MILLISECONDS = 5_000


def postgres_engine(url: str, pool_size: int) -> Engine:
    """Return an autocommit engine with limits on statements, locks and pauses."""
    options = (
        f"-c statement_timeout={_STATEMENT_MILLISECONDS} -c lock_timeout={_STATEMENT_MILLISECONDS}"
        f" -c idle_in_transaction_session_timeout={_IDLE_MILLISECONDS} -c timezone=UTC"
    )
    engine = create_engine(
        url,
        isolation_level="AUTOCOMMIT",
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=10,
        pool_recycle=1800,
        connect_args={
            **CONNECT,
            "options": options,
            "application_name": "ecrkeeper",
            **({"cursor_factory": PipelinedCursor} if PIPELINE.choose() else {}),
        },
        skip_autocommit_rollback=True,
    )

    # When a connection is found dead, SQLAlchemy replaces the whole pool.
    @event.listens_for(engine, "handle_error")
    def _drop(context: ExceptionContext) -> None:
        if state(context.original_exception) in DROPPED:
            context.is_disconnect = True

    return engine
