"""The environment of a run: a folder, canned AWS, Postgres, and seeded databases."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import ecrkeeper
from ecrkeeper_server.store import schema
from ecrkeeper_testing import Postgres, Server, postgres

from benchmarks.processes import Responder, stopping
from benchmarks.rows import Rows, Seed

# Longer than any benchmark, so that only benchmarks make rows due.
SETTINGS = {"resync_seconds": 86_400, "lease_seconds": 30}


class Environment:
    """Creates each part on first use, and removes all of them at the end of the run."""

    def __init__(self, folder: Path, stack: contextlib.ExitStack) -> None:
        self.folder = folder
        self.responder = stack.enter_context(stopping(Responder(folder)))
        self._stack = stack
        self._cluster: Postgres | None = None
        self._seed: Seed | None = None
        self._databases = 0
        self._in_postgres: list[str] = []

    def cluster(self, database: str = "postgres") -> Postgres | None:
        """The cluster for `postgres`, None for `sqlite`."""
        return self.postgres if database == "postgres" else None

    @property
    def postgres(self) -> Postgres:
        """The running cluster."""
        if self._cluster is None:
            self._cluster = self._stack.enter_context(postgres(durable=True))
        return self._cluster

    def database(self, kind: str, rows: int = 0) -> str:
        """Return the URL of a new, migrated database with this many registries in sync."""
        seed = self._seeded() if rows else None
        self._databases += 1
        name = f"bench{self._databases}"
        cluster = self.cluster(kind)
        if cluster is None:
            url = f"sqlite:///{self.folder / name}.db"
        else:
            url = cluster.create_database(name)
            self._in_postgres.append(name)
        schema.migrate(url)
        if seed is not None:
            with contextlib.closing(Rows(url)) as seeded:
                seeded.clone(seed, rows)
        return url

    def remove_databases(self) -> None:
        """Remove all databases, for the sake of the disk."""
        for name in self._in_postgres:
            self.postgres.drop_database(name)
        self._in_postgres.clear()
        for path in self.folder.glob("bench*.db*"):
            path.unlink()

    def server(
        self, url: str, *, program: type[Server] = Server, **settings: Any
    ) -> contextlib.AbstractContextManager[Server]:
        """A server on a database, killed at the end."""
        return stopping(program(self.folder, url, self.responder.url, **{**SETTINGS, **settings}))

    @contextlib.contextmanager
    def engines(self, url: str, count: int, **settings: Any) -> Iterator[list[Server]]:
        """Run this many replicas with only the engine, started at the same time."""

        def start(_: int) -> contextlib.AbstractContextManager[Server]:
            return self.server(url, role="engine", **settings)

        with contextlib.ExitStack() as stack, ThreadPoolExecutor(count) as pool:
            yield [stack.enter_context(replica) for replica in pool.map(start, range(count))]

    def _seeded(self) -> Seed:
        if self._seed is None:
            self.responder.latency(0)
            url = self.database("sqlite")
            with (
                self.server(url) as server,
                ecrkeeper.Client(server.address, insecure=True) as client,
                contextlib.closing(Rows(url)) as rows,
            ):
                self._seed = rows.seed(client)
        return self._seed
