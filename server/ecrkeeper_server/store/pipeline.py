"""psycopg's pipeline under SQLAlchemy: statements without rows are not awaited.

Each awaited statement costs a round trip. SQLAlchemy asks a cursor for its rows
right after execution, so statements that may have rows are awaited. The others are
answered together with the next awaited one. A later statement of the transaction
may therefore raise an error of an earlier one, and all that follow raise it again.

- Benefit: an Update waits for the database three times instead of eleven.
- Private is the pipeline's queue of results, which gets an unawaited synchronization point.
- Upstream: no issue is known; psycopg's `Pipeline.sync` always waits.
- Tested with psycopg 3.3; `PIPELINE` names the versions.
- With any other version, and in tests, the store awaits each statement instead and logs a warning.
- `tests/store/test_pipeline.py` runs both.
- Delete this module when psycopg has a public synchronization that does not wait.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from typing import Any, Self

import psycopg
from sqlalchemy import Connection

from ecrkeeper_server.private_interfaces import PrivateInterface

PIPELINE = PrivateInterface(
    "psycopg", psycopg.__version__, ("3.3",), "each statement of a transaction costs a round trip to the database"
)

# The attribute of a connection that holds its pipeline.
_ENTERED = "pipeline_entered"
_CHANGE = re.compile(r"(BEGIN|INSERT|UPDATE|DELETE)\b", re.IGNORECASE)
_RETURNS = re.compile(r"\bRETURNING\b", re.IGNORECASE)
# The errors of statements that were skipped because an earlier one failed.
_SKIPPED = (psycopg.errors.PipelineAborted, psycopg.errors.InFailedSqlTransaction)


class _Entered:
    """The pipeline of a connection, until the connection leaves it."""

    def __init__(self, driver: Any, stack: ExitStack) -> None:
        self._stack = stack
        self.pipeline = stack.enter_context(driver.pipeline())
        self._failure: psycopg.Error | None = None
        setattr(driver, _ENTERED, self)
        stack.callback(delattr, driver, _ENTERED)

    def cause_of(self, error: psycopg.Error) -> psycopg.Error:
        """Return the error to raise: for a skipped statement, that of the failed one."""
        if self._failure is None:
            self._failure = error
        return self._failure if isinstance(error, _SKIPPED) else error

    def leave(self) -> None:
        """Await everything that was sent, and leave the pipeline."""
        self._stack.pop_all().close()


class PipelinedCursor(psycopg.Cursor[Any]):
    """A cursor that awaits statements with rows inside of a pipeline."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> Self:
        """Send a statement; if it may have rows, await it and everything before it.

        COMMIT leaves the pipeline, which awaits everything at once.
        """
        self.send(query, params, **options)
        entered: _Entered | None = getattr(self.connection, _ENTERED, None)
        if entered is None:
            return self
        try:
            if query == "COMMIT":
                entered.leave()
            elif _has_no_rows(query):
                # The server counts pauses of the transaction only from here. `pipeline.sync` waits.
                entered.pipeline.pgconn.pipeline_sync()
                entered.pipeline.result_queue.append(None)
            else:
                entered.pipeline.sync()
        except psycopg.Error as error:
            raise entered.cause_of(error) from None
        return self

    def send(self, query: Any, params: Any = None, **options: Any) -> None:
        """Send a statement; its rows arrive with the next awaited statement."""
        try:
            super().execute(query, params, **options)
        except psycopg.Error as error:
            entered: _Entered | None = getattr(self.connection, _ENTERED, None)
            if entered is None:
                raise
            raise entered.cause_of(error) from None


def is_pipelined(conn: Connection) -> bool:
    """Return whether a connection is in a pipeline of this module."""
    return hasattr(conn.connection.driver_connection, _ENTERED)


def has_unanswered(conn: Connection) -> bool:
    """Return whether a statement was sent whose outcome is unknown."""
    entered: _Entered | None = getattr(conn.connection.driver_connection, _ENTERED, None)
    return entered is not None and bool(entered.pipeline.result_queue)


def check_connected(conn: Connection) -> None:
    """Raise psycopg's error if the server has closed a pipelined connection.

    This looks at what has arrived, and costs no round trip.
    """
    if is_pipelined(conn):
        driver: Any = conn.connection.driver_connection
        # The first call may read the reason only, and the second one the end of the stream.
        driver.pgconn.consume_input()
        driver.pgconn.consume_input()


def send(conn: Connection, query: str, params: Any) -> PipelinedCursor:
    """Send a statement on a pipelined connection; return the cursor of its rows."""
    driver: Any = conn.connection.driver_connection
    cursor: PipelinedCursor = driver.cursor()
    cursor.send(query, params)
    return cursor


@lru_cache(maxsize=1000)
def _has_no_rows(query: str) -> bool:
    """Return whether a statement certainly has no rows."""
    return _CHANGE.match(query) is not None and _RETURNS.search(query) is None


@contextmanager
def pipelined(conn: Connection) -> Iterator[None]:
    """Do not await statements without rows during the block.

    The connection must use the cursor of this module.
    """
    driver: Any = conn.connection.driver_connection
    if driver.cursor_factory is not PipelinedCursor:
        yield
        return
    with ExitStack() as stack:
        _Entered(driver, stack)
        yield
