"""The random schedule with two servers on Postgres, in a file of its own for -n."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness import Simulator

from .actors import run
from .seeded import SECONDS, SEED


@pytest.mark.timeout(SECONDS + 600)
def test_acknowledged_writes_converge_in_any_schedule(aws: Simulator, shared_url: str, tmp_path: Path) -> None:
    run(tmp_path, shared_url, aws, seed=SEED, seconds=SECONDS)
