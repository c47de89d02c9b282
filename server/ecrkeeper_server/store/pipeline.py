"""psycopg's pipeline under SQLAlchemy: statements without rows are not awaited.

Each awaited statement costs a round trip. SQLAlchemy asks a cursor for its rows
right after execution, so statements that may have rows are awaited. The others are
answered together with the next awaited one. A later statement of the transaction
may therefore raise an error of an earlier one.

- The benefit: an Update waits for the database five times instead of nine.
- Private is the pipeline's queue of results, which gets an unawaited synchronization point.
- Upstream: no issue is known; psycopg's `Pipeline.sync` always waits.
- Tested with psycopg 3.3.
- With any other version, and for tests, there is no pipeline: the store warns at its start.
- `tests/store/test_pipeline.py` runs both.
- Delete this module when psycopg has a public synchronization that does not wait.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Self

import psycopg
from sqlalchemy import Connection

from ecrkeeper_server.private_interfaces import PrivateInterface

PIPELINE = PrivateInterface(
    "psycopg", psycopg.__version__, ("3.3",), "each statement of a transaction costs a round trip to the database"
)

# The attribute of a connection that holds its pipeline.
_PIPELINE = "pipeline_entered"
_CHANGE = re.compile(r"(BEGIN|INSERT|UPDATE|DELETE)\b", re.IGNORECASE)
_RETURNS = re.compile(r"\bRETURNING\b", re.IGNORECASE)


class PipelinedCursor(psycopg.Cursor[Any]):
    """A cursor that awaits statements with rows inside of a pipeline."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> Self:
        """Send a statement; if it may have rows, await it and everything before it."""
        super().execute(query, params, **options)
        pipeline = getattr(self.connection, _PIPELINE, None)
        if pipeline is None:
            return self
        if _has_no_rows(query):
            # The server counts pauses of the transaction only from here. `pipeline.sync` waits.
            pipeline.pgconn.pipeline_sync()
            pipeline.result_queue.append(None)
        else:
            pipeline.sync()
        return self


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
    with driver.pipeline() as pipeline:
        setattr(driver, _PIPELINE, pipeline)
        try:
            yield
        finally:
            delattr(driver, _PIPELINE)
