"""The traced server as a process."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tests.harness import Process

PROGRAM = Path(__file__).with_name("traced_server.py")


class TracedServer(Process):
    """A server process that counts the statements of its steps; see traced_server.py."""

    def __init__(
        self, folder: Path, database_url: str, aws_url: str, *, kind: str = "", base: int = 0, **settings: Any
    ) -> None:
        self._stopped, self._spans = folder / "stopped", folder / "spans"
        environment = {
            "AWS_ACCESS_KEY_ID": "999999999999",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "ECRKEEPER_DATABASE_URL": database_url,
            "ECRKEEPER_LISTEN": "127.0.0.1:0",
            "ECRKEEPER_METRICS_LISTEN": "127.0.0.1:0",
            "ECRKEEPER_AWS_ENDPOINT_URL": aws_url,
            "ECRKEEPER_AWS_ROLE_TEMPLATE": "arn:aws:iam::{account}:role/ecrkeeper",
            "ECRKEEPER_LEASE_SECONDS": "2",
            "STOP_KIND": kind,
            "STOP_BASE": str(base),
            "STOP_FILE": str(self._stopped),
            "SPANS_FILE": str(self._spans),
            **{f"ECRKEEPER_{name.upper()}": str(value) for name, value in settings.items()},
        }
        super().__init__([sys.executable, str(PROGRAM)], environment, folder / "traced.log")

    def stopped(self) -> set[str]:
        """The rows whose steps stand still."""
        return set(self._stopped.read_text().split()) if self._stopped.exists() else set()

    def spans(self) -> list[dict[str, Any]]:
        """The beginnings and ends of steps so far."""
        lines = self._spans.read_text().splitlines() if self._spans.exists() else []
        return [json.loads(line) for line in lines]
