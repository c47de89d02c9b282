"""Give up a transaction whose connection has gone silent.

The server limits each statement, and TCP notices a dead host; neither helps
against something on the way that takes bytes and passes none on. Without a
limit of its own each such transaction would keep a thread of the pool for ever.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from typing import Any


class Watchdog:
    """One transaction's: `exhaust` ends the connection that it waits for, and no other's."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: Any = None
        self.exhausted = False

    @contextlib.contextmanager
    def over(self, connection: Any) -> Iterator[None]:
        """Within, the transaction waits for this psycopg connection."""
        with self._lock:
            self._connection = connection
        try:
            yield
        finally:
            # Before the connection goes back to the pool, where another transaction may take it.
            with self._lock:
                self._connection = None

    def exhaust(self) -> None:
        """Let whoever reads from the connection see its end; from any thread."""
        with self._lock:
            self.exhausted = True
            if self._connection is None or self._connection.closed:
                return
            with contextlib.suppress(OSError), socket.socket(fileno=os.dup(self._connection.fileno())) as line:
                line.shutdown(socket.SHUT_RDWR)
