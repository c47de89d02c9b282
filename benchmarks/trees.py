"""Compare this checkout with an earlier one.

Usage: `python -m benchmarks.trees OTHER [--rounds N]`.

Both run their own server, client and load generator in their own `.venv`. Blocks of work alternate between them, so
that other load on the machine affects both. Each figure is a median of the ratios of one round: this checkout's
divided by the other's. OTHER needs `make setup`, and the interfaces of `benchmarks` that `tree_worker.py` uses.
"""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ecrkeeper_testing.folders import temporary

from benchmarks.measure import Block, interleave, median
from benchmarks.processes import ROOT, Child, stopping
from benchmarks.report import Report

WORKER = ROOT / "benchmarks" / "tree_worker.py"
_SMALLEST = 0.97
CASES: dict[str, dict[str, Any]] = {
    "startup, sqlite": {"do": "start", "database": "sqlite"},
    "startup, postgres": {"do": "start", "database": "postgres"},
    **{
        f"{kind}, {callers} callers, {database}": {"do": kind, "callers": callers, "database": database, "seconds": 1.0}
        for database in ("sqlite", "postgres")
        for kind in ("get", "list", "update")
        for callers in (1, 32)
    },
    "sweep, sqlite": {"do": "sweep", "database": "sqlite"},
    "sweep, postgres": {"do": "sweep", "database": "postgres"},
}


def compare(report: Report, other: Path, rounds: int, cases: dict[str, dict[str, Any]]) -> None:
    """Run each case in both checkouts in turn; print ratios of speed, CPU and memory."""
    with _worker(ROOT) as new, _worker(other) as old:
        rows = [_compare(report, name, order, new, old, rounds) for name, order in cases.items()]
    columns = (
        "case",
        "speed new/old",
        "lowest",
        "highest",
        "CPU old/new",
        "least CPU old/new",
        "RSS new MB",
        "RSS old MB",
    )
    report.table(f"{rounds} interleaved rounds", columns, rows)


@contextlib.contextmanager
def _worker(tree: Path) -> Iterator[Child]:
    """A process of the tree's own Python that does what it is told in the tree."""
    python = str(tree / ".venv" / "bin" / "python")
    # A start with PYTHONDONTWRITEBYTECODE would compile all modules, which an installed server does not.
    subprocess.run([python, "-m", "compileall", "-q", "server", "client", "benchmarks", "tests"], cwd=tree, check=True)
    with (
        temporary("ecrkeeper-trees-") as folder,
        stopping(Child(str(WORKER), folder=folder, tree=tree, python=python)) as child,
    ):
        yield child


def _compare(
    report: Report, name: str, order: dict[str, Any], new: Child, old: Child, rounds: int
) -> tuple[object, ...]:
    def block(worker: Child) -> Callable[[], Block]:
        return lambda: Block(**worker.ask(**order))

    variants = {"new": block(new), "old": block(old)}
    interleave(1, variants)
    results = interleave(rounds, variants)
    pairs = list(zip(results["new"], results["old"], strict=True))
    speeds = [a.rate / b.rate for a, b in pairs]
    report.target(f"{name}: speed against the other checkout", median(speeds), _SMALLEST, at_most=False, unit="x")
    cheaper = median((b.cpu / b.units) / (a.cpu / a.units) for a, b in pairs)
    # Other load adds to CPU time and never takes away: the least of all rounds is the steadiest figure.
    least = min(b.cpu / b.units for _, b in pairs) / min(a.cpu / a.units for a, _ in pairs)
    memory = (median(block.more["rss"] for block in results[checkout]) for checkout in ("new", "old"))
    return (name, median(speeds), min(speeds), max(speeds), cheaper, least, *memory)


def main() -> int:
    """Compare as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.trees", description=__doc__)
    parser.add_argument("other", type=Path, help="the checkout to compare with")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--only", default="", help="only cases whose name contains this")
    arguments = parser.parse_args()
    report = Report("trees", "full")
    cases = {name: order for name, order in CASES.items() if arguments.only in name}
    compare(report, arguments.other.resolve(), arguments.rounds, cases)
    print(f"  {report.write(ROOT / 'bench-results')}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
