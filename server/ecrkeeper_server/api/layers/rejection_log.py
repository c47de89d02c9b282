"""The log of rejected calls, with few lines even during an overload."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog

from ecrkeeper_server.errors import StatusError

log = structlog.get_logger("ecrkeeper.api")

_LOG_SECONDS = 10.0


class RejectionLog:
    """Logs rejections as `calls_rejected`.

    It logs the first one, then at most one count every ten seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._logged = -_LOG_SECONDS
        self._rejected = 0

    def note(self, error: StatusError) -> None:
        """Count a rejection; a line shows the latest one."""
        self._rejected += 1
        now = self._clock()
        if now - self._logged >= _LOG_SECONDS:
            log.warning("calls_rejected", reason=error.reason, message=error.message, refused=self._rejected)
            self._logged, self._rejected = now, 0
