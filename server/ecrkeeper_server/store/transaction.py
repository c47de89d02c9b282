"""A transaction on Postgres whose statements go through psycopg's pipeline: what returns no rows is not waited for.

Each statement that is waited for costs a round trip. SQLAlchemy asks a cursor for its rows as soon as the
statement was executed, so those that may have some are waited for; the others are answered together with the
next one of these. An error may therefore be raised by a later statement of the same transaction.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Self

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

# The server is going down, or has become a standby after a failover: the connections to it are of no more use.
DROPPED = frozenset({"57P01", "57P02", "57P03", "25006"})

# Where a connection keeps the pipeline that it is in.
_PIPELINE = "pipeline_entered"
_CHANGE = re.compile(r"(BEGIN|INSERT|UPDATE|DELETE)\b", re.IGNORECASE)
_RETURNS = re.compile(r"\bRETURNING\b", re.IGNORECASE)


class CommitUnknownError(Exception):
    """COMMIT was sent and not answered."""


class PipelinedCursor(psycopg.Cursor[Any]):
    """A cursor that, inside of a pipeline, waits for the statements whose results are looked at."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> Self:
        """Send a statement; if it may have rows, wait for it and for everything that was sent before."""
        super().execute(query, params, **options)
        pipeline = getattr(self.connection, _PIPELINE, None)
        if pipeline is None:
            return self
        if _has_no_rows(query):
            # The server counts a pause as one of the transaction only from here; `pipeline.sync` would wait, too.
            pipeline.pgconn.pipeline_sync()
            pipeline.result_queue.append(None)
        else:
            pipeline.sync()
        return self


@lru_cache(maxsize=1000)
def _has_no_rows(query: str) -> bool:
    """Whether a statement certainly returns none."""
    return _CHANGE.match(query) is not None and _RETURNS.search(query) is None


def state(error: BaseException | None) -> str | None:
    """The SQLSTATE; None if the server did not get to say one."""
    return getattr(error, "sqlstate", None)


@contextmanager
def transaction(conn: Connection) -> Iterator[None]:
    """Commit what is done within, or undo it if that raises; CommitUnknownError if COMMIT got no answer.

    The last statement within must be one that is waited for, so that what fails after it is COMMIT.
    """
    try:
        with _pipelined(conn):
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


@contextmanager
def _pipelined(conn: Connection) -> Iterator[None]:
    driver: Any = conn.connection.driver_connection
    with driver.pipeline() as pipeline:
        setattr(driver, _PIPELINE, pipeline)
        try:
            yield
        finally:
            delattr(driver, _PIPELINE)


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
