"""One server with a console for all tests of this directory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import harness
from tests.console.world import World, world


@pytest.fixture(scope="session")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("console")
    # A simulated AWS of its own: tests of other directories reset the one that they share.
    simulator = harness.Simulator(folder)
    with world(simulator, folder) as served:
        yield served
    simulator.stop()
