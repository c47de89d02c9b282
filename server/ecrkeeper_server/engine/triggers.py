"""Make names due, whatever the source.

A trigger makes its names due in the store, in a transaction of its own or in the one that changed them, and then calls
`enqueue`, which wakes the engine's loop. A resync needs no trigger: each attempt ends with the time at which its row
is due again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from enum import Enum, auto


class Trigger(Enum):
    """Why names became due."""

    CALL = auto()
    NOTIFICATION = auto()
    EVENT = auto()


class Triggers:
    """Wakes the engine's loop when names became due; on the event loop only."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        # Rows may be due that a read of the store has not shown yet.
        self.hinted = True

    def enqueue(self, names: Collection[str], reason: Trigger) -> None:
        """Let the loop look for what is due; the store has the names as due already."""
        self.hinted = True
        self._wake()
