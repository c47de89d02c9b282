"""api: Get, List and Update, compared with a bare grpc.aio echo server.

The Update is also compared with its floor: gRPC for Python, protobuf and the same statements by the
driver.

A Python process uses little more than one core, so on Postgres there is a second run with a replica for each of two
cores, on one port. The targets are those of each database at its best: one process on SQLite, two replicas on Postgres.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import ecrkeeper
from ecrkeeper_testing import Process, Server

from benchmarks.api_server import ApiServer
from benchmarks.environment import Environment
from benchmarks.measure import Block, cpu_seconds, cpu_since, interleave, median, ratio, rss_mb
from benchmarks.processes import CLEAN, Child, Listening, stopping
from benchmarks.report import Report
from benchmarks.rows import OWNER, account, registry
from benchmarks.sizes import Sizes

# All callers come from one address and are one principal, so the limits are disabled.
UNLIMITED: dict[str, Any] = {
    "rate_per_principal": 0,
    "elements_per_principal": 0,
    "cpu_per_principal": 0,
    "max_calls": 10_000,
    "max_calls_per_principal": 10_000,
    "max_streams": 10_000,
    "max_streams_per_principal": 10_000,
    "max_request_bytes": 8 * 1024**3,
}
_KINDS = ("get", "list", "update")
_COLUMNS = (
    "call", "callers", "calls/s", "echo/s", "rate/echo", "floor/echo", "p50 ms", "p99 ms", "p99/p50", "echo p99/p50",
    "CPU us/call", "echo CPU us/call", "generator busy", "failed",
)  # fmt: skip


def run(report: Report, sizes: Sizes, environment: Environment) -> None:
    """Measure the calls and the watches on each database."""
    report.note(f"{sizes.registries} registries; the engine is off, so that only the API is measured")
    with (
        stopping(Listening("benchmarks.echo", environment.folder)) as echo,
        stopping(Child("-m", "benchmarks.load", folder=environment.folder)) as load,
    ):
        for name in sizes.databases:
            url = environment.database(name, sizes.registries)
            for count in (1,) if name == "sqlite" else sizes.api_replicas:
                with _replicas(environment, url, count) as servers, _bare(environment, sizes, name) as bare:
                    label = name if count == 1 else f"{name}, {count} replicas on one port"
                    _calls(report, sizes, label, servers, {"echo": echo, **bare}, load)
                    if count == 1:
                        _views(report, sizes, name, servers, load)
                        _watch(report, sizes, name, servers[0], load)


@contextlib.contextmanager
def _replicas(environment: Environment, url: str, count: int) -> Iterator[list[Server]]:
    """Run replicas, which share a port if there are several."""
    settings, servers = dict(UNLIMITED), list[Server]()
    with contextlib.ExitStack() as stack:
        for number in range(count):
            folder = environment.folder / f"replica{number}"
            folder.mkdir(exist_ok=True)
            if count > 1:
                settings["share_port"] = "true"
            if servers:
                settings["listen"] = servers[0].address
            servers.append(stack.enter_context(stopping(ApiServer(folder, url, environment.responder.url, **settings))))
        yield servers


@contextlib.contextmanager
def _bare(environment: Environment, sizes: Sizes, database: str) -> Iterator[dict[str, Process]]:
    """Run the floor of Update on its own database."""
    url = environment.database(database, sizes.registries).removeprefix("sqlite:///")
    command = [sys.executable, "-m", "benchmarks.bare_updates", url]
    with stopping(Process(command, CLEAN, environment.folder / "benchmarks.bare_updates.log")) as server:
        yield {"floor": server}


def loaded(servers: Sequence[Process], load: Child, **order: object) -> Callable[[], Block]:
    """Return a block of load on servers that share an address, with their CPU time."""
    pids = [server.process.pid for server in servers]

    def block() -> Block:
        before, generator = [cpu_seconds(pid) for pid in pids], cpu_seconds(load.pid)
        answer = load.ask(target=servers[0].address, **order)
        busy = (cpu_seconds(load.pid) - generator) / answer["elapsed"]
        used = sum(cpu_since(pid, earlier) for pid, earlier in zip(pids, before, strict=True))
        return Block(answer["units"], answer["seconds"], used, {**answer, "busy": busy})

    return block


def _calls(
    report: Report, sizes: Sizes, name: str, servers: Sequence[Server], others: Mapping[str, Process], load: Child
) -> None:
    rows = [
        _compare(report, sizes, (name, kind, callers), servers, others, load)
        for kind in _KINDS
        for callers in sizes.callers
    ]
    report.table(f"{name}: {sizes.rounds} rounds of {sizes.load_seconds} s", _COLUMNS, rows)


def _compare(
    report: Report, sizes: Sizes, case: tuple[str, str, int], servers: Sequence[Server], others: Mapping[str, Process],
    load: Child,
) -> tuple[object, ...]:  # fmt: skip
    name, kind, callers = case
    times = {"seconds": sizes.load_seconds, "warm_up": sizes.warm_up, "callers": callers}
    first = load.ask(target=servers[0].address, kind=kind, seconds=0.3, warm_up=0.1, callers=callers)
    sent = {"request": first["request"], "reply": first["reply"]}
    variants = {
        "ours": loaded(servers, load, kind=kind, **times),
        "echo": loaded([others["echo"]], load, kind="echo", **sent, **times),
    }
    if kind == "update" and "floor" in others:
        variants["floor"] = loaded([others["floor"]], load, kind=kind, **times)
    results = interleave(sizes.rounds, variants)
    own, echo = results["ours"], results["echo"]
    floors = results.get("floor")
    floor = ratio(floors, echo, lambda b: b.rate) if floors else ""
    of_floor = ratio(own, floors, lambda b: b.rate) if floors else None
    rate = ratio(own, echo, lambda b: b.rate)
    spread, echo_spread = (median(b.more["p99"] / b.more["p50"] for b in blocks) for blocks in (own, echo))
    _targets(report, (name, kind, callers), rate, of_floor, spread)
    return (
        kind, callers, median(b.rate for b in own), median(b.rate for b in echo), rate, floor,
        median(b.more["p50"] for b in own) * 1000, median(b.more["p99"] for b in own) * 1000, spread, echo_spread,
        *(median(b.cpu / b.more["total"] for b in blocks) * 1e6 for blocks in (own, echo)),
        max(median(b.more["busy"] for b in blocks) for blocks in (own, echo)),
        sum(int(b.more["failed"]) for b in (*own, *echo)),
    )  # fmt: skip


def _targets(report: Report, case: tuple[str, str, int], rate: float, of_floor: float | None, spread: float) -> None:
    name, kind, callers = case
    where = f"{name}, {callers} callers"
    if kind == "get":
        report.target(f"{where}: Get's rate against echo", rate, 0.5, at_most=False, unit="x")
        report.target(f"{where}: Get's p99 against its p50", spread, 5.0, unit="x")
    if kind == "update":
        report.note(f"{where}: Update's rate against echo: {rate:.2f}x")
        if of_floor is not None:
            report.target(f"{where}: Update's rate against its floor", of_floor, 0.5, at_most=False, unit="x")
        if callers == 256:
            report.target(f"{where}: Update's p99 against its p50", spread, 8.0, unit="x")


def _views(report: Report, sizes: Sizes, name: str, servers: Sequence[Server], load: Child) -> None:
    """Compare a page of registries in BASIC with one in FULL."""
    times = {"seconds": sizes.load_seconds, "warm_up": sizes.warm_up, "callers": 1}
    views = {view: loaded(servers, load, kind=f"list {view}", **times) for view in ("basic", "full")}
    results = interleave(sizes.rounds, views)
    for view, blocks in results.items():
        cost = median(b.cpu / b.more["total"] for b in blocks) * 1000
        report.note(f"{name}: {cost:.1f} ms of CPU for a page of 100 registries in {view.upper()}")
    basic = ratio(results["basic"], results["full"], lambda b: b.cpu / b.more["total"])
    report.target(f"{name}: CPU of a page of 100 registries in BASIC against FULL", basic, 0.25, unit="x")


def _watch(report: Report, sizes: Sizes, name: str, server: Server, load: Child) -> None:
    before = rss_mb(server.process.pid)
    opened = load.ask(kind="watch", target=server.address, streams=sizes.watches)
    more = rss_mb(server.process.pid) - before
    with ecrkeeper.Client(server.address, insecure=True) as client:
        load.ask(kind="change")
        client.apply_registry_settings(f"{registry(1)}/settings/{OWNER}-2", {"scanningConfiguration": {}})
        notified = load.hear()
    report.note(
        f"{name}: {sizes.watches} watches of {account(0)} open in {opened['seconds']:.1f} s;"
        f" an update was answered, and all of them received it, within {notified['seconds'] * 1000:.0f} ms"
    )
    report.target(f"{name}: memory of {sizes.watches} watches", more, 100.0, unit=" MB")
