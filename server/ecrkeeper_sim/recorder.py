"""The bounded log of the requests that the simulator received."""

from __future__ import annotations

from collections import deque
from typing import Any

from ecrkeeper_sim.state import World


class Recorder:
    """Keeps the last requests, each under its own sequence number."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._log: deque[dict[str, Any]] = deque()
        self._next = 1

    def add(self, entry: dict[str, Any]) -> None:
        """Append an entry, dropping the oldest beyond the configured number."""
        if not self._world.settings.recording:
            return
        entry["seq"] = self._next
        self._next += 1
        self._log.append(entry)
        while len(self._log) > self._world.settings.max_log:
            self._log.popleft()

    def clear(self) -> None:
        """Delete the entries.

        The numbers continue, so that a reader's position stays valid.
        """
        self._log.clear()

    def since(self, number: int) -> dict[str, Any]:
        """Return the entries from a number on, and the next number to request."""
        return {"next": self._next, "requests": [entry for entry in self._log if entry["seq"] >= number]}
