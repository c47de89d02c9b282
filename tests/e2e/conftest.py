"""One server with SQLite for the tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import ecrkeeper
import pytest

from tests import databases, harness
from tests.e2e.live import Live


@pytest.fixture(scope="module")
def live(simulated_aws: harness.Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A server that a module's tests share; each test uses its own account."""
    folder = tmp_path_factory.mktemp("server")
    url = databases.new_sqlite(folder / "ecrkeeper.db")
    simulated_aws.control("POST", "reset")
    server = harness.Server(folder, url, simulated_aws.url)
    with ecrkeeper.Client(server.address, insecure=True) as client:
        yield Live(server, simulated_aws, client)
    assert server.stop() == 0
