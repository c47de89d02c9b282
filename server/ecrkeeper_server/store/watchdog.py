"""Abort a transaction whose connection has gone silent.

The server limits each statement, and TCP detects a dead host. Neither helps if
something on the way accepts bytes and forwards none. Without a limit, each such
transaction would occupy a thread of the pool forever.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from typing import Any


class Watchdog:
    """The watchdog of one transaction; `abort` closes only its connection."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: Any = None
        self.aborted = False

    @contextlib.contextmanager
    def over(self, connection: Any) -> Iterator[None]:
        """Mark that the transaction waits for this psycopg connection during the block."""
        with self._lock:
            self._connection = connection
        try:
            yield
        finally:
            # Before the connection returns to the pool, where another transaction may get it.
            with self._lock:
                self._connection = None

    def abort(self) -> None:
        """Close the connection for its reader; from any thread."""
        with self._lock:
            self.aborted = True
            if self._connection is None or self._connection.closed:
                return
            with contextlib.suppress(OSError), socket.socket(fileno=os.dup(self._connection.fileno())) as line:
                line.shutdown(socket.SHUT_RDWR)
