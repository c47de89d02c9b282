"""takeover: one of three replicas is killed with many rows due; how long until all of them are done."""

from __future__ import annotations

import contextlib
import time

from benchmarks.measure import median, until
from benchmarks.report import Report
from benchmarks.rows import Rows
from benchmarks.site import Site
from benchmarks.sizes import Sizes
from tests.harness import Server

_LATENCY = 0.05
_GRACE = 2.0


def run(report: Report, sizes: Sizes, site: Site) -> None:
    """The same work with and without a kill, in turn."""
    url = site.database("postgres", sizes.takeover_rows)
    undisturbed, killed, held = [], [], []
    site.responder.latency(_LATENCY)
    with contextlib.closing(Rows(url)) as rows:
        for _ in range(sizes.takeover_rounds):
            # One start for both: what was not killed before goes on.
            with site.engines(url, sizes.replicas, lease_seconds=sizes.takeover_lease) as replicas:
                undisturbed.append(_work(rows, sizes, None)[0])
                seconds, leases = _work(rows, sizes, replicas[0])
                killed.append(seconds)
                held.append(leases)
    lease = sizes.takeover_lease
    report.table(
        f"postgres: {sizes.takeover_rows} rows, {sizes.replicas} replicas, lease {lease} s, AWS answers after 50 ms",
        ("without a kill s", "with one s", "more s", "rows that the killed one held"),
        [(a, b, b - a, h) for a, b, h in zip(undisturbed, killed, held, strict=True)],
    )
    more = median(b - a for a, b in zip(undisturbed, killed, strict=True))
    report.target("all rows done, beyond the time without a kill", more, lease + _GRACE, unit=" s")


def _work(rows: Rows, sizes: Sizes, victim: Server | None) -> tuple[float, int]:
    """Seconds until everything is done, and the leases that a killed replica left."""
    rows.make_due(0, sizes.takeover_rows)
    began = time.monotonic()
    rows.notify()
    held = 0
    if victim is not None:
        until(lambda: rows.due() <= sizes.takeover_rows * 2 / 3, 60, "a third of the rows is done", pause=0.005)
        victim.process.kill()
        victim.process.wait()
        killed = time.monotonic()
        until(lambda: rows.unleased() == 0, 60, "nothing is left but leases")
        held = rows.due() if time.monotonic() - killed < sizes.takeover_lease else 0
    until(lambda: rows.due() == 0, 120, "all rows are done")
    seconds = time.monotonic() - began
    rows.check()
    return seconds, held
