"""event_drift: seconds from a change by somebody else until it is reverted.

Events come without delay. The canned AWS changes the registries and notes the server's writes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.canned_events import QUEUE_URL
from benchmarks.environment import Environment
from benchmarks.fleet import Fleet, running_fleet
from benchmarks.measure import Block, cpu_seconds, cpu_since, quantile, until
from benchmarks.processes import Responder
from benchmarks.report import Report
from benchmarks.rows import REGIONS, account
from benchmarks.sizes import Sizes

_DEBOUNCE = 2.0
_DAY, _POLLED, _STRETCHED = 86_400, 900, 21_600
# A quiet queue has one long poll.
_POLL_SECONDS = 20
_SETTINGS = {"event_queue_urls": QUEUE_URL, "event_debounce_seconds": _DEBOUNCE, "attribution": False}


def run(report: Report, sizes: Sizes, environment: Environment) -> None:
    """Measure changes, a queue that is full when the server starts, and AWS calls."""
    responder = environment.responder
    for database in sizes.databases:
        responder.latency(0)
        changed = -(-sizes.event_registries // len(REGIONS)) * len(REGIONS)
        swept = -(-sizes.event_sweep // len(REGIONS)) * len(REGIONS)
        with running_fleet(environment, database, swept + 2 * changed, **_SETTINGS) as fleet:
            # Load the credentials of all accounts first.
            sweep = fleet.sweep(swept)
            fleet.sweep(2 * changed)
            before = cpu_seconds(fleet.pid)
            idle = _change(responder, range(swept, swept + sizes.event_registries), sizes.event_rate)
            cpu = cpu_since(fleet.pid, before) / len(idle)
            with _sweeping(fleet, swept):
                first = swept + changed
                busy = _change(responder, range(first, first + sizes.event_registries), sizes.event_rate)
            _report_changes(report, database, {"idle": idle, f"sweep of {swept}": busy}, cpu)
            block = _consume(fleet, responder, range(swept, swept + sizes.event_registries), sizes.event_messages)
        _report_consumer(report, database, block)
        _report_calls(report, database, sizes, sweep)


def _places(indices: range) -> list[tuple[str, str]]:
    return [(account(index), REGIONS[index % len(REGIONS)]) for index in indices]


def _change(responder: Responder, indices: range, rate: float) -> list[float]:
    """Let somebody change registries; return the seconds until each is reverted."""
    # The spacing of observations that the events before caused has ended.
    time.sleep(6 * _DEBOUNCE if responder.events("reverted")["seconds"] else 0)
    responder.events("clear")
    responder.events("changes", registries=_places(indices), rate=rate)

    def reverted() -> bool:
        return len(responder.events("reverted")["seconds"]) == len(indices)

    until(reverted, 60 + 2 * len(indices) / rate, "all changes are reverted", pause=0.1)
    seconds: list[float] = responder.events("reverted")["seconds"]
    return seconds


@contextmanager
def _sweeping(fleet: Fleet, count: int) -> Iterator[None]:
    """Restart a sweep whenever it ends."""
    ended = threading.Event()

    def keep_due() -> None:
        while not ended.wait(0.2):
            if fleet.rows.due() == 0:
                fleet.rows.make_due(0, count)

    fleet.rows.make_due(0, count)
    feeder = threading.Thread(target=keep_due)
    feeder.start()
    try:
        yield
    finally:
        ended.set()
        feeder.join()


def _consume(fleet: Fleet, responder: Responder, indices: range, count: int) -> Block:
    """Fill the queue at once, and wait until the server has emptied it."""
    until(lambda: fleet.rows.due() == 0, 120, "the sweep ends")
    before, began = cpu_seconds(fleet.pid), time.monotonic()
    responder.events("fill", registries=_places(indices), count=count)
    until(lambda: not responder.events("messages")["messages"], 300, "the queue is empty")
    return Block(count, time.monotonic() - began, cpu_since(fleet.pid, before), {})


def _report_changes(report: Report, database: str, cases: dict[str, list[float]], cpu: float) -> None:
    """Report each case, and the CPU seconds of the idle server for each change."""
    rows: list[tuple[Any, ...]] = [
        (case, len(seconds), quantile(seconds, 0.5), quantile(seconds, 0.95), max(seconds))
        for case, seconds in cases.items()
    ]
    title = f"{database}: from the change to the write that reverts it, debounce {_DEBOUNCE:g} s"
    report.table(title, ("case", "changes", "p50 s", "p95 s", "most s"), rows)
    for case, *_, p95, _maximum in rows:
        report.target(f"{database}, {case}: p95 over the debounce", p95 - _DEBOUNCE, 1.0, unit=" s")
    report.target(f"{database}, idle: CPU of the server for each change", 1000 * cpu, 5.0, unit=" ms")


def _report_consumer(report: Report, database: str, block: Block) -> None:
    per_event = 1000 * block.cpu / block.units
    title = f"{database}: a queue of {block.units:g} events"
    report.table(title, ("events/s", "CPU ms per event"), [(block.rate, per_event)])
    report.target(f"{database}: events a second", block.rate, 1000.0, at_most=False, unit="/s")
    report.target(f"{database}: CPU per event", per_event, 1.0, unit=" ms")


def _report_calls(report: Report, database: str, sizes: Sizes, sweep: Block) -> None:
    """Report the calls of a quiet day, from the measured calls of an observation."""
    calls = sweep.more["calls"] / sweep.units
    polled, stretched = calls * _DAY / _POLLED, calls * _DAY / _STRETCHED
    polls = _DAY / _POLL_SECONDS / sizes.event_registries
    title = f"{database}: AWS calls per registry and day, {sizes.event_registries} quiet registries"
    report.table(title, ("case", "ECR and STS", "SQS"), [("polled", polled, 0.0), ("with events", stretched, polls)])
    report.target(f"{database}: fewer calls of ECR", polled / stretched, 20.0, at_most=False, unit=" times")
