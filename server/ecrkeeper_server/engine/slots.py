"""Who may run: slots for urgent rows and for rows in turn, shared among accounts; pure.

Each kind has up to `concurrency` slots, both together a quarter more: the
quarter is always there for the kind that does not fill its own. So a fresh
write finds a slot while a long backlog is worked on, and the backlog goes on
while fresh writes keep coming.

An account may hold a third of what is free. Alone that is a quarter of all
slots; several accounts whose steps take long, because AWS throttles them,
get less each, and what they leave is there for the others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ecrkeeper_server.store.queue import Room
from ecrkeeper_server.store.rows import Resource


class Slots:
    """Counts the running steps."""

    def __init__(self, concurrency: int) -> None:
        self._each = concurrency
        self._total = concurrency + max(1, concurrency // 4)
        self._urgent: Counter[str] = Counter()
        self._turn: Counter[str] = Counter()
        self._held: dict[tuple[str, str | None], Counter[str]] = {}

    @property
    def urgent(self) -> Room:
        """The room for urgent rows."""
        return self._room(self._urgent)

    @property
    def turn(self) -> Room:
        """The room for rows in turn."""
        return self._room(self._turn)

    def _room(self, kind: Counter[str]) -> Room:
        running = kind.total()
        free = min(self._each - running, self._total - len(self._held))
        return Room(max(0, free), max(1, (self._each - running) // 3), dict(kind))

    def take(self, rows: Sequence[Resource]) -> None:
        """Count rows that were claimed; urgent ones take urgent slots as long as there are any."""
        room = self.urgent.slots
        for row in rows:
            kind = self._turn
            if row.urgent and room > 0:
                kind, room = self._urgent, room - 1
            kind[row.account] += 1
            self._held[row.name, row.lease_token] = kind

    def give_back(self, row: Resource) -> None:
        """Count a row whose step has ended."""
        kind = self._held.pop((row.name, row.lease_token))
        kind[row.account] -= 1
        if not kind[row.account]:
            del kind[row.account]
