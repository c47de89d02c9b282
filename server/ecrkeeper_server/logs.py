"""Structured logs on standard error: JSON lines, or text for people."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Iterator, MutableMapping
from typing import Any

from ecrkeeper_files.plain_text import escaped


@contextlib.contextmanager
def _without(package: str) -> Iterator[None]:
    """Treat an optional package that is not loaded yet as missing within the block."""
    if package in sys.modules:
        yield
        return
    sys.modules[package] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[package]


# structlog loads rich if it is installed: 6 MB for colored tracebacks, which the server does not
# write.
with _without("rich"):
    import structlog

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


def configure(level: str, style: str, *extra: Any) -> None:
    """Set up structlog and the standard library's logging.

    `extra` adds structlog processors.
    """
    render: list[Any] = [structlog.processors.JSONRenderer()]
    if style == "text":
        render = [plain, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            *extra,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            *render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        # Without it, each line creates its logger again, at twice the cost.
        cache_logger_on_first_use=True,
    )
    # Records of libraries, such as asyncio's about a failed task, or the exporter's about spans
    # that it cannot send.
    logging.basicConfig(handlers=[Forward()], level=max(LEVELS[level], logging.WARNING), force=True)
    # It only warns of errors that follow another one on the same connection, and raises that other
    # one.
    logging.getLogger("psycopg").setLevel(logging.ERROR)


def plain(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Escape control characters, as a structlog processor for text lines.

    JSON escapes them itself.
    """
    for name, value in event.items():
        if isinstance(value, str):
            lines = value.split("\n") if name == "exception" else [value]
            event[name] = "\n".join(map(escaped, lines))
    return event


class Forward(logging.Handler):
    """Passes records of the standard library's logging on to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record as a line of the server's own format."""
        try:
            log = structlog.get_logger(record.name)
            write = log.error if record.levelno >= logging.ERROR else log.warning
            write("library", logger=record.name, text=record.getMessage(), exc_info=record.exc_info)
        except Exception:
            # A line that cannot be written must not fail the caller.
            self.handleError(record)
