"""A database whose transactions are timed, and carry the trace of the call that they belong to."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from ecrkeeper_server.errors import Unavailable
from ecrkeeper_server.metrics import StoreMetrics
from ecrkeeper_server.store.database import Database, Load, Tx

T = TypeVar("T")


class ObservedDatabase(Database):
    """Wraps another database. `trace` returns the present traceparent; None where nothing is traced."""

    def __init__(self, db: Database, metrics: StoreMetrics, trace: Callable[[], str] | None = None) -> None:
        self._db = db
        self._metrics = metrics
        self._trace = trace
        self._read, self._write = metrics.seconds["read"], metrics.seconds["write"]

    async def read(self, query: Callable[[Tx], T]) -> T:
        """Run a query that changes nothing."""
        began = time.perf_counter()
        try:
            return await self._db.read(query)
        except Unavailable:
            self._metrics.failed["read"]()
            raise
        finally:
            self._read(time.perf_counter() - began)

    async def write(self, change: Callable[[Tx], T]) -> T:
        """Run a change in one transaction."""
        began = time.perf_counter()
        if self._trace is not None and (parent := self._trace()):
            change = _carrying(change, parent)
        try:
            return await self._db.write(change)
        except Unavailable as error:
            if error.reason != "REQUEST_RUNNING":
                self._metrics.failed["write"]()
            raise
        finally:
            self._write(time.perf_counter() - began)

    def trace(self) -> str:
        """The traceparent of the call that is being answered."""
        return self._trace() if self._trace is not None else ""

    def load(self) -> Load:
        """How busy it is right now."""
        return self._db.load()

    async def close(self) -> None:
        """Finish what is running and let go of the database."""
        await self._db.close()

    def listen(self, heard: Callable[[set[str]], Any]) -> None:
        """Call `heard` with the names that changed."""
        self._db.listen(heard)


def _carrying(change: Callable[[Tx], T], parent: str) -> Callable[[Tx], T]:
    return lambda tx: change(replace(tx, trace=parent))
