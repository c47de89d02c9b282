"""The traced server as a process."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, ClassVar

from tests.harness import Server

PROGRAM = Path(__file__).with_name("traced_server.py")


class TracedServer(Server):
    """A server process that counts the statements of its attempts."""

    command: ClassVar[list[str]] = [sys.executable, str(PROGRAM)]

    def __init__(
        self, folder: Path, database_url: str, aws_url: str, *, kind: str = "", base: int = 0, **settings: Any
    ) -> None:
        self._stopped, self._spans = folder / "stopped", folder / "spans"
        environment = {
            "STOP_KIND": kind,
            "STOP_BASE": str(base),
            "STOP_FILE": str(self._stopped),
            "SPANS_FILE": str(self._spans),
        }
        super().__init__(folder, database_url, aws_url, environment=environment, **settings)

    def stopped(self) -> set[str]:
        """Return the resources whose attempts have stopped."""
        return set(self._stopped.read_text().split()) if self._stopped.exists() else set()

    def spans(self) -> list[dict[str, Any]]:
        """Return the starts and ends of attempts so far."""
        lines = self._spans.read_text().splitlines() if self._spans.exists() else []
        return [json.loads(line) for line in lines]
