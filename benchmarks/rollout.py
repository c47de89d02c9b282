"""rollout: plan, write and converge one registry set over many registries.

A client with 32 threads is measured for comparison.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import ecrkeeper
from ecrkeeper.v1.fleet_pb2 import Rollout
from ecrkeeper_server.store import fleet_accounts, schema
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.fleet_rows import AccountRow
from ecrkeeper_testing import Server

from benchmarks.environment import Environment
from benchmarks.measure import cpu_seconds, cpu_since, peak_rss_mb, rss_mb, until
from benchmarks.report import Report
from benchmarks.responder import DECLARED
from benchmarks.rows import REGIONS, account, registry
from benchmarks.sizes import Sizes

_THREADS = 32
_NAME = "registrySets/bench"
_NEVER = 2**60
# A policy names its registry, and the canned AWS has one policy for all.
_SETTINGS = {name: shape for name, shape in DECLARED.items() if "olicy" not in name}
_CONTENT = {
    "selector": {"accounts": "labels.env = bench"},
    "settings": _SETTINGS,
    "strategy": {"waves": [{"rest": True, "failureTolerance": {"percent": 100}, "maxConcurrent": {"percent": 100}}]},
}


@dataclass(frozen=True, slots=True)
class Figures:
    """The cost of one set; times in seconds, memory in megabytes."""

    targets: int
    plan_cpu: float
    plan_memory: float
    written_in: float
    converged_in: float
    converged_cpu: float

    @property
    def cpu_per_target(self) -> float:
        """The CPU of the server for one target, in milliseconds."""
        return 1000 * self.converged_cpu / self.targets


def run(report: Report, sizes: Sizes, environment: Environment) -> None:
    """Roll out to fleets of several sizes.

    A client declares the same for the smallest fleet.
    """
    environment.responder.latency(0)
    for kind in sizes.databases:
        figures = [_rolled_out(environment, kind, size) for size in sizes.rollout]
        loop = _client_loop(environment, kind, sizes.rollout[0])
        report.table(
            f"{kind}: one set over so many registries",
            ("targets", "plan CPU s", "plan MB", "written s", "converged s", "CPU ms a target"),
            [(f.targets, f.plan_cpu, f.plan_memory, f.written_in, f.converged_in, f.cpu_per_target) for f in figures],
        )
        first, largest = figures[0], figures[-1]
        report.note(f"{kind}: a client with {_THREADS} threads declares {first.targets} registries in {loop:.2f} s")
        report.target(f"{kind}: planning {largest.targets} targets, CPU", largest.plan_cpu, 60, unit=" s")
        report.target(f"{kind}: planning {largest.targets} targets, memory", largest.plan_memory, 300, unit=" MB")
        report.target(f"{kind}: declarations written, beside the client", loop / first.written_in, 3, at_most=False)
        growth = largest.cpu_per_target / first.cpu_per_target
        report.target(f"{kind}: CPU of a target, largest fleet to smallest", growth, 1.15)


def add_accounts(url: str, registries: int) -> None:
    """Put accounts with 20 Regions each into the fleet."""

    def fill(tx: Tx) -> None:
        for index in range(0, registries, len(REGIONS)):
            # Without checks of accounts, whose cost does not depend on sets.
            row = AccountRow(
                account=account(index), uid=str(uuid.uuid4()), labels={"env": "bench"}, regions=list(REGIONS),
                check_at=_NEVER,
            )  # fmt: skip
            fleet_accounts.add(tx, row)

    async def write() -> None:
        db = schema.open_database(url)
        await db.write(fill)
        await db.close()

    asyncio.run(write())


def _rolled_out(environment: Environment, kind: str, size: int) -> Figures:
    url = environment.database(kind)
    add_accounts(url, size)
    # One caller plans the largest fleets one after another.
    with (
        environment.server(url, elements_per_principal=0, cpu_per_principal=0) as server,
        ecrkeeper.Client(server.address, insecure=True, timeout=110) as client,
    ):
        plan_cpu, plan_memory = _planned(server, client, size)
        began, cpu = time.monotonic(), cpu_seconds(server.process.pid)
        client.create_registry_set("bench", _CONTENT)
        until(lambda: _is_written(client, size), _longest(size), "all targets are written")
        written = time.monotonic() - began
        until(lambda: _rollout(client).state == Rollout.SUCCEEDED, _longest(size), "all targets are in order")
        converged = time.monotonic() - began
        used = cpu_since(server.process.pid, cpu)
    return Figures(size, plan_cpu, plan_memory, written, converged, used)


def _planned(server: Server, client: ecrkeeper.Client, size: int) -> tuple[float, float]:
    """Return the CPU and the memory of the second of two plans.

    The first call loads modules.
    """
    pid = server.process.pid
    for _ in range(2):
        before, cpu = rss_mb(pid), cpu_seconds(pid)
        planned = client.create_registry_set("bench", _CONTENT, validate_only=True).plan
        used = cpu_since(pid, cpu)
    if planned.changing_count != size:
        raise RuntimeError(f"{planned.changing_count} registries change, not {size}")
    return used, max(0.0, peak_rss_mb(pid) - before)


def _rollout(client: ecrkeeper.Client) -> Rollout:
    return client.get_rollout(f"{_NAME}/rollouts/1")


def _is_written(client: ecrkeeper.Client, size: int) -> bool:
    waves = _rollout(client).waves
    return bool(waves) and waves[0].target_count == size and not waves[0].pending_count


def _longest(size: int) -> float:
    return 60 + size / 10


def _client_loop(environment: Environment, kind: str, size: int) -> float:
    """Return the seconds that a threaded client takes to declare for each registry."""
    url = environment.database(kind)
    with (
        environment.server(url) as server,
        ecrkeeper.Client(server.address, insecure=True, timeout=60) as client,
        ThreadPoolExecutor(_THREADS) as pool,
    ):
        began = time.monotonic()
        names = [f"{registry(index)}/settings/bench" for index in range(size)]
        list(pool.map(lambda name: client.apply_registry_settings(name, _SETTINGS), names))
        return time.monotonic() - began
