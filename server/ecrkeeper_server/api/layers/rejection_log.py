"""The log of what is refused in large numbers: many calls must not become many lines."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog

from ecrkeeper_server.errors import StatusError

log = structlog.get_logger("ecrkeeper.api")

_LOG_SECONDS = 10.0


class RejectionLog:
    """Logs the first refusal as `calls_refused`, and every ten seconds at most how many more there were."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._logged = -_LOG_SECONDS
        self._refused = 0

    def note(self, refusal: StatusError) -> None:
        """Count a refusal; the line shows the one at hand."""
        self._refused += 1
        now = self._clock()
        if now - self._logged >= _LOG_SECONDS:
            log.warning("calls_refused", reason=refusal.reason, message=refusal.message, refused=self._refused)
            self._logged, self._refused = now, 0
