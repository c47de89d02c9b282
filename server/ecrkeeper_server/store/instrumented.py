"""A database with metrics, health and the trace of the current call."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Generic, TypeVar

from ecrkeeper_server.errors import StatusError, Unavailable
from ecrkeeper_server.metrics.store import StoreMetrics
from ecrkeeper_server.store.database import Database, Load, Tx
from ecrkeeper_server.store.health import StoreHealth
from ecrkeeper_server.store.overview import alive
from ecrkeeper_server.turns import SLICE, Steps, work

T = TypeVar("T")

# A probe uses the result of the last write if it is as recent as this.
_WROTE_SECONDS = 5.0
# A quarter of a slice.
_RECENT = SLICE / 4


class RecentCpu:
    """The CPU seconds of the loop's thread, read at most half a millisecond ago.

    Each reading is a system call, and two for each step would take 3 % of a short call. A step that is longer than a
    slice may therefore be charged for half a millisecond more.
    """

    def __init__(
        self, now: Callable[[], float] = time.perf_counter, exact: Callable[[], float] = time.thread_time
    ) -> None:
        self._now = now
        self._exact = exact
        self._read_at = -math.inf
        self._seconds = 0.0

    def __call__(self) -> float:
        """Return the seconds."""
        now = self._now()
        if now - self._read_at > _RECENT:
            self._read_at, self._seconds = now, self._exact()
        return self._seconds


class InstrumentedDatabase(Database):
    """Wraps another database; `trace` returns the current traceparent, or None."""

    def __init__(self, db: Database, metrics: StoreMetrics, trace: Callable[[], str] | None = None) -> None:
        self._db = db
        self._metrics = metrics
        self._trace = trace
        self._health = StoreHealth(metrics)
        self._probing: asyncio.Task[None] | None = None
        self._read, self._write = metrics.seconds["read"], metrics.seconds["write"]
        self._loop_cpu = RecentCpu()

    @property
    def reads_inline(self) -> bool:
        """Whether reads run on the event loop."""
        return self._db.reads_inline

    async def read(self, query: Callable[[Tx], T]) -> T:
        """Run a read-only query."""
        counted = _Counted(query, self._loop_cpu)
        return await self._reading(self._db.read(counted), counted)

    async def count(self, query: Callable[[Tx], T]) -> T:
        """Run a read-only query that looks at many rows and returns few."""
        counted = _Counted(query, self._loop_cpu)
        return await self._reading(self._db.count(counted), counted)

    async def read_in_turns(self, query: Callable[[Tx], Steps[T]]) -> T:
        """Run a read-only query that pauses if it reads much."""
        counted = _CountedSteps(query, self._loop_cpu)
        return await self._reading(self._db.read_in_turns(counted), counted)

    async def _reading(self, read: Awaitable[T], counted: _Counted[Any]) -> T:
        began = time.perf_counter()
        try:
            result = await read
        except Unavailable as error:
            self._metrics.failed["read"]()
            self._health.failed("read", error)
            raise
        else:
            if self._health.failure is not None:
                self._health.worked("read")
            return result
        finally:
            self._read(time.perf_counter() - began)
            counted.charge()

    async def write(self, change: Callable[[Tx], T]) -> T:
        """Run a change in one transaction."""
        began = time.perf_counter()
        if self._trace is not None and (parent := self._trace()):
            change = _carrying(change, parent)
        counted = _Counted(change, self._loop_cpu)
        try:
            result = await self._db.write(counted)
        except Unavailable as error:
            if error.reason != "REQUEST_RUNNING":
                self._metrics.failed["write"]()
            self._health.failed("write", error)
            raise
        else:
            self._health.worked("write")
            return result
        finally:
            self._write(time.perf_counter() - began)
            counted.charge()

    async def probe(self, seconds: float) -> str:
        """Return why the database cannot be read or written; empty if it can.

        Without a recent write, one is tried. Concurrent probes share one attempt.
        """
        if self._probing is None or self._probing.done():
            self._probing = asyncio.create_task(self._attempt())
        done, _ = await asyncio.wait([self._probing], timeout=seconds)
        failure = self._health.failure
        if done and (error := self._probing.exception()) is not None:
            return error.message if isinstance(error, StatusError) else "the database failed; see the log"
        if not done:
            return failure.message if failure is not None else f"the database did not answer within {seconds:g} s"
        return ""

    async def _attempt(self) -> None:
        await self.read(alive)
        if self._health.failure is not None or time.monotonic() - self._health.wrote_at > _WROTE_SECONDS:
            await self.write(self._db.try_write)

    def try_write(self, tx: Tx) -> None:
        """Change nothing, but fail wherever a change would fail."""
        self._db.try_write(tx)

    def trace(self) -> str:
        """The traceparent of the current call."""
        return self._trace() if self._trace is not None else ""

    def load(self) -> Load:
        """Return the current load."""
        return self._db.load()

    async def close(self) -> None:
        """Finish running transactions and close the database."""
        await self._db.close()

    def listen(self, on_notify: Callable[[set[str]], Any]) -> None:
        """Call `on_notify` with the names of changed resources."""
        self._db.listen(on_notify)


def _carrying(change: Callable[[Tx], T], parent: str) -> Callable[[Tx], T]:
    return lambda tx: change(replace(tx, trace=parent))


class _Counted(Generic[T]):
    """Runs a function in a transaction, and measures the CPU of its thread."""

    __slots__ = ("_function", "_loop_cpu", "_loop_thread", "_seconds")

    def __init__(self, function: Callable[[Tx], T], loop_cpu: RecentCpu) -> None:
        self._function = function
        self._loop_cpu = loop_cpu
        self._loop_thread = threading.get_ident()
        self._seconds = 0.0

    def __call__(self, tx: Tx) -> T:
        clock = self._loop_cpu if self.on_loop else time.thread_time
        began = clock()
        try:
            return self._function(tx)
        finally:
            self._seconds += clock() - began

    @property
    def on_loop(self) -> bool:
        """Whether the current thread is that of the loop."""
        return threading.get_ident() == self._loop_thread

    def charge(self) -> None:
        """Count the seconds for the current call."""
        # Most reads take less than the clock shows, and need no work.
        if self._seconds:
            work().used(self._seconds)


class _CountedSteps(_Counted[Steps[T]]):
    """Runs steps in a transaction, and measures their CPU in a thread.

    On the loop, turns measure it.
    """

    __slots__ = ()

    def __call__(self, tx: Tx) -> Steps[T]:
        began = time.thread_time()
        try:
            return (yield from self._function(tx))
        finally:
            if not self.on_loop:
                self._seconds += time.thread_time() - began
