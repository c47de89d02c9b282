"""Whether events of an account and Region arrive, and the resulting resyncs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

import structlog

from ecrkeeper_server.errors import StatusError
from ecrkeeper_server.events.targets import iam_event_region
from ecrkeeper_server.metrics.events import EventMetrics
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.store import cloud_events, resources
from ecrkeeper_server.store.clock import DAY, MICROSECONDS
from ecrkeeper_server.store.cloud_events import Place
from ecrkeeper_server.store.database import Database
from ecrkeeper_server.store.rows import Resource
from ecrkeeper_server.store.state_parts import Condition

log = structlog.get_logger("ecrkeeper.events")

_REFRESH_SECONDS = 30.0
# Queues that have failed for this long are not relied on.
_OUTAGE_SECONDS = 300.0
# A registry that was just created has had no event yet.
_GRACE = 3600 * MICROSECONDS


class Source(Protocol):
    """A queue that events arrive at."""

    @property
    def works(self) -> bool:
        """Whether the last receive succeeded."""


class EventHealth:
    """The health of all places, refreshed from the store; times are in seconds."""

    def __init__(
        self,
        db: Database,
        metrics: EventMetrics,
        home_region: str,
        *,
        resync: float,
        stretched: float,
        probes: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._db = db
        self._metrics = metrics
        self._iam_region = iam_event_region(home_region)
        self._usual = resync
        self._stretched = max(resync, stretched)
        self._probes = probes
        self._clock = clock
        self.sources: list[Source] = []
        # When the health of a place ends, by this clock; nothing is known before the first refresh.
        self._ends: dict[Place, float] = {}
        self._refreshed = False
        self._worked_at = clock()
        self._relied_on = True

    async def run(self) -> None:
        """Refresh until cancelled."""
        while True:
            try:
                await self.refresh()
            except StatusError:
                # The database's health is logged where it is known; what was known stays for a while.
                pass
            except Exception:  # An unexpected error must not end the loop.
                log.exception("event_health_failed")
            await asyncio.sleep(_REFRESH_SECONDS)

    async def refresh(self) -> None:
        """Read the health of all places.

        If the queues fail for long, make the stretched resyncs short again.
        """
        await self._read_ends()
        self._refreshed = True
        now = self._clock()
        if all(each.works for each in self.sources):
            self._worked_at, self._relied_on = now, True
        elif self._relied_on and now - self._worked_at > _OUTAGE_SECONDS:
            after: str | None = ""
            while after is not None:
                after = await self._db.write(lambda tx, last=after: resources.shorten_resync(tx, self._usual, last))  # type: ignore[misc]
            self._relied_on = False
            log.warning("events_silent", seconds=round(now - self._worked_at))
        silent = await self._db.count(cloud_events.silent_places)
        self._metrics.silent.set(silent)

    async def _read_ends(self) -> None:
        """Read when the health of each place ends, page by page.

        Another dict for 100,000 places would take milliseconds to grow, and the old one to be freed.
        """
        last: Place | None = ("", "")
        while last is not None:
            behind = last
            remaining, last = await self._db.read(lambda tx, behind=behind: cloud_events.health_page(tx, behind))  # type: ignore[misc]
            now = self._clock()
            for place, micros in remaining.items():
                # A place is silent for a day before its row is purged, so each one is removed here.
                if micros > 0:
                    self._ends[place] = now + micros / MICROSECONDS
                else:
                    self._ends.pop(place, None)
            # Reads of SQLite do not yield to the event loop.
            await asyncio.sleep(0)

    def resync(self, row: Resource, usual: float) -> float:
        """Return the time until the next resync, in seconds.

        It is stretched while events are healthy, but never beyond the time for which they count as healthy.
        """
        remaining = self._ends.get(self._place(row), 0.0) - self._clock()
        if not self._relied_on or remaining <= usual:
            return usual
        return max(usual, min(usual * self._stretched / self._usual, remaining))

    def condition(self, row: Resource, now: int) -> Condition | None:
        """Return the condition `EventsSilent` of a registry.

        None if its events are healthy.
        """
        if row.kind != RegistryName.kind or now < row.create_time + _GRACE:
            return None
        if self._relied_on and self._is_healthy(row):
            return None
        since = next((each.since for each in row.registry_state.conditions if each.type == "EventsSilent"), now)
        text = "no event of this account and Region arrived for 24 hours; ecrkeeper polls at the short interval"
        return Condition("EventsSilent", "TRUE", reason="NO_EVENTS", message=text, since=since)

    def probe_due(self, row: Resource, now: int) -> bool:
        """Return whether a Put is to find out if events of a registry arrive.

        That is once a day while its events are silent, if the option is on and its queues work.
        """
        known = self._refreshed and self._relied_on
        if not self._probes or not known or row.kind != RegistryName.kind or self._is_healthy(row):
            return False
        probed_at = row.registry_state.probed_at
        return now >= (row.create_time + _GRACE if probed_at is None else probed_at + DAY)

    def _is_healthy(self, row: Resource) -> bool:
        return self._ends.get(self._place(row), 0.0) > self._clock()

    def _place(self, row: Resource) -> tuple[str, str]:
        return row.account, row.place if row.kind == RegistryName.kind else self._iam_region
