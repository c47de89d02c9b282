"""Structured logs on standard error: JSON lines, or text for people."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Iterator, MutableMapping
from typing import Any

from ecrkeeper_server.plain_text import escaped


@contextlib.contextmanager
def _without(package: str) -> Iterator[None]:
    """Within, an optional package that is not loaded yet counts as not installed."""
    if package in sys.modules:
        yield
        return
    sys.modules[package] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[package]


# structlog loads rich wherever that is installed: 6 MB for tracebacks in colour, which are not written here.
with _without("rich"):
    import structlog

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


def configure(level: str, style: str, *extra: Any) -> None:
    """Set up structlog and the standard library's logging; `extra` are further processors of structlog."""
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
        # Otherwise each line creates its logger again, at twice the cost.
        cache_logger_on_first_use=True,
    )
    # What the libraries have to say: asyncio of a task that failed, the exporter of spans that it cannot send.
    logging.basicConfig(handlers=[Forward()], level=max(LEVELS[level], logging.WARNING), force=True)
    # It warns of each error that comes after another on the same connection, and that other one is raised.
    logging.getLogger("psycopg").setLevel(logging.ERROR)


def plain(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A processor of structlog: no text acts on a terminal or begins a line; JSON escapes all of that by itself."""
    for name, value in event.items():
        if isinstance(value, str):
            lines = value.split("\n") if name == "exception" else [value]
            event[name] = "\n".join(map(escaped, lines))
    return event


class Forward(logging.Handler):
    """Passes records of the standard library on to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record as a line of the server's own format."""
        try:
            log = structlog.get_logger(record.name)
            write = log.error if record.levelno >= logging.ERROR else log.warning
            write("library", logger=record.name, text=record.getMessage(), exc_info=record.exc_info)
        except Exception:
            # A line that cannot be written is no reason to fail.
            self.handleError(record)
