"""A fleet under one server: its rows, its process, and one measured sweep over some of them."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ecrkeeper

from benchmarks.measure import Block, cpu_seconds, cpu_since, family_cpu_seconds, peak_rss_mb, rss_mb, until
from benchmarks.processes import Responder, new_database, stopping
from benchmarks.responder import OPERATIONS
from benchmarks.rows import Rows, wake
from tests.harness import Server
from tests.postgres import Postgres

# Longer than any benchmark: nothing is due but what a benchmark makes due.
SETTINGS = {"resync_seconds": 86_400, "lease_seconds": 30}


class Fleet:
    """One server and its registries, all in sync with the canned AWS."""

    def __init__(self, server: Server, rows: Rows, client: ecrkeeper.Client, responder: Responder, size: int) -> None:
        self.server = server
        self.rows = rows
        self.client = client
        self.size = size
        self._responder = responder
        self._cluster: Postgres | None = None
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
        """The most that it ever was."""
        return peak_rss_mb(self.pid)

    def sweep(self, count: int, cluster: Postgres | None = None) -> Block:
        """Make the next `count` registries due and wait until all are done.

        The time counts from the first AWS call to the end of the last step, so that how soon the engine notices is
        not in it; CPU time is all that the server uses in between.
        """
        begin = self._next if self._next + count <= self.size else 0
        self._next = begin + count
        self._responder.take()
        server, answering = cpu_seconds(self.pid), cpu_seconds(self._responder.pid)
        database = family_cpu_seconds(cluster.pid) if cluster else 0.0
        self.rows.make_due(begin, count)
        wake(self.client)
        until(lambda: self.rows.due() == 0, 30 + count / 20, f"{count} registries are done")
        end = time.monotonic()
        used = cpu_since(self.pid, server)
        counted = self._responder.take()
        self.rows.check()
        if counted["calls"] < count * len(OPERATIONS):
            raise RuntimeError(f"{counted['calls']} calls for {count} registries")
        more = {
            "calls": counted["calls"],
            "responder cpu": cpu_seconds(self._responder.pid) - answering,
            "database cpu": family_cpu_seconds(cluster.pid) - database if cluster else 0.0,
        }
        return Block(count, end - counted["first"], used, more)


@contextlib.contextmanager
def running_fleet(
    folder: Path, responder: Responder, size: int, cluster: Postgres | None = None, **settings: Any
) -> Iterator[Fleet]:
    """A server with `size` registries that need nothing."""
    where = folder / f"fleet-{'sqlite' if cluster is None else 'postgres'}-{size}"
    where.mkdir()
    url = new_database(cluster, where, f"{folder.name}-{size}")
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(stopping(Server(where, url, responder.url, **{**SETTINGS, **settings})))
        client = stack.enter_context(ecrkeeper.Client(server.address, insecure=True))
        rows = Rows(url)
        stack.callback(rows.close)
        rows.fill(client, size)
        yield Fleet(server, rows, client, responder, size)
