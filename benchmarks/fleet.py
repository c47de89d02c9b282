"""A fleet of registries under one server, and measured sweeps over some of them."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any

import ecrkeeper
from ecrkeeper_testing import Server

from benchmarks.environment import Environment
from benchmarks.measure import Block, cpu_seconds, cpu_since, family_cpu_seconds, peak_rss_mb, rss_mb, until
from benchmarks.responder import OPERATIONS
from benchmarks.rows import Rows, wake


class Fleet:
    """One server and its registries, all in sync with the canned AWS."""

    def __init__(
        self, server: Server, rows: Rows, client: ecrkeeper.Client, environment: Environment, kind: str, size: int
    ) -> None:
        self.server = server
        self.rows = rows
        self.client = client
        self.size = size
        self._responder = environment.responder
        self._cluster = environment.cluster(kind)
        self._next = 0

    @property
    def pid(self) -> int:
        """The server's process."""
        return self.server.process.pid

    @property
    def rss(self) -> float:
        """Resident memory of the server, in megabytes."""
        return rss_mb(self.pid)

    @property
    def peak_rss(self) -> float:
        """The peak of the resident memory, in megabytes."""
        return peak_rss_mb(self.pid)

    def sweep(self, count: int) -> Block:
        """Make the next `count` registries due and wait until all are done.

        The time runs from the first AWS call to the end of the last attempt, so it does not include
        the engine's wake-up. The CPU time is the server's in between; that of the database does not
        include making the registries due.
        """
        begin = self._next if self._next + count <= self.size else 0
        self._next = begin + count
        self._responder.take()
        server, answering = cpu_seconds(self.pid), cpu_seconds(self._responder.pid)
        self.rows.make_due(begin, count)
        database, written = self._database(), self.rows.written()
        wake(self.client)
        until(lambda: not self.rows.any_due(), 30 + count / 20, f"{count} registries are done")
        end = time.monotonic()
        used = cpu_since(self.pid, server)
        counted = self._responder.take()
        self.rows.check()
        if counted["calls"] < count * len(OPERATIONS):
            raise RuntimeError(f"{counted['calls']} calls for {count} registries")
        more = {
            "calls": counted["calls"],
            "responder cpu": cpu_seconds(self._responder.pid) - answering,
            "database cpu": self._database() - database,
            "wal": self.rows.written() - written,
        }
        return Block(count, end - counted["first"], used, more)

    def settle(self) -> Block:
        """Sweep all registries twice, and return the first sweep.

        An attempt recognizes a registry that two attempts before have found as it is. A server that
        has run for two resyncs recognizes nearly all.
        """
        first = self.sweep(self.size)
        self.sweep(self.size)
        return first

    def _database(self) -> float:
        return family_cpu_seconds(self._cluster.pid) if self._cluster else 0.0


@contextlib.contextmanager
def running_fleet(environment: Environment, kind: str, size: int, /, **settings: Any) -> Iterator[Fleet]:
    """Run a server with `size` registries that are in sync."""
    url = environment.database(kind, size)
    with (
        environment.server(url, **settings) as server,
        ecrkeeper.Client(server.address, insecure=True) as client,
        contextlib.closing(Rows(url)) as rows,
    ):
        yield Fleet(server, rows, client, environment, kind, size)
