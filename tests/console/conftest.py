"""One server with a console for all tests of this directory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import harness
from tests.console.world import World, world


@pytest.fixture(scope="session")
def console(simulated_aws: harness.Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(simulated_aws, tmp_path_factory.mktemp("console")) as made:
        yield made
