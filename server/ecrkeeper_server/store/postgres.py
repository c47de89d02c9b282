"""Postgres through psycopg: a bounded pool, with a thread for each connection.

A write that fails before its COMMIT was sent is retried if Postgres asks for it
(deadlock, serialization) or if its connection was lost. A write whose COMMIT got no
answer is not retried, because it may have taken effect.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import psycopg
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from ecrkeeper_server.errors import Unavailable
from ecrkeeper_server.store.clock import Now
from ecrkeeper_server.store.database import Database, Load, Tx
from ecrkeeper_server.store.failures import unavailable
from ecrkeeper_server.store.pipeline import has_unanswered
from ecrkeeper_server.store.postgres_dialect import PostgresDialect, postgres_now
from ecrkeeper_server.store.postgres_engine import CONNECT
from ecrkeeper_server.store.postgres_tx import PostgresTx
from ecrkeeper_server.store.together import ask
from ecrkeeper_server.store.transaction import CommitUnknownError, state, transaction
from ecrkeeper_server.store.watchdog import Watchdog

T = TypeVar("T")

CHANNEL = "ecrkeeper"
_ATTEMPTS = 3
# The last one: another transaction has meanwhile added a row that was missing.
_RETRIED = frozenset({"40001", "40P01", "23505"})
# Longer than any statement may take.
_WATCHDOG_SECONDS = 20.0
_LISTEN_PAUSE = 1.0
_CHECK_SECONDS = 5.0
# Rejected by a server that accepts no writes; harmless on any other.
_WRITE_NOTHING = text("UPDATE schedule SET failures = failures WHERE false")
_NOTIFY = text("SELECT pg_notify(:channel, :names)")
_NOTIFY_LIMIT = 7_000


class PostgresDatabase(Database):
    """A database that any number of processes share."""

    def __init__(
        self, engine: Engine, pool_size: int, now: Now | None = None, *, watchdog_seconds: float = _WATCHDOG_SECONDS
    ) -> None:
        self._engine = engine
        self._watchdog_seconds = watchdog_seconds
        self._dialect = PostgresDialect(now or postgres_now)
        self._threads = ThreadPoolExecutor(pool_size, thread_name_prefix="postgres")
        self._size = pool_size
        self._queued = 0
        self._retries = 0
        self._closing = threading.Event()
        self._listener: threading.Thread | None = None
        self._check: asyncio.Task[None] | None = None
        self._wrote = False
        # The pool's connections were unusable, so the listener's may be, too.
        self._dropped = threading.Event()
        event.listen(engine, "handle_error", self._failed)

    def _failed(self, context: ExceptionContext) -> None:
        if context.is_disconnect:
            self._dropped.set()

    async def read(self, query: Callable[[Tx], T]) -> T:
        """Run a query on a pooled connection."""
        result: T = await self._in_thread(self._attempts, self._read, query)
        return result

    async def write(self, change: Callable[[Tx], T]) -> T:
        """Run a change in a transaction on a pooled connection."""
        result: T = await self._in_thread(self._attempts, self._write, change)
        self._wrote = True
        return result

    async def _in_thread(self, call: Callable[..., Any], *args: Any) -> Any:
        if self._closing.is_set():
            raise Unavailable("the store is closed", reason="STORE_CLOSED")
        loop, watchdog = asyncio.get_running_loop(), Watchdog()
        running = loop.run_in_executor(self._threads, lambda: call(*args, watchdog))
        limit = loop.call_later(self._watchdog_seconds, watchdog.abort)
        self._queued += 1
        running.add_done_callback(lambda _: self._ended(limit))
        try:
            return await asyncio.shield(running)
        finally:
            # This frame would hold an error, and the error this frame.
            del running

    def _ended(self, limit: asyncio.TimerHandle) -> None:
        limit.cancel()
        self._queued -= 1

    def load(self) -> Load:
        """Return the busy connections, and the transactions that wait for one."""
        in_use = min(self._queued, self._size)
        return Load(in_use, self._size, self._queued - in_use, self._retries)

    def _attempts(
        self, run: Callable[[Callable[[Tx], T], Watchdog], T], work: Callable[[Tx], T], watchdog: Watchdog
    ) -> T:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return run(work, watchdog)
            except CommitUnknownError as error:
                raise Unavailable(
                    "the database did not say whether it has stored the change: it may have happened; "
                    "repeat the call with the same request_id, or look first",
                    reason="STORE_OUTCOME_UNKNOWN",
                ) from error
            except DBAPIError as error:
                again = error.connection_invalidated or state(error.orig) in _RETRIED
                if not again or attempt == _ATTEMPTS or watchdog.aborted:
                    raise unavailable(error) from error
                # Threads may lose an increment, which is acceptable in a count of retries.
                self._retries += 1
            except SQLAlchemyError as error:
                raise unavailable(error) from error
        raise AssertionError("unreachable")

    def _read(self, query: Callable[[Tx], T], watchdog: Watchdog) -> T:
        with self._engine.connect() as conn, watchdog.over(conn.connection.driver_connection):
            return query(PostgresTx(conn, self._dialect, set(), ask))

    def _write(self, change: Callable[[Tx], T], watchdog: Watchdog) -> T:
        with self._engine.connect() as conn, watchdog.over(conn.connection.driver_connection):
            tx = PostgresTx(conn, self._dialect, set(), ask)
            with transaction(conn):
                result = change(tx)
                _notify(conn, tx.changed)
            return result

    def listen(self, on_notify: Callable[[set[str]], Any]) -> None:
        """Call `on_notify` on the event loop with the names that any process changed."""
        loop = asyncio.get_running_loop()
        self._listener = threading.Thread(
            target=self._notify_listener, args=(loop, on_notify), name="postgres-listen", daemon=True
        )
        self._listener.start()
        self._check = loop.create_task(self._leave_standby())

    def try_write(self, tx: Tx) -> None:
        """Change no row: a server that accepts no writes rejects that, too."""
        tx.conn.execute(_WRITE_NOTHING)

    async def _leave_standby(self) -> None:
        """Leave a server that answers but accepts no writes, even if nobody writes."""
        while True:
            self._wrote = False
            await asyncio.sleep(_CHECK_SECONDS)
            if not self._wrote:
                with contextlib.suppress(Unavailable):
                    await self.read(self.try_write)

    def _notify_listener(self, loop: asyncio.AbstractEventLoop, on_notify: Callable[[set[str]], Any]) -> None:
        # Connect like the engine: SQLAlchemy, not libpq, handles URLs with several hosts.
        _, arguments = self._engine.dialect.create_connect_args(self._engine.url)
        parameters: dict[str, Any] = {
            **arguments,
            **CONNECT,
            "autocommit": True,
            "application_name": "ecrkeeper-listen",
        }
        while not self._closing.is_set():
            self._dropped.clear()
            try:
                with psycopg.connect(**parameters) as conn:
                    conn.execute(f"LISTEN {CHANNEL}")
                    # Earlier notifications may have been lost.
                    loop.call_soon_threadsafe(on_notify, set())
                    while not (self._closing.is_set() or self._dropped.is_set()):
                        for note in conn.notifies(timeout=_LISTEN_PAUSE, stop_after=100):
                            loop.call_soon_threadsafe(on_notify, set(note.payload.split("\n")))
            except (psycopg.Error, OSError):
                self._closing.wait(_LISTEN_PAUSE)
            except RuntimeError:
                # The event loop is closed.
                return

    async def close(self) -> None:
        """Finish running transactions and close every connection."""
        if self._closing.is_set():
            return
        self._closing.set()
        if self._check is not None:
            self._check.cancel()
        await asyncio.to_thread(self._threads.shutdown)
        if self._listener is not None:
            await asyncio.to_thread(self._listener.join, 2 * _LISTEN_PAUSE)
        self._engine.dispose()


def _notify(conn: Connection, changed: set[str]) -> None:
    """Notify of changes, and check that all earlier statements have succeeded."""
    for payload in _payloads(changed):
        conn.execute(_NOTIFY, {"channel": CHANNEL, "names": payload})
    if not changed and has_unanswered(conn):
        conn.exec_driver_sql("SELECT 1")


def _payloads(names: set[str]) -> list[str]:
    """Split the names into as many notifications as the size limit requires."""
    payloads: list[str] = []
    for name in sorted(names):
        if payloads and len(payloads[-1]) + len(name) < _NOTIFY_LIMIT:
            payloads[-1] += "\n" + name
        else:
            payloads.append(name)
    return payloads
