"""A transaction on Postgres; an error may be raised by a later statement of it than the one that failed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from ecrkeeper_server.store.pipeline import pipelined

# The server is going down, or has become a standby after a failover: the connections to it are of no more use.
DROPPED = frozenset({"57P01", "57P02", "57P03", "25006"})


class CommitUnknownError(Exception):
    """COMMIT was sent and not answered."""


def state(error: BaseException | None) -> str | None:
    """The SQLSTATE; None if the server did not get to say one."""
    return getattr(error, "sqlstate", None)


@contextmanager
def transaction(conn: Connection) -> Iterator[None]:
    """Commit what is done within, or undo it if that raises; CommitUnknownError if COMMIT got no answer.

    The last statement within must be one that is waited for, so that what fails after it is COMMIT.
    """
    try:
        with pipelined(conn):
            conn.exec_driver_sql("BEGIN")
            yield
    except BaseException as error:
        _undo(conn)
        if isinstance(error, psycopg.Error):
            # The connection broke where SQLAlchemy did not look.
            raise DBAPIError.instance(
                None, None, error, psycopg.Error, connection_invalidated=True, dialect=conn.dialect
            ) from error
        raise
    _commit(conn)


def _undo(conn: Connection) -> None:
    """Undo a transaction; a connection on which a statement failed is given up.

    The server skips what was sent after that statement, and psycopg counts on statements to be prepared that were.
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
        found = state(error.orig)
        if found is None or found in DROPPED or found.startswith("08"):
            raise CommitUnknownError from error
        raise
