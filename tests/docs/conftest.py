"""An empty server, and folders to follow pages in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import harness
from tests.docs.stage import Made, Stage


@pytest.fixture
def server(aws: harness.Simulator, tmp_path: Path) -> Iterator[harness.Server]:
    """A server with SQLite; nothing is declared."""
    folder = tmp_path / "server"
    folder.mkdir()
    running = harness.Server(folder, f"sqlite:///{folder / 'ecrkeeper.db'}", aws.url)
    yield running
    assert running.stop() == 0


@pytest.fixture
def stage(tmp_path: Path) -> Made:
    def new_stage(addresses: dict[str, str], **environment: str) -> Stage:
        folder = tmp_path / "checkout"
        folder.mkdir()
        return Stage(folder, addresses, **environment)

    return new_stage
