"""The server without telemetry: no metrics, log lines or spans.

Run as `python -m benchmarks.unobserved_server ROLE`, with the settings in the environment.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Awaitable
from dataclasses import replace
from typing import Any

from ecrkeeper_server import app
from ecrkeeper_server.aws.reading import Answer
from ecrkeeper_server.cli.main import _run
from ecrkeeper_server.config.settings import load
from ecrkeeper_server.metrics.aws import AwsMetrics
from ecrkeeper_server.store.database import Database
from ecrkeeper_testing import Server


class UnobservedApi(Server):
    """That server in its own process, with only the API."""

    command = (sys.executable, "-m", "benchmarks.unobserved_server", "api")


class Unobserved(Server):
    """That server in its own process."""

    command = (sys.executable, "-m", "benchmarks.unobserved_server", "all")


class _Rpcs:
    def __init__(self, *_: object) -> None: ...

    def around(self, _method: str, handler: Any) -> Any:
        return handler


class _Calls:
    def __init__(self, metrics: AwsMetrics, _tracing: object) -> None:
        # Throttled calls still count, but a benchmark has none.
        self.metrics = metrics

    async def attempt(self, _account: str, _region: str, _service: str, _op: str, sending: Awaitable[Answer]) -> Answer:
        return await sending

    def refreshing(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()


def _plain(db: Database, *_: object) -> Database:
    return db


if __name__ == "__main__":
    for name, without in (("Telemetry", _Rpcs), ("CallTelemetry", _Calls), ("InstrumentedDatabase", _plain)):
        setattr(app, name, without)
    sys.exit(_run("serve", replace(load(None, os.environ), role=sys.argv[1])))
