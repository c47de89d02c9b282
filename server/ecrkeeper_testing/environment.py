"""Context managers that run ecrkeeper for a test, and clean up afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ecrkeeper_testing.folders import temporary
from ecrkeeper_testing.postgres_server import running as postgres
from ecrkeeper_testing.processes import Server, Simulator, migrate

__all__ = ["postgres", "server", "simulated_aws"]


@contextmanager
def simulated_aws(folder: Path | None = None) -> Iterator[Simulator]:
    """Run an empty simulated AWS; its log is in `folder`, by default a temporary one."""
    with _folder(folder) as place:
        simulator = Simulator(place)
        try:
            yield simulator
        finally:
            simulator.stop()


@contextmanager
def server(
    aws: Simulator | str,
    database_url: str = "",
    *,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    **settings: Any,
) -> Iterator[Server]:
    """Run a server against a simulated AWS, or the URL of one.

    Without `database_url` the server has an SQLite file in `folder`, by default
    a temporary one. The database is migrated first. `settings` are those of the
    server's configuration, for example `resync_seconds=5`.
    """
    with _folder(folder) as place:
        url = database_url or f"sqlite:///{place / 'ecrkeeper.db'}"
        if not url.startswith("sqlite:"):  # The server migrates its own file.
            migrate(url)
        aws_url = aws if isinstance(aws, str) else aws.url
        running = Server(place, url, aws_url, environment=environment, **settings)
        try:
            yield running
        finally:
            running.stop()


@contextmanager
def _folder(folder: Path | None) -> Iterator[Path]:
    if folder is not None:
        yield folder
        return
    with temporary("ecrkeeper-testing-") as made:
        yield made
