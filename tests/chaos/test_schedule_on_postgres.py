"""The random schedule, with two servers on Postgres; a file of its own, so that both databases have their turn at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness import Simulator

from .actors import run
from .seeded import SECONDS, SEED


@pytest.mark.timeout(SECONDS + 600)
def test_everything_acknowledged_comes_true_whatever_happens(aws: Simulator, shared_url: str, tmp_path: Path) -> None:
    run(tmp_path, shared_url, aws, seed=SEED, seconds=SECONDS)
