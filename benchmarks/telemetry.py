"""telemetry: the CPU time of metrics, log and traces for each RPC and AWS call."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import grpc

from benchmarks.api import UNLIMITED, loaded
from benchmarks.api_server import ApiServer
from benchmarks.environment import Environment
from benchmarks.fleet import running_fleet
from benchmarks.measure import Block, interleave, median, ratio
from benchmarks.processes import Child, stopping
from benchmarks.report import Report
from benchmarks.sizes import Sizes
from benchmarks.unobserved_server import Unobserved, UnobservedApi

_CALLERS = 32
_NOTHING, _METRICS, _LOG = "nothing", "metrics", "metrics and log"
_TRACES, _SOME = "metrics, log and all traces", "metrics, log and 1 % of traces"
_RATIO = {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.01"}
_COLUMNS = ("observed by", "CPU us", "against nothing", "against metrics")


def run(report: Report, sizes: Sizes, environment: Environment) -> None:
    """Measure RPCs and a sweep of the fleet, each with increasing telemetry."""
    with _collector() as (port, batches):
        for kind in ("get", "update"):
            _rpcs(report, sizes, environment, kind, port)
        _aws_calls(report, sizes, environment, port)
        report.note(f"the collector was sent {len(batches)} batches")
        if not batches:
            raise RuntimeError("nothing was traced")


@contextlib.contextmanager
def _collector() -> Iterator[tuple[int, list[int]]]:
    """Yield the port of a collector that discards spans, and the sizes of its batches."""
    batches: list[int] = []

    def export(request: bytes, _context: grpc.ServicerContext) -> bytes:
        batches.append(len(request))
        return b""

    method: Any = grpc.unary_unary_rpc_method_handler(export)
    service = "opentelemetry.proto.collector.trace.v1.TraceService"
    server = grpc.server(ThreadPoolExecutor(1))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {"Export": method}),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield port, batches
    finally:
        server.stop(0).wait()


def _variants(port: int) -> dict[str, dict[str, Any]]:
    """The settings of each variant that has telemetry."""
    # By default a batch may wait longer than the life of a server in the smallest sizes.
    endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}", "OTEL_BSP_SCHEDULE_DELAY": "1000"}
    return {
        _METRICS: {"access_log": "off"},
        _LOG: {"access_log": "all"},
        _TRACES: {"access_log": "all", "tracing": "true", "environment": endpoint},
        _SOME: {"access_log": "all", "tracing": "true", "environment": {**endpoint, **_RATIO}},
    }


def _rpcs(report: Report, sizes: Sizes, environment: Environment, kind: str, port: int) -> None:
    times = {"seconds": sizes.load_seconds, "warm_up": sizes.warm_up, "callers": min(_CALLERS, sizes.registries)}
    with contextlib.ExitStack() as stack:
        load = stack.enter_context(stopping(Child("-m", "benchmarks.load", folder=environment.folder)))
        blocks: dict[str, Callable[[], Block]] = {}
        for name, settings in {_NOTHING: {}, **_variants(port)}.items():
            program = UnobservedApi if name == _NOTHING else ApiServer
            url = environment.database("sqlite", sizes.registries)
            server = stack.enter_context(environment.server(url, program=program, **UNLIMITED, **settings))
            blocks[name] = loaded([server], load, kind=kind, **times)
            # Exclude the cost of the first calls.
            blocks[name]()
        results = interleave(sizes.rounds, blocks)
    _table(report, f"{kind} on SQLite, {_CALLERS} callers", results, lambda block: block.cpu / block.more["total"])


def _aws_calls(report: Report, sizes: Sizes, environment: Environment, port: int) -> None:
    """Measure a sweep; the access log has no lines for calls to AWS."""
    variants = _variants(port)
    programs = {
        _NOTHING: {"program": Unobserved},
        _METRICS: variants[_METRICS],
        _TRACES: variants[_TRACES],
        _SOME: variants[_SOME],
    }
    environment.responder.latency(0)
    with contextlib.ExitStack() as stack:
        blocks: dict[str, Callable[[], Block]] = {}
        for name, settings in programs.items():
            fleet = stack.enter_context(running_fleet(environment, "sqlite", sizes.fleet, **settings))
            fleet.sweep(sizes.fleet)
            blocks[name] = partial(fleet.sweep, sizes.fleet)
        results = interleave(sizes.rounds, blocks)
    _table(report, "sweep on SQLite, for each call to AWS", results, lambda block: block.cpu / block.more["calls"])


def _table(report: Report, title: str, results: dict[str, list[Block]], figure: Callable[[Block], float]) -> None:
    rows = [
        (name, median(map(figure, blocks)) * 1e6, *(ratio(blocks, results[to], figure) for to in (_NOTHING, _METRICS)))
        for name, blocks in results.items()
    ]
    report.table(title, _COLUMNS, rows)
    report.target(
        f"{title}: metrics against nothing", ratio(results[_METRICS], results[_NOTHING], figure), 1.25, unit="x"
    )
