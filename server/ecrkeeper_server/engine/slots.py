"""Distribute slots among accounts, with more slots for the priority lane; pure.

`concurrency` resources of the backlog run, the longest due first, so that none
waits forever. A quarter more slots serve only the priority lane: a new write
finds one however long the backlog is.

An account may hold a third of the free slots. A single account therefore gets a
quarter of all slots. Several accounts with slow attempts, because AWS throttles
them, get less each and leave the rest to others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ecrkeeper_server.store.claims import Capacity
from ecrkeeper_server.store.rows import Resource


class _Kind:
    def __init__(self, slots: int) -> None:
        self._slots = slots
        self.running: Counter[str] = Counter()

    @property
    def capacity(self) -> Capacity:
        free = self._slots - self.running.total()
        return Capacity(max(0, free), max(1, free // 3), dict(self.running))


class Slots:
    """Counts the running attempts."""

    def __init__(self, concurrency: int) -> None:
        self._backlog = _Kind(concurrency)
        self._urgent = _Kind(max(1, concurrency // 4))
        self._held: dict[tuple[str, str | None], _Kind] = {}

    @property
    def backlog(self) -> Capacity:
        """Return the capacity of the backlog lane."""
        return self._backlog.capacity

    @property
    def urgent(self) -> Capacity:
        """Return the capacity of the priority lane alone."""
        return self._urgent.capacity

    def acquire(self, rows: Sequence[Resource]) -> None:
        """Count claimed resources; those of the priority lane use its slots first."""
        urgent = self.urgent
        priority_slots = urgent.slots
        for row in rows:
            kind = self._backlog
            if row.urgent and priority_slots > 0 and self._urgent.running[row.account] < urgent.share:
                kind, priority_slots = self._urgent, priority_slots - 1
            kind.running[row.account] += 1
            self._held[row.name, row.lease_token] = kind

    def release(self, row: Resource) -> None:
        """Release the slot of a resource whose attempt has ended."""
        running = self._held.pop((row.name, row.lease_token)).running
        running[row.account] -= 1
        if not running[row.account]:
            del running[row.account]
