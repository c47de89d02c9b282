"""The benchmarks run once at tiny sizes; their figures mean nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.__main__ import NAMES, run
from benchmarks.processes import ROOT
from benchmarks.report import Report
from benchmarks.sizes import SMOKE
from benchmarks.trees import CASES, compare


# Several processes start, which takes a while when other tests use the cores.
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", NAMES)
def test_benchmark_runs_and_writes_its_result(name: str, tmp_path: Path) -> None:
    (report,) = run([name], SMOKE, tmp_path)
    assert report.name == name
    result = json.loads((tmp_path / f"{name}.json").read_text())
    assert report.targets, "a benchmark without a target says nothing"
    assert [t["name"] for t in result["targets"]] == [t.name for t in report.targets]
    rows = [row for table in result["tables"] for row in table["rows"]]
    assert all(rows)
    assert not [row for row in rows if row.get("failed")]


@pytest.mark.timeout(300)
def test_trees_compares_a_checkout_with_itself() -> None:
    report = Report("trees", "smoke")
    compare(report, ROOT, 1, {name: CASES[name] for name in ("startup, sqlite", "sweep, sqlite")})
    assert [row["case"] for row in report.tables[0]["rows"]] == ["startup, sqlite", "sweep, sqlite"]
    assert all(row["speed new/old"] > 0 for row in report.tables[0]["rows"])
