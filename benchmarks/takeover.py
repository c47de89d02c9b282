"""takeover: delay until all due rows are done after a kill of 1 of 3 replicas."""

from __future__ import annotations

import contextlib
import time

from ecrkeeper_testing import Server

from benchmarks.environment import Environment
from benchmarks.measure import median, until
from benchmarks.report import Report
from benchmarks.rows import Rows
from benchmarks.sizes import Sizes

_LATENCY = 0.05
_GRACE = 2.0


def run(report: Report, sizes: Sizes, environment: Environment) -> None:
    """The same work with and without a kill, in turn."""
    url = environment.database("postgres", sizes.takeover_rows)
    undisturbed, disturbed, since_kill = [], [], []
    environment.responder.latency(_LATENCY)
    with contextlib.closing(Rows(url)) as rows:
        for _ in range(sizes.takeover_rounds):
            # One start for both cases: the surviving replicas continue.
            with environment.engines(url, sizes.replicas, lease_seconds=sizes.takeover_lease) as replicas:
                undisturbed.append(_work(rows, sizes, None)[0])
                seconds, after = _work(rows, sizes, replicas[0])
                disturbed.append(seconds)
                since_kill.append(after)
    lease = sizes.takeover_lease
    report.table(
        f"postgres: {sizes.takeover_rows} rows, {sizes.replicas} replicas, lease {lease} s, AWS answers after 50 ms",
        ("without a kill s", "with one s", "more s", "s from the kill on"),
        [(a, b, b - a, c) for a, b, c in zip(undisturbed, disturbed, since_kill, strict=True)],
    )
    more = median(b - a for a, b in zip(undisturbed, disturbed, strict=True))
    report.target("all rows done, beyond the time without a kill", more, lease + _GRACE, unit=" s")


def _work(rows: Rows, sizes: Sizes, victim: Server | None) -> tuple[float, float]:
    """Return the seconds until all rows are done, since due and since the kill."""
    rows.make_due(0, sizes.takeover_rows)
    began = time.monotonic()
    rows.notify()
    killed = began
    if victim is not None:
        until(lambda: rows.due() <= sizes.takeover_rows * 2 / 3, 60, "a third of the rows is done", pause=0.005)
        victim.process.kill()
        victim.process.wait()
        killed = time.monotonic()
    until(lambda: rows.due() == 0, 120, "all rows are done")
    end = time.monotonic()
    rows.check()
    return end - began, end - killed
