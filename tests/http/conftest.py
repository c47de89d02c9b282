"""A server with an HTTP port."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import ecrkeeper
import pytest

from tests import harness
from tests.e2e.live import Live
from tests.http.web import Web, port_of


@dataclass(frozen=True, slots=True)
class Served:
    """A server with its folder, its HTTP port and a client."""

    live: Live
    folder: Path
    port: int

    def web(self) -> Web:
        """Return a connection."""
        return Web(self.port)

    @property
    def url(self) -> str:
        """The URL of the HTTP port."""
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture(scope="module")
def served(simulated_aws: harness.Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that a module's tests share."""
    folder = tmp_path_factory.mktemp("server")
    simulated_aws.control("POST", "reset")
    server = harness.Server(
        folder, f"sqlite:///{folder / 'ecrkeeper.db'}", simulated_aws.url, http_listen="127.0.0.1:0",
        http_allowed_origins="https://ecr.example.com", log_level="debug",
    )  # fmt: skip
    with ecrkeeper.Client(server.address, insecure=True) as client:
        yield Served(Live(server, simulated_aws, client), folder, port_of(folder / "server.log"))
    assert server.stop() == 0
