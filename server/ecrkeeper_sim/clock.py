"""Simulated time: real time plus an offset, or frozen, to avoid sleeps in tests."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class Clock:
    """Tells the simulated time in seconds since the epoch."""

    def __init__(self) -> None:
        self._offset = 0.0
        self._frozen_at: float | None = None

    def restart(self) -> None:
        """Tell real time again."""
        self._offset = 0.0
        self._frozen_at = None

    def now(self) -> float:
        """Return the simulated time."""
        if self._frozen_at is not None:
            return self._frozen_at
        return time.time() + self._offset

    def advance(self, seconds: float) -> None:
        """Move the simulated time forward."""
        self._offset += seconds
        if self._frozen_at is not None:
            self._frozen_at += seconds

    def freeze(self) -> None:
        """Let time pass only through `advance`."""
        self._frozen_at = self.now()

    def thaw(self) -> None:
        """Let time pass by itself again, from the current simulated time."""
        if self._frozen_at is not None:
            self._offset = self._frozen_at - time.time()
            self._frozen_at = None


def iso8601(seconds: float) -> str:
    """Return the time as AWS writes it in XML."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
