"""Who may run: slots for rows of the backlog and more for urgent ones, shared among accounts; pure.

`concurrency` rows run of the backlog: what has been due longest goes first, whatever
it is, so that nothing waits for ever. A quarter more slots are for urgent rows
alone: a fresh write finds one however long the backlog is.

An account may hold a third of what is free. Alone that is a quarter of all
slots; several accounts whose attempts take long, because AWS throttles them,
get less each, and what they leave is there for the others.
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
        """The capacity for rows of the backlog."""
        return self._backlog.capacity

    @property
    def urgent(self) -> Capacity:
        """The capacity for urgent rows alone."""
        return self._urgent.capacity

    def acquire(self, rows: Sequence[Resource]) -> None:
        """Count rows that were claimed; urgent ones take the slots that are theirs as far as those go."""
        urgent = self.urgent
        left = urgent.slots
        for row in rows:
            kind = self._backlog
            if row.urgent and left > 0 and self._urgent.running[row.account] < urgent.share:
                kind, left = self._urgent, left - 1
            kind.running[row.account] += 1
            self._held[row.name, row.lease_token] = kind

    def release(self, row: Resource) -> None:
        """Count a row whose attempt has ended."""
        running = self._held.pop((row.name, row.lease_token)).running
        running[row.account] -= 1
        if not running[row.account]:
            del running[row.account]
