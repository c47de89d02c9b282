"""The one seam through which names become due.

A trigger calls `enqueue(names, reason)` and returns at once. The engine's loop makes the names due in the store and
claims them. Calls and notifications made their names due in the transaction that changed them, so they only wake the
loop. A resync needs no trigger: each attempt ends with the time at which its row is due again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from enum import Enum


class Trigger(Enum):
    """Why names become due; the value says whether a transaction made them due already."""

    CALL = ("CALL", True)
    NOTIFICATION = ("NOTIFICATION", True)
    EVENT = ("EVENT", False)

    @property
    def stored(self) -> bool:
        """Whether the store has the names as due."""
        return self.value[1]


class Triggers:
    """Collects names for the engine's loop, which `wake` wakes; on the event loop only."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._names: set[str] = set()
        # Rows may be due that a read of the store has not shown yet.
        self.hinted = True

    def enqueue(self, names: Collection[str], reason: Trigger) -> None:
        """Make the names due; without names, let the loop find out which ones are."""
        if not reason.stored:
            self._names.update(names)
        self.hinted = True
        self._wake()

    def take(self) -> list[str]:
        """Return the names that the store does not have as due yet, and forget them."""
        names, self._names = sorted(self._names), set()
        return names

    def restore(self, names: Collection[str]) -> None:
        """Take back names that could not be stored; the next round tries them again."""
        self._names.update(names)
