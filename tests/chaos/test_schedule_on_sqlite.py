"""The random schedule with one server on SQLite, in a file of its own for -n."""

from __future__ import annotations

from pathlib import Path

import pytest
from ecrkeeper_server.store import schema

from tests.harness import Simulator

from .actors import run
from .seeded import SECONDS, SEED


@pytest.mark.timeout(SECONDS + 600)
def test_acknowledged_writes_converge_in_any_schedule(aws: Simulator, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ecrkeeper.db'}"
    schema.migrate(url)
    run(tmp_path, url, aws, seed=SEED, seconds=SECONDS)
