"""get_fleet: one call that says what is wrong in a large fleet."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass

import ecrkeeper
from ecrkeeper.v1 import fleet_pb2
from ecrkeeper_testing import Postgres

from benchmarks.callers_by_token import Callers, Reading
from benchmarks.environment import Environment
from benchmarks.measure import cpu_seconds, cpu_since, family_cpu_seconds, median
from benchmarks.report import Report
from benchmarks.rollout import add_accounts
from benchmarks.rows import REGIONS, Rows, account, registry
from benchmarks.sizes import Sizes

# One registry in so many has a problem: 2.4 percent are not Ready, 1 percent drift.
_UNREADY, _DRIFTED, _BROKEN, _SILENT = 42, 100, 500, 500
_REASONS = ("AWS_ACCESS_DENIED", "AWS_REJECTED", "OWNER_CONFLICT", "NOT_VISIBLE_YET")
_ROUNDS = 3
_EVERYTHING = "everything"
_COLUMNS = ("database", "caller", "registries", "not Ready", "server CPU ms", "database CPU ms", "answer ms")


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of one call, in milliseconds."""

    server: float
    database: float
    answer: float


def run(report: Report, sizes: Sizes, environment: Environment) -> None:
    """Call GetFleet in a row, on each database and as each caller."""
    size, rows = sizes.view_registries, []
    callers = Callers(environment.folder, _reading(size))
    for kind in sizes.databases:
        url = _filled(environment, kind, size)
        with environment.server(url, **callers.settings) as server:
            for name in callers.names:
                with callers.client(server.address, name) as client:
                    fleet = client.get_fleet()
                    cost = _measured(client, server.process.pid, environment.cluster(kind), sizes.view_calls)
                _check(name, fleet, size)
                unready = fleet.registry_count - fleet.ready_registry_count
                rows.append((kind, name, fleet.registry_count, unready, cost.server, cost.database, cost.answer))
                where = f"{kind}: GetFleet at {size} registries, {name}"
                report.target(f"{where}, CPU of server and database", cost.server + cost.database, 50, unit=" ms")
    report.table(f"one call of {sizes.view_calls}, median of {_ROUNDS} rounds", _COLUMNS, rows)


def _reading(size: int) -> dict[str, Reading]:
    """Return the accounts and the Regions that each caller may read."""
    several = max(1, size // 100)
    return {
        _EVERYTHING: {},
        "half of the accounts": {"accounts": [f"{account(at)[:10]}*" for at in range(0, size // 2, 2_000)]},
        "one Region": {"regions": [REGIONS[0]]},
        "100 patterns": {"accounts": [f"{account(at * several)[:11]}*" for at in range(100)]},
        "100 accounts": {"accounts": [account(at * several) for at in range(100)]},
        "accounts by their last digit": {"accounts": ["*5"]},
    }


def _check(name: str, fleet: fleet_pb2.Fleet, size: int) -> None:
    """Raise RuntimeError if a caller sees too much or nothing."""
    is_everything = name == _EVERYTHING
    if not fleet.registry_count or (fleet.registry_count == size) < is_everything:
        raise RuntimeError(f"{name}: {fleet.registry_count} of {size} registries")
    if is_everything and not fleet.drifted_registry_count:
        raise RuntimeError("no registry has drift")


def _filled(environment: Environment, kind: str, size: int) -> str:
    url = environment.database(kind, size)
    add_accounts(url, size)
    with contextlib.closing(Rows(url)) as rows:
        for at, reason in enumerate(_REASONS):
            rows.mark(_every(size, _UNREADY * len(_REASONS), _UNREADY * at), reason=reason)
        rows.mark(_every(size, _DRIFTED, 1), drifted=True)
        rows.mark(_every(size, _BROKEN, 2), replication="BROKEN")
        rows.mark(_every(size, _SILENT, 3), silent=True)
        rows.analyze()
    return url


def _measured(client: ecrkeeper.Client, server: int, cluster: Postgres | None, calls: int) -> Cost:
    def call() -> Cost:
        began, used = time.monotonic(), cpu_seconds(server)
        database = family_cpu_seconds(cluster.pid) if cluster else 0.0
        for _ in range(calls):
            client.get_fleet()
        seconds = time.monotonic() - began
        later = family_cpu_seconds(cluster.pid) if cluster else 0.0
        each = (cpu_since(server, used), later - database, seconds)
        return Cost(*(1000 * value / calls for value in each))

    costs = [call() for _ in range(_ROUNDS)]
    return Cost(*(median(getattr(each, name) for each in costs) for name in ("server", "database", "answer")))


def _every(size: int, step: int, first: int) -> list[str]:
    return [registry(at) for at in range(first, size, step)]
