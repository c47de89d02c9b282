"""The health of the database, in rate-limited log lines and as a metric."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog

from ecrkeeper_server.errors import STORE_REASONS, Unavailable
from ecrkeeper_server.metrics.store import StoreMetrics

log = structlog.get_logger("ecrkeeper.store")

# A lasting failure is logged again after this long; thousands of calls may meet it meanwhile.
_REMIND_SECONDS = 60.0


class StoreHealth:
    """Derives the current failure from the results of reads and writes."""

    def __init__(self, metrics: StoreMetrics, clock: Callable[[], float] = time.monotonic) -> None:
        self._metrics = metrics
        self._clock = clock
        self.failure: Unavailable | None = None
        self.wrote_at = float("-inf")
        self._kind = ""
        self._began = 0.0
        self._failures = 0
        self._reported = False
        self._logged: dict[str, float] = {}

    def failed(self, kind: str, error: Unavailable) -> None:
        """Record that a read or a write failed."""
        if error.reason not in STORE_REASONS:
            return
        now, before = self._clock(), self.failure
        if before is None:
            self._began = now
        if before is None or before.reason != error.reason:
            self._show(error.reason)
        # A failure of reads also prevents writes; a successful read says nothing about writes.
        self._kind = kind if before is None or kind == "write" else self._kind
        self.failure = error
        self._failures += 1
        if now - self._logged.get(error.reason, float("-inf")) < _REMIND_SECONDS:
            return
        self._logged[error.reason], self._reported = now, True
        log.error(
            "store_unavailable",
            reason=error.reason,
            error=error.message,
            cause=_first_line(error.__cause__),
            failures=self._failures,
        )

    def worked(self, kind: str) -> None:
        """Record that a read or a write succeeded."""
        if kind == "write":
            self.wrote_at = self._clock()
        if self.failure is None or (kind == "read" and self._kind == "write"):
            return
        if self._reported:
            seconds = round(self._clock() - self._began, 1)
            log.info("store_available", after=self.failure.reason, failures=self._failures, seconds=seconds)
        self.failure, self._failures, self._reported = None, 0, False
        self._show("")

    def _show(self, reason: str) -> None:
        for known, show in self._metrics.failure.items():
            show(int(known == reason))


def _first_line(cause: BaseException | None) -> str:
    text = str(getattr(cause, "orig", None) or cause or "")
    return text.partition("\n")[0][:300]
