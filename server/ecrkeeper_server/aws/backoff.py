"""Exponential pauses between retries; pure."""

from __future__ import annotations

import math

from msgspec import Struct

_FIRST = 1.0
_MAX_SECONDS = 300.0


class Backoff(Struct):
    """A pause in seconds that doubles with each failure, from `first` on.

    It restarts after a long time without a failure.
    """

    first: float = _FIRST
    pause: float = 0.0
    at: float = -math.inf

    def remaining(self, now: float) -> float:
        """Return the remaining seconds of the pause."""
        return max(0.0, self.at + self.pause - now)

    def failed(self, now: float) -> None:
        """Begin the next pause."""
        fresh = now - self.at > 2 * _MAX_SECONDS
        self.pause = self.first if fresh else min(_MAX_SECONDS, max(_FIRST, self.pause * 2))
        self.at = now
