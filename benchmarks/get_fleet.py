"""get_fleet: one call that says what is wrong in a large fleet."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass

import ecrkeeper

from benchmarks.environment import Environment
from benchmarks.measure import cpu_seconds, cpu_since, family_cpu_seconds, median
from benchmarks.report import Report
from benchmarks.rollout import add_accounts
from benchmarks.rows import Rows, registry
from benchmarks.sizes import Sizes

# One registry in so many has a problem: 2.4 percent are not Ready, 1 percent drift.
_UNREADY, _DRIFTED, _BROKEN, _SILENT = 42, 100, 500, 500
_REASONS = ("AWS_ACCESS_DENIED", "AWS_REJECTED", "OWNER_CONFLICT", "NOT_VISIBLE_YET")
_ROUNDS = 3
_COLUMNS = ("database", "registries", "not Ready", "server CPU ms", "database CPU ms", "answer ms")


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of one call, in milliseconds."""

    server: float
    database: float
    answer: float


def run(report: Report, sizes: Sizes, environment: Environment) -> None:
    """Call GetFleet in a row, on each database."""
    rows = []
    for kind in sizes.databases:
        cost, unready = _measured(environment, kind, sizes.view_registries, sizes.view_calls)
        rows.append((kind, sizes.view_registries, unready, cost.server, cost.database, cost.answer))
        where = f"{kind}: GetFleet at {sizes.view_registries} registries"
        report.target(f"{where}, CPU of server and database", cost.server + cost.database, 50, unit=" ms")
    report.table(f"one call of {sizes.view_calls}, median of {_ROUNDS} rounds", _COLUMNS, rows)


def _measured(environment: Environment, kind: str, size: int, calls: int) -> tuple[Cost, int]:
    url = environment.database(kind, size)
    add_accounts(url, size)
    with contextlib.closing(Rows(url)) as rows:
        for at, reason in enumerate(_REASONS):
            rows.mark(_every(size, _UNREADY * len(_REASONS), _UNREADY * at), reason=reason)
        rows.mark(_every(size, _DRIFTED, 1), drifted=True)
        rows.mark(_every(size, _BROKEN, 2), replication="BROKEN")
        rows.mark(_every(size, _SILENT, 3), silent=True)
        rows.analyze()
    cluster = environment.cluster(kind)
    with environment.server(url) as server, ecrkeeper.Client(server.address, insecure=True, timeout=60) as client:
        found = client.get_fleet()
        if found.registry_count != size or not found.drifted_registry_count:
            raise RuntimeError(f"{found.registry_count} registries, {found.drifted_registry_count} with drift")

        def call() -> Cost:
            began, used = time.monotonic(), cpu_seconds(server.process.pid)
            database = family_cpu_seconds(cluster.pid) if cluster else 0.0
            for _ in range(calls):
                client.get_fleet()
            seconds = time.monotonic() - began
            later = family_cpu_seconds(cluster.pid) if cluster else 0.0
            each = (cpu_since(server.process.pid, used), later - database, seconds)
            return Cost(*(1000 * value / calls for value in each))

        costs = [call() for _ in range(_ROUNDS)]
    cost = Cost(*(median(getattr(each, name) for each in costs) for name in ("server", "database", "answer")))
    return cost, found.registry_count - found.ready_registry_count


def _every(size: int, step: int, first: int) -> list[str]:
    return [registry(at) for at in range(first, size, step)]
