"""Run benchmarks and write the results.

Usage: `python -m benchmarks [--only NAME] [--quick]`.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from ecrkeeper_testing.folders import temporary

from benchmarks.environment import Environment
from benchmarks.report import Report
from benchmarks.sizes import FULL, QUICK, SMOKE, Sizes

NAMES = (
    "startup", "api", "largest_declaration", "neighbours", "apply_latency", "fleet_sweep", "scaling", "takeover",
    "telemetry", "private_interfaces", "transport", "rollout", "get_fleet", "event_drift", "consoles",
)  # fmt: skip
RESULTS = Path("bench-results")


def run(names: Sequence[str], sizes: Sizes, results: Path = RESULTS) -> list[Report]:
    """Run the named benchmarks one after the other."""
    reports = []
    with temporary("ecrkeeper-bench-") as folder, contextlib.ExitStack() as stack:
        environment = Environment(folder, stack)
        for name in names:
            began = time.monotonic()
            report = Report(name, sizes.name)
            print(f"\n== {name} ({sizes.name}) ==", flush=True)
            importlib.import_module(f"benchmarks.{name}").run(report, sizes, environment)
            environment.remove_databases()
            print(f"  {report.write(results)}, {time.monotonic() - began:.0f} s")
            reports.append(report)
    return reports


def main() -> int:
    """Run the selected benchmarks; print missed targets, which do not fail the run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", choices=NAMES, metavar="NAME", help=f"one of {', '.join(NAMES)}")
    parser.add_argument("--quick", action="store_true", help="small sizes, rough figures")
    parser.add_argument("--smoke", action="store_true", help="tiny sizes: only whether everything still runs")
    options = parser.parse_args()
    sizes = SMOKE if options.smoke else QUICK if options.quick else FULL
    reports = run([options.only] if options.only else NAMES, sizes)
    print("\n== targets ==")
    for report in reports:
        for target in report.targets:
            print(f"  {report.name}: {target}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
