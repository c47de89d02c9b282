"""scaling: the gain from a second replica."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

from ecrkeeper_testing import Postgres, Server

from benchmarks.environment import Environment
from benchmarks.measure import Block, cpu_seconds, cpu_since, family_cpu_seconds, interleave, median, ratio, until
from benchmarks.processes import Responder
from benchmarks.report import Report
from benchmarks.rows import Rows
from benchmarks.sizes import Sizes

# In the case with latency, a replica reconciles few rows at a time, so that it waits for AWS and
# not for a core.
_CASES = {"waiting for AWS": (0.05, 8), "bound by CPU": (0.0, 32)}
_COLUMNS = ("case", "replicas", "registries/s", "CPU us/registry", "database us/registry", "cores of the replicas")


def run(report: Report, sizes: Sizes, environment: Environment) -> None:
    """One and two replicas in turn, each set on a database of its own."""
    report.note("replicas, Postgres and the canned AWS share the cores of one machine; the target is of the first case")
    responder = environment.responder
    urls = {n: environment.database("postgres", sizes.scaling_block) for n in (1, 2)}
    for case in sizes.scaling_cases:
        latency, concurrency = _CASES[case]
        with contextlib.ExitStack() as stack:
            variants = {}
            for n, url in urls.items():
                rows = stack.enter_context(contextlib.closing(Rows(url)))
                replicas = stack.enter_context(environment.engines(url, n, concurrency=concurrency))
                variants[str(n)] = _sweeping(rows, replicas, responder, environment.postgres, sizes.scaling_block)
            responder.latency(0)
            for warm_up in variants.values():
                warm_up()
            responder.latency(latency)
            results = interleave(sizes.rounds, variants)
        _show(report, case, latency, concurrency, results)


def _sweeping(
    rows: Rows, replicas: list[Server], responder: Responder, cluster: Postgres, count: int
) -> Callable[[], Block]:
    def block() -> Block:
        responder.take()
        before = [cpu_seconds(replica.process.pid) for replica in replicas]
        database = family_cpu_seconds(cluster.pid)
        rows.make_due(0, count)
        rows.notify()
        until(lambda: rows.due() == 0, 30 + count / 10, f"{count} registries are done", pause=0.01)
        end = time.monotonic()
        used = sum(cpu_since(r.process.pid, b) for r, b in zip(replicas, before, strict=True))
        rows.check()
        more = {"database": family_cpu_seconds(cluster.pid) - database}
        return Block(count, end - responder.take()["first"], used, more)

    return block


def _show(report: Report, case: str, latency: float, concurrency: int, results: dict[str, list[Block]]) -> None:
    rows = [
        (
            case, n, median(b.rate for b in blocks), median(b.cpu / b.units for b in blocks) * 1e6,
            median(b.more["database"] / b.units for b in blocks) * 1e6, median(b.cpu / b.seconds for b in blocks),
        )
        for n, blocks in results.items()
    ]  # fmt: skip
    report.table(f"postgres: {latency * 1000:.0f} ms, concurrency {concurrency} a replica", _COLUMNS, rows)
    more = ratio(results["2"], results["1"], lambda b: b.rate)
    if latency:
        report.target(f"{case}: rate of two replicas against one", more, 1.7, at_most=False, unit="x")
    else:
        report.note(f"{case}: rate of two replicas against one: {more:.2f}x")
