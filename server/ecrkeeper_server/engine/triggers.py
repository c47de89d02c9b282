"""Make names due, whatever the source.

A trigger calls `enqueue(names, reason)` and returns at once. The engine's loop
makes the names due in the store and claims them. Calls and notifications made
their names due in the transaction that changed them, so they only wake the
loop. A resync needs no trigger: each attempt stores when its resource is due
again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from enum import Enum


class Trigger(Enum):
    """The source of due names; the value says whether they are due in the store."""

    CALL = ("CALL", True)
    NOTIFICATION = ("NOTIFICATION", True)
    EVENT = ("EVENT", False)

    @property
    def stored(self) -> bool:
        """Whether the names are already due in the store."""
        return self.value[1]


class Triggers:
    """Collects names for the engine's loop; use it on the event loop only."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._names: set[str] = set()
        # Resources may be due that a read of the store did not return yet.
        self.hinted = True

    def enqueue(self, names: Collection[str], reason: Trigger) -> None:
        """Make the names due; without names, let the loop find out which ones are."""
        if not reason.stored:
            self._names.update(names)
        self.hinted = True
        self._wake()

    def drain(self) -> list[str]:
        """Return the names that are not due in the store yet, and forget them."""
        names, self._names = sorted(self._names), set()
        return names

    def restore(self, names: Collection[str]) -> None:
        """Return names that could not be stored; the next round retries them."""
        self._names.update(names)
