"""Counts of SQLite: in a thread, on a connection of their own.

SQLite's driver has no GIL while SQLite steps through rows. A query that looks at 100,000 rows takes 300 ms, and the
event loop works meanwhile. One that returns many rows would take the GIL for each of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy import Connection

from ecrkeeper_server.errors import Unavailable
from ecrkeeper_server.store.database import Ask
from ecrkeeper_server.store.sqlite_snapshot import snapshot
from ecrkeeper_server.turns import FairLock, work

T = TypeVar("T")
Counting = Callable[[Connection, Ask], T]


class Counts:
    """Runs counts, one at a time and in turn by principal."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect
        self._conn: Connection | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._closed = False
        self._lock = FairLock()

    async def run(self, query: Counting[T]) -> T:
        """Return the result of a query, from one snapshot."""
        async with self._lock.of(work().key):
            if self._closed:
                raise Unavailable("the store is closed", reason="STORE_CLOSED")
            if self._thread is None:
                self._thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite-counts")
            running = asyncio.get_running_loop().run_in_executor(self._thread, self._count, query)
            try:
                return await running
            finally:
                # This frame would hold an error, and the error this frame.
                del running

    def _count(self, query: Counting[T]) -> T:
        if self._conn is None:
            self._conn = self._connect()
        with snapshot(self._conn) as ask:
            return query(self._conn, ask)

    async def close(self) -> None:
        """Finish the running count, reject those that wait, and close the connection."""
        self._closed = True
        if self._thread is not None:
            await asyncio.to_thread(self._thread.shutdown)
        if self._conn is not None:
            self._conn.close()
