"""psycopg's pipeline under SQLAlchemy: what returns no rows is not waited for.

Each statement that is waited for costs a round trip. SQLAlchemy asks a cursor for its rows as soon as the
statement was executed, so those that may have some are waited for; the others are answered together with the
next one of these. An error may therefore be raised by a later statement of the same transaction.

- The figure it buys: an Update waits for the database five times instead of nine.
- Private is the pipeline's queue of results, to which a point of synchronisation is added that is not waited for.
- Upstream: no issue is known; psycopg's `Pipeline.sync` always waits.
- Tested with psycopg 3.3.
- On any other version, and for tests, transactions use no pipeline: the store warns when it is opened.
- `tests/store/test_pipeline.py` runs both.
- Delete this module when psycopg has a public synchronisation that does not wait.
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

# Where a connection keeps the pipeline that it is in.
_PIPELINE = "pipeline_entered"
_CHANGE = re.compile(r"(BEGIN|INSERT|UPDATE|DELETE)\b", re.IGNORECASE)
_RETURNS = re.compile(r"\bRETURNING\b", re.IGNORECASE)


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


@contextmanager
def pipelined(conn: Connection) -> Iterator[None]:
    """Within, what returns no rows is not waited for, if the connection was made with the cursor of this module."""
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
