"""Run one checkout's server and measure blocks of work on it.

`trees.py` sends the orders on standard input.

The script runs by its path with another checkout's Python and modules, which may be older: it uses only what both have.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import startup
from benchmarks.api import UNLIMITED, loaded
from benchmarks.api_server import ApiServer
from benchmarks.fleet import Fleet, running_fleet
from benchmarks.measure import Block, rss_mb
from benchmarks.processes import Child, answer, orders, stopping

_REGISTRIES = 1_000
_SWEEP = 500


class Worker:
    """Servers that start when a block needs them, one for each database and purpose."""

    def __init__(self, environment: Any, folder: Path, stack: contextlib.ExitStack) -> None:
        self._environment = environment
        self._folder = folder
        self._stack = stack
        self._servers: dict[str, Any] = {}
        self._fleets: dict[str, Fleet] = {}
        self._empty: dict[str, str] = {}
        self._load: Child | None = None

    def start(self, database: str) -> Block:
        """Measure a cold start to serving."""
        if database not in self._empty:
            self._empty[database] = self._environment.database(database)
        return startup._starting(startup._server(self._environment, self._empty[database]))()

    def call(self, kind: str, database: str, callers: int, seconds: float) -> Block:
        """Measure one kind of call in a closed loop, with the engine off."""
        if self._load is None:
            self._load = self._stack.enter_context(stopping(_load(self._folder)))
        if database not in self._servers:
            url = self._environment.database(database, _REGISTRIES)
            server = ApiServer(self._folder, url, self._environment.responder.url, **UNLIMITED)
            self._servers[database] = self._stack.enter_context(stopping(server))
        server = self._servers[database]
        block = loaded([server], self._load, kind=kind, seconds=seconds, warm_up=0.2, callers=callers)()
        # CPU time includes the warm-up, so it is set against all calls.
        used = block.cpu * block.units / block.more["total"]
        return Block(block.units, block.seconds, used, {"rss": rss_mb(server.process.pid)})

    def sweep(self, database: str) -> Block:
        """Measure the reconciliation of registries where nothing changes."""
        if database not in self._fleets:
            fleet = self._stack.enter_context(running_fleet(self._environment, database, _REGISTRIES))
            self._fleets[database] = fleet
        block = self._fleets[database].sweep(_SWEEP)
        return Block(block.units, block.seconds, block.cpu, {"rss": self._fleets[database].rss})

    def run(self, order: dict[str, Any]) -> Block:
        """Measure one block."""
        do = order.pop("do")
        if do == "start":
            return self.start(**order)
        if do == "sweep":
            return self.sweep(**order)
        return self.call(do, **order)


def _load(folder: Path) -> Child:
    """Start the checkout's load generator.

    Version 0.1.0 takes its module without `-m`.
    """
    old = "module" in inspect.signature(Child.__init__).parameters
    return Child(*([] if old else ["-m"]), "benchmarks.load", folder=folder)


def _environment(folder: Path, stack: contextlib.ExitStack) -> Any:
    """Return the benchmarks' environment, which version 0.1.0 calls `Site`."""
    try:
        return importlib.import_module("benchmarks.environment").Environment(folder, stack)
    except ModuleNotFoundError:
        return importlib.import_module("benchmarks.site").Site(folder, stack)


def main() -> int:
    """Answer each order with its block."""
    with tempfile.TemporaryDirectory(prefix="ecrkeeper-tree-") as folder, contextlib.ExitStack() as stack:
        worker = Worker(_environment(Path(folder), stack), Path(folder), stack)
        for order in orders():
            answer(**asdict(worker.run(order)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
