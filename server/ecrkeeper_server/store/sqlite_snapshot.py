"""Long reads of SQLite: in turns, from one snapshot, on a connection of their own.

A read transaction that stays open between two iterations of the loop would show other reads of its
connection the past. A read that ends with its first step therefore runs inline on the connection
that all reads share, and a longer one begins again on the connection for long reads.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection, CursorResult

from ecrkeeper_server.store.database import Ask, Query, Rows
from ecrkeeper_server.turns import FairLock, Steps, work

T = TypeVar("T")
Reading = Callable[[Connection, Ask], Steps[T]]


class Unfinished(Exception):
    """A read takes more than one step."""


class LongReads:
    """Runs long reads, one at a time and in turn by principal."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect
        self._conn: Connection | None = None
        self._lock = FairLock()

    async def run(self, query: Reading[T]) -> T:
        """Return the result of a query, from one snapshot."""
        async with self._lock.of(work().key):
            if self._conn is None:
                self._conn = self._connect()
            with snapshot(self._conn) as ask:
                return await work().run(query(self._conn, ask))

    def close(self) -> None:
        """Close the connection."""
        if self._conn is not None:
            self._conn.close()


def run_first_step(conn: Connection, query: Reading[T]) -> T:
    """Return the result of a query that is ready after one step.

    Raise Unfinished after the first step of a longer one.
    """
    with snapshot(conn) as ask:
        steps = query(conn, ask)
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result
        steps.close()
    raise Unfinished


@contextlib.contextmanager
def snapshot(conn: Connection) -> Iterator[Ask]:
    """Yield a function whose queries see one snapshot; their rows are read one by one."""
    open_: list[CursorResult[Any]] = []

    def ask(conn: Connection, queries: Sequence[Query]) -> list[Rows]:
        results = [conn.execute(query, values) for query, values in queries]
        open_.extend(results)
        return list(results)

    # SQLAlchemy takes as long for each of these as for a query by key.
    driver: Any = conn.connection.driver_connection
    driver.execute("BEGIN")
    try:
        yield ask
    finally:
        # An open cursor would keep the snapshot.
        for result in open_:
            result.close()
        # An error of the disk ends the transaction.
        if driver.in_transaction:
            driver.execute("COMMIT")
