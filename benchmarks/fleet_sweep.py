"""fleet_sweep: observe and plan N registries with 3 settings, without changes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from benchmarks.environment import Environment
from benchmarks.fleet import Fleet, running_fleet
from benchmarks.measure import Block, interleave, median, ratio, rss_mb
from benchmarks.processes import Child, stopping
from benchmarks.report import Report
from benchmarks.sizes import Sizes

_CALLS = 3
_MICRO = 1e6
_COLUMNS = (
    "variant", "latency ms", "registries/s", "CPU us/AWS call", "responder us/call", "database us/registry", "RSS MB",
)  # fmt: skip


def run(report: Report, sizes: Sizes, environment: Environment) -> None:
    """Compare the sweep with boto3 on threads and with bare HTTP.

    Then measure its growth.
    """
    for name in sizes.databases:
        for latency in sizes.latencies:
            _against_baselines(report, sizes, environment, name, latency)
        _growth(report, sizes, environment, name)


def _against_baselines(report: Report, sizes: Sizes, environment: Environment, name: str, latency: float) -> None:
    responder = environment.responder
    responder.latency(0)
    with (
        running_fleet(environment, name, sizes.fleet) as fleet,
        stopping(Child("-m", "benchmarks.threads", responder.url, folder=environment.folder)) as threads,
        stopping(Child("-m", "benchmarks.floor", responder.url, folder=environment.folder)) as floor,
    ):
        empty = _empty_rss(threads)
        creation = threads.block(do="make", registries=sizes.clients)
        first_sweep = fleet.settle()
        responder.latency(latency)
        variants = {
            "ecrkeeper": lambda: fleet.sweep(sizes.fleet),
            "boto3, 32 threads": lambda: threads.block(do="sweep", registries=sizes.threads_block),
        }
        if not latency:
            # The floor makes one call at a time, so its CPU time is comparable, and its rate at 50
            # ms is not.
            variants["http.client"] = lambda: floor.block(way="http.client", calls=sizes.floor_calls)
            variants["bare socket"] = lambda: floor.block(way="socket", calls=sizes.floor_calls)
        blocks = interleave(sizes.rounds, variants)
        memory = {
            "ecrkeeper": fleet.peak_rss, "boto3, 32 threads": rss_mb(threads.pid), "http.client": rss_mb(floor.pid),
            "bare socket": rss_mb(floor.pid),
        }  # fmt: skip
    rows = [(key, latency * 1000, *_figures(key, measured), memory[key]) for key, measured in blocks.items()]
    nan, first = float("nan"), (sizes.clients / creation.seconds, creation.cpu / sizes.clients / _CALLS * _MICRO)
    rows.append(("ecrkeeper, first sweep", 0.0, *_figures("ecrkeeper", [first_sweep]), nan))
    rows.append(("boto3, first sweep", 0.0, *first, nan, nan, memory["boto3, 32 threads"]))
    report.table(f"{name}: {sizes.fleet} registries, {sizes.rounds} rounds", _COLUMNS, rows)
    for_all = empty + (memory["boto3, 32 threads"] - empty) / sizes.clients * sizes.fleet
    _explain_boto3(report, sizes, creation, for_all)
    if name == "postgres":
        _database_costs(report, fleet, sizes.fleet, latency, blocks["ecrkeeper"])
    _targets(report, sizes, (name, latency), blocks, memory["ecrkeeper"] / for_all)
    faster = median(b.rate for b in blocks["ecrkeeper"]) / first[0]
    text = f"rate against boto3 on threads that make a client for each registry: {faster:.1f}x"
    report.note(f"{name}, {latency * 1000:.0f} ms: {text}")


def _explain_boto3(report: Report, sizes: Sizes, creation: Block, memory: float) -> None:
    report.note(
        f"boto3 is measured with {sizes.clients} clients, {creation.cpu / sizes.clients * 1000:.0f} ms CPU to make each"
        f" and read once; its memory for {sizes.fleet} is taken in proportion: {memory:,.0f} MB"
    )


def _database_costs(report: Report, fleet: Fleet, registries: int, latency: float, swept: list[Block]) -> None:
    """Print what the sweeps cost Postgres: its log, its updates and its CPU time."""
    written = median(b.more["wal"] / b.units for b in swept)
    report.note(f"postgres: {written:,.0f} bytes of write-ahead log for each registry")
    _updates(report, fleet, registries * (2 + len(swept)))
    used = median(_database(b) / b.units for b in swept) * 1000
    report.target(f"postgres, {latency * 1000:.0f} ms: CPU of the database per registry", used, 0.4, unit=" ms")


def _updates(report: Report, fleet: Fleet, swept: int) -> None:
    """Print what the sweeps updated, and how much of it was HOT.

    The benchmark itself makes each registry due, which is one update that is not HOT.
    """
    with contextlib.closing(fleet.rows) as rows:
        updated = rows.updated()
    for table, expected in (("schedule", swept), ("resources", 0), ("declarations", 0)):
        updates, hot, dead = updated[table]
        share = hot / max(1, updates - expected)
        report.note(
            f"{table}: {(updates - expected) / swept:.2f} updates for each registry, {share:.0%} of them HOT; "
            f"{dead:,} dead rows after {swept:,} registries"
        )


def _empty_rss(threads: Child) -> float:
    threads.ask(do="sweep", registries=0)
    return rss_mb(threads.pid)


def _figures(name: str, blocks: list[Block]) -> tuple[float, float, float, float]:
    if name == "ecrkeeper":
        calls = [b.more["calls"] for b in blocks]
        responder = median(b.more["responder cpu"] / n * _MICRO for b, n in zip(blocks, calls, strict=True))
        database = median(b.more["database cpu"] / b.units * _MICRO for b in blocks)
        rate = median(b.rate for b in blocks)
    else:
        calls = [b.units * _per_unit(name) for b in blocks]
        responder = database = float("nan")
        rate = median(b.rate / _CALLS * _per_unit(name) for b in blocks)
    return rate, median(b.cpu / n * _MICRO for b, n in zip(blocks, calls, strict=True)), responder, database


def _per_unit(name: str) -> float:
    """Return the AWS calls per unit: the floor counts calls, the threads registries."""
    return _CALLS if name.startswith("boto3") else 1.0


def _targets(
    report: Report, sizes: Sizes, case: tuple[str, float], blocks: dict[str, list[Block]], memory: float
) -> None:
    name, latency = case
    case_name = f"{name}, {latency * 1000:.0f} ms"
    faster = ratio(blocks["ecrkeeper"], blocks["boto3, 32 threads"], lambda b: b.rate)
    text = f"{case_name}: rate against boto3 on threads with its clients kept"
    if name == "postgres":
        report.target(text, faster, 4.0, at_most=False, unit="x")
    else:
        report.note(f"{text}: {faster:.2f}x")
    report.target(f"{case_name}: memory against boto3 on threads at {sizes.fleet}", memory, 0.2, unit="x")
    if "http.client" in blocks:
        ours = [Block(b.more["calls"], b.seconds, b.cpu, {}) for b in blocks["ecrkeeper"]]
        for floor, counts in (("http.client", True), ("bare socket", False)):
            dearer = ratio(ours, blocks[floor], lambda b: b.cpu / b.units)
            if counts:
                report.target(
                    f"{case_name}: CPU per AWS call against {floor} + SigV4Auth + orjson", dearer, 1.5, unit="x"
                )
            else:
                report.note(f"{case_name}: CPU per AWS call against a {floor} + SigV4Auth + orjson: {dearer:.2f}x")


def _growth(report: Report, sizes: Sizes, environment: Environment, name: str) -> None:
    """Measure CPU and time per registry by the number of rows, and in a whole sweep."""
    environment.responder.latency(0)
    with contextlib.ExitStack() as stack:
        fleets = {n: stack.enter_context(running_fleet(environment, name, n)) for n in sizes.growth}
        first = {n: fleet.settle() for n, fleet in fleets.items()}
        blocks = interleave(sizes.growth_rounds, {str(n): _sweeping(f, sizes.growth_block) for n, f in fleets.items()})
        memory = {str(n): (f.rss, f.peak_rss) for n, f in fleets.items()}
    rows = []
    for n, measured in blocks.items():
        per = [median(figure(b) / b.units * _MICRO for b in measured) for figure in (_cpu, _seconds, _database)]
        rows.append((n, len(measured) * sizes.growth_block, *per, _cpu(first[int(n)]) / int(n) * _MICRO, *memory[n]))
    columns = (
        "rows", "swept", "CPU us/registry", "wall us/registry", "database us/registry", "CPU us, first sweep",
        "RSS MB", "peak RSS MB",
    )  # fmt: skip
    report.table(f"{name}: growth, blocks of {sizes.growth_block} at 0 ms", columns, rows)
    least, at_most = blocks[str(min(sizes.growth))], blocks[str(max(sizes.growth))]
    for quantity, figure in (("CPU", _cpu), ("wall time", _seconds)):
        report.target(
            f"{name}: {quantity} per registry at {max(sizes.growth)} rows against {min(sizes.growth)}",
            ratio(at_most, least, lambda b, figure=figure: figure(b) / b.units),  # type: ignore[misc]
            1.1,
            unit="x",
        )


def _sweeping(fleet: Fleet, count: int) -> Callable[[], Block]:
    return lambda: fleet.sweep(count)


def _cpu(block: Block) -> float:
    return block.cpu


def _seconds(block: Block) -> float:
    return block.seconds


def _database(block: Block) -> float:
    return block.more["database cpu"]
