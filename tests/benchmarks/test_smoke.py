"""The benchmarks still run: each once, at tiny sizes; what they find there means nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.__main__ import NAMES, run
from benchmarks.sizes import SMOKE


@pytest.mark.parametrize("name", NAMES)
def test_benchmark_runs_and_writes_every_figure_that_it_prints(name: str, tmp_path: Path) -> None:
    report = run(name, SMOKE, tmp_path)
    written = json.loads((tmp_path / f"{name}.json").read_text())
    assert report.targets, "a benchmark without a target says nothing"
    assert [t["name"] for t in written["targets"]] == [t.name for t in report.targets]
    assert all(row for table in written["tables"] for row in table["rows"])
