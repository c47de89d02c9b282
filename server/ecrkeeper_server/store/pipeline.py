"""psycopg's pipeline under SQLAlchemy: what returns no rows is sent, and not waited for.

Each statement that is waited for costs a transaction a round trip. SQLAlchemy asks a cursor for
its rows as soon as the statement was executed, so those that have some are waited for; the others
are answered together with the next one that has, or with the end of the transaction. An error may
therefore be raised by a later statement of the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import psycopg
from sqlalchemy import Connection

# Where a connection keeps the pipeline that it is in.
_PIPELINE = "pipeline_entered"
_WAITED_FOR = ("SELECT", "WITH", "COMMIT")


class PipelinedCursor(psycopg.Cursor[Any]):
    """A cursor that, inside of a pipeline, waits for the statements whose results are looked at."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> Self:
        """Execute a statement, and everything that was sent before."""
        super().execute(query, params, **options)
        pipeline = getattr(self.connection, _PIPELINE, None)
        if pipeline is not None and (query.startswith(_WAITED_FOR) or " RETURNING " in query):
            pipeline.sync()
        return self


@contextmanager
def pipelined(conn: Connection) -> Iterator[None]:
    """Within, the statements of a connection go through a pipeline."""
    driver: Any = conn.connection.driver_connection
    with driver.pipeline() as pipeline:
        setattr(driver, _PIPELINE, pipeline)
        try:
            yield
        finally:
            delattr(driver, _PIPELINE)
