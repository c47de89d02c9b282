"""Transactions on Postgres; a later statement may raise an earlier error."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from ecrkeeper_server.store.pipeline import check_connected, pipelined

# The server is stopping, or has become a standby: connections to it are useless.
DROPPED = frozenset({"57P01", "57P02", "57P03", "25006"})


class CommitUnknownError(Exception):
    """COMMIT was sent but not answered."""


def state(error: BaseException | None) -> str | None:
    """Return the SQLSTATE; None if the server sent none."""
    return getattr(error, "sqlstate", None)


@contextmanager
def transaction(conn: Connection) -> Iterator[None]:
    """Commit the block, or roll it back if it raises.

    Raises CommitUnknownError if COMMIT got no answer. The last statement of the block
    must be an awaited one, so that later errors come from COMMIT.
    """
    committing = False
    try:
        with pipelined(conn):
            conn.exec_driver_sql("BEGIN")
            yield
            # Before COMMIT is sent, the transaction can be repeated.
            check_connected(conn)
            committing = True
            _commit(conn)
    except BaseException as error:
        if not committing:
            _undo(conn)
        if isinstance(error, psycopg.Error):
            # The connection broke outside of SQLAlchemy.
            if committing:
                raise CommitUnknownError from error
            raise DBAPIError.instance(
                None, None, error, psycopg.Error, connection_invalidated=True, dialect=conn.dialect
            ) from error
        raise


def _undo(conn: Connection) -> None:
    """Roll back; discard a connection on which a statement failed.

    The server skips what was sent after that statement, but psycopg assumes that its
    statements were prepared.
    """
    if conn.invalidated:
        return
    driver: Any = conn.connection.driver_connection
    if driver.info.transaction_status != TransactionStatus.INTRANS:
        conn.invalidate()
        return
    with contextlib.suppress(SQLAlchemyError):
        conn.exec_driver_sql("ROLLBACK")


def _commit(conn: Connection) -> None:
    try:
        conn.exec_driver_sql("COMMIT")
    except DBAPIError as error:
        sqlstate = state(error.orig)
        if sqlstate is None or sqlstate in DROPPED or sqlstate.startswith("08"):
            raise CommitUnknownError from error
        raise
