"""Running servers for the tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import ecrkeeper
import pytest

from tests import databases, harness
from tests.e2e.live import Live


def _serve(aws: harness.Simulator, folder: pytest.TempPathFactory, url: str) -> Iterator[Live]:
    server = harness.Server(folder.mktemp("server"), url, aws.url)
    with ecrkeeper.Client(server.address, insecure=True) as client:
        yield Live(server, aws, client)
    assert server.stop() == 0


@pytest.fixture(scope="module")
def live(simulated_aws: harness.Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A server with SQLite; each test uses an account of its own."""
    url = databases.new_sqlite(tmp_path_factory.mktemp("db") / "ecrkeeper.db")
    yield from _serve(simulated_aws, tmp_path_factory, url)


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def either(
    request: pytest.FixtureRequest, simulated_aws: harness.Simulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Live]:
    """A server with each kind of database."""
    url = databases.migrated(request, request.param, tmp_path_factory.mktemp("db"))
    yield from _serve(simulated_aws, tmp_path_factory, url)
