"""Distribute slots among accounts and two lanes; pure.

The lanes share their slots: `concurrency` and a quarter more. The priority lane is
served first. Each lane gets `concurrency` slots at most, so a quarter is left for
the other one: a new write finds a slot however long the backlog is, and a stream of
writes or events does not stop the resyncs. Of the backlog, those due longest come
first, so that none waits forever.

An account may hold a third of the free slots of a lane. A single account therefore
gets a quarter of its slots. Several accounts with slow attempts, because AWS
throttles them, get less each and leave the rest to others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ecrkeeper_server.store.claims import Capacity
from ecrkeeper_server.store.rows import Resource


class Slots:
    """Counts the running attempts."""

    def __init__(self, concurrency: int) -> None:
        self._concurrency = concurrency
        self._total = concurrency + max(1, concurrency // 4)
        self._backlog: Counter[str] = Counter()
        self._urgent: Counter[str] = Counter()
        self._held: dict[tuple[str, str | None], Counter[str]] = {}

    @property
    def free(self) -> int:
        """Return the number of slots that both lanes have left together."""
        return max(0, self._total - self._backlog.total() - self._urgent.total())

    @property
    def backlog(self) -> Capacity:
        """Return the capacity of the backlog lane."""
        return self._capacity(self._backlog)

    @property
    def urgent(self) -> Capacity:
        """Return the capacity of the priority lane."""
        return self._capacity(self._urgent)

    def _capacity(self, running: Counter[str]) -> Capacity:
        free = max(0, min(self.free, self._concurrency - running.total()))
        return Capacity(free, max(1, free // 3), dict(running))

    def acquire(self, rows: Sequence[Resource]) -> None:
        """Count claimed resources; those of the priority lane use its slots first."""
        urgent = self.urgent
        priority_slots = urgent.slots
        for row in rows:
            lane = self._backlog
            if row.urgent and priority_slots > 0 and self._urgent[row.account] < urgent.share:
                lane, priority_slots = self._urgent, priority_slots - 1
            lane[row.account] += 1
            self._held[row.name, row.lease_token] = lane

    def release(self, row: Resource) -> None:
        """Release the slot of a resource whose attempt has ended."""
        running = self._held.pop((row.name, row.lease_token))
        running[row.account] -= 1
        if not running[row.account]:
            del running[row.account]
