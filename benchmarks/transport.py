"""transport: CPU for each AWS call with own connections, aiohttp, and boto3."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from benchmarks.environment import Environment
from benchmarks.measure import Block, interleave, median, ratio
from benchmarks.processes import Child, stopping
from benchmarks.report import Report
from benchmarks.sizes import Sizes

_WAYS = ("own", "aiohttp", "boto3")
# Below this, a library in place of the own connections is worth its cost (docs/scaling.md).
_WORTH = 1.1


def run(report: Report, sizes: Sizes, environment: Environment) -> None:
    """Let each way make as many calls, in turn."""
    environment.responder.latency(0)
    with contextlib.ExitStack() as stack:
        children = {way: stack.enter_context(stopping(_child(way, environment))) for way in _WAYS}
        variants = {way: _calling(child, sizes.transport_calls) for way, child in children.items()}
        for warm_up in variants.values():
            warm_up()
        results = interleave(sizes.transport_rounds, variants)
    rows = [
        (
            way, median(b.cpu / b.units * 1e6 for b in blocks), median(b.rate for b in blocks),
            ratio(blocks, results["own"], lambda b: b.cpu),
        )
        for way, blocks in results.items()
    ]  # fmt: skip
    columns = ("way", "CPU us/call", "calls/s", "CPU/own")
    report.table(f"{sizes.transport_calls} calls, 32 at once, {sizes.transport_rounds} rounds", columns, rows)
    for way in _WAYS[1:]:
        dearer = ratio(results[way], results["own"], lambda b: b.cpu)
        report.target(f"CPU per call with {way} against the own transport", dearer, _WORTH, at_most=False, unit="x")


def _child(way: str, environment: Environment) -> Child:
    return Child("-m", "benchmarks.callers", way, environment.responder.url, folder=environment.folder)


def _calling(child: Child, calls: int) -> Callable[[], Block]:
    return lambda: child.block(calls=calls)
