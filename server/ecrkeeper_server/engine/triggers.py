"""Make names due, whatever the source.

A trigger makes its names due in the store, in a transaction of its own or in the one that changed them, and then calls
`wake`. A resync needs no trigger: each attempt ends with the time at which its row is due again.
"""

from __future__ import annotations

from collections.abc import Callable


class Triggers:
    """Wakes the engine's loop when names became due; on the event loop only."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        # Rows may be due that a read of the store has not shown yet.
        self.hinted = True

    def wake(self) -> None:
        """Make the loop claim due resources; the store has their names as due already."""
        self.hinted = True
        self._wake()
