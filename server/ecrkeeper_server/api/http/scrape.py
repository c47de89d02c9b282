"""Scrapes of the metrics: of this process, and counts over the whole installation."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from ecrkeeper_server.errors import StatusError
from ecrkeeper_server.metrics.server import Metrics
from ecrkeeper_server.settings.table import SETTINGS
from ecrkeeper_server.store.database import Database
from ecrkeeper_server.store.overview import Overview, overview
from ecrkeeper_server.store.rows import Method

# Minimum interval between queries, however many scrapers there are.
_FRESH_SECONDS = 15.0
# Maximum wait of a scrape for a database that does not answer.
_QUERY_TIMEOUT_SECONDS = 2.0
_MODES = ("ENFORCE", "OBSERVE")


class Scrape:
    """Answers scrapes; it queries the database only for scrapes."""

    def __init__(self, metrics: Metrics, db: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._metrics = metrics
        self._db = db
        self._clock = clock
        self._queried_at = float("-inf")
        self._query: asyncio.Task[None] | None = None
        self._retries = 0

    async def page(self) -> bytes:
        """Return all metrics in Prometheus' text format.

        Answers within seconds even without a database.
        """
        if self._query is None and self._clock() - self._queried_at >= _FRESH_SECONDS:
            self._query = asyncio.create_task(self._run_query())
        if self._query is not None:
            done, _ = await asyncio.wait([self._query], timeout=_QUERY_TIMEOUT_SECONDS)
            if not done:
                self._unknown()
        load, store = self._db.load(), self._metrics.store
        store.in_use.set(load.in_use)
        store.size.set(load.size)
        store.waiting.set(load.waiting)
        store.retries.inc(load.retries - self._retries)
        self._retries = load.retries
        # A page of some thousand lines takes milliseconds, too long for the event loop that answers
        # calls.
        return await asyncio.to_thread(self._metrics.page)

    async def _run_query(self) -> None:
        try:
            overview_values = await self._db.count(overview)
        except StatusError:
            self._unknown()
        else:
            self._metrics.fleet.show(_values(overview_values))
            self._metrics.store.up.set(1)
            self._queried_at = self._clock()
        finally:
            self._query = None

    def _unknown(self) -> None:
        self._metrics.fleet.forget()
        self._metrics.store.up.set(0)


def _values(overview_values: Overview) -> dict[str, dict[tuple[str, ...], float]]:
    """Return the values of the gauges of `FleetMetrics`."""
    not_ready: dict[tuple[str, ...], float] = {}
    drifted: dict[tuple[str, ...], float] = {(setting, mode): 0 for setting in SETTINGS for mode in _MODES}
    for (kind, unready), count in overview_values.unready.items():
        mode, condition, reason, settings = unready.split(" ", 3)
        key = (kind, mode, condition, reason)
        not_ready[key] = not_ready.get(key, 0) + count
        for setting in filter(None, settings.split(",")):
            drifted[setting, mode] = drifted.get((setting, mode), 0) + count
    pending = {**{str(method): (0, 0.0) for method in Method}, **overview_values.pending}
    return {
        "due": {(): overview_values.due},
        "oldest": {(): overview_values.oldest},
        "resources": {(kind,): overview_values.resources.get(kind, 0) for kind in ("registry", "role")},
        "not_ready": not_ready,
        "drifted": drifted,
        "pending": {(method,): count for method, (count, _) in pending.items()},
        "oldest_pending": {(method,): age for method, (_, age) in pending.items()},
    }
