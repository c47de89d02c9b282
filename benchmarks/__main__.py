"""`python -m benchmarks [--only NAME] [--quick]`: run the benchmarks, print what they found, write it as JSON."""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.report import Report
from benchmarks.sizes import FULL, QUICK, SMOKE, Sizes

NAMES = ("fleet_sweep", "api")
RESULTS = Path("bench-results")


def run(name: str, sizes: Sizes, results: Path = RESULTS) -> Report:
    """One benchmark."""
    began = time.monotonic()
    report = Report(name, sizes.name)
    print(f"\n== {name} ({sizes.name}) ==", flush=True)
    with tempfile.TemporaryDirectory(prefix="ecrkeeper-bench-") as folder:
        # Postgres may run as another user.
        Path(folder).chmod(0o755)
        importlib.import_module(f"benchmarks.{name}").run(report, sizes, Path(folder))
    print(f"  {report.write(results)}, {time.monotonic() - began:.0f} s")
    return report


def main() -> int:
    """Run what was asked for; missed targets are printed and do not fail the run: machines differ."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", choices=NAMES, metavar="NAME", help=f"one of {', '.join(NAMES)}")
    parser.add_argument("--quick", action="store_true", help="small sizes, rough figures")
    parser.add_argument("--smoke", action="store_true", help="tiny sizes: only whether everything still runs")
    given = parser.parse_args()
    sizes = SMOKE if given.smoke else QUICK if given.quick else FULL
    reports = [run(name, sizes) for name in ([given.only] if given.only else NAMES)]
    print("\n== targets ==")
    for report in reports:
        for target in report.targets:
            print(f"  {report.name}: {target}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
