"""apply_latency: time from an Update to the write at AWS, idle and during a sweep."""

from __future__ import annotations

import threading
import time

from benchmarks.environment import Environment
from benchmarks.fleet import Fleet, running_fleet
from benchmarks.floor import http_client
from benchmarks.load import update_request
from benchmarks.measure import median, quantile, until
from benchmarks.processes import Responder
from benchmarks.report import Report
from benchmarks.responder import OPERATIONS
from benchmarks.rows import REGIONS, account
from benchmarks.sizes import Sizes

_LATENCY = 0.05
_COLUMNS = ("case", "updates", "p50 ms", "p99 ms", "most ms", "AWS calls before it ms", "p50 over those ms")


def run(report: Report, sizes: Sizes, environment: Environment) -> None:
    """Measure it on each database."""
    report.note(
        f"AWS answers after {_LATENCY * 1000:.0f} ms. One round of parallel reads precedes the write; one call over"
        " a kept-alive connection before every update measures its duration"
    )
    for name in sizes.databases:
        environment.responder.latency(0)
        # Updates go to registries after the swept ones.
        size = sizes.apply_sweep + sizes.applies + len(REGIONS)
        with running_fleet(environment, name, size) as fleet:
            # Load the credentials of all accounts first.
            fleet.sweep(sizes.apply_sweep)
            fleet.sweep(size - sizes.apply_sweep)
            environment.responder.latency(_LATENCY)
            _measure(report, sizes, name, fleet, environment.responder)


def _measure(report: Report, sizes: Sizes, name: str, fleet: Fleet, responder: Responder) -> None:
    idle = _updates(sizes, fleet, responder, "idle")
    fleet.rows.make_due(0, sizes.apply_sweep)
    sweeping = threading.Event()
    feeder = threading.Thread(target=_keep_due, args=(fleet, sizes.apply_sweep, sweeping))
    feeder.start()
    try:
        busy = _updates(sizes, fleet, responder, "busy")
    finally:
        sweeping.set()
        feeder.join()
    rows = []
    for case, (latencies, path) in (("idle", idle), (f"sweep of {sizes.apply_sweep}", busy)):
        mid = median(latencies)
        rows.append(
            (case, len(latencies), mid, quantile(latencies, 0.99), max(latencies), median(path), mid - median(path))
        )
    report.table(f"{name}: from the Update's return to the write's arrival", _COLUMNS, rows)
    report.target(f"{name}, idle: p50 over the AWS calls before it", rows[0][6], 20.0, unit=" ms")
    report.target(f"{name}, during a sweep: p99", rows[1][3], 1000.0, unit=" ms")


def _keep_due(fleet: Fleet, count: int, stop: threading.Event) -> None:
    """Restart the sweep whenever it ends."""
    while not stop.wait(0.2):
        if fleet.rows.due() == 0:
            fleet.rows.make_due(0, count)


def _updates(sizes: Sizes, fleet: Fleet, responder: Responder, text: str) -> tuple[list[float], list[float]]:
    """Return the milliseconds of each update, and of one AWS call just before it."""
    call = http_client(responder.url)
    latencies, path = [], []
    first = -(-sizes.apply_sweep // len(REGIONS)) * len(REGIONS)
    for i in range(sizes.applies):
        began = time.monotonic()
        call(OPERATIONS[0])
        path.append((time.monotonic() - began) * 1000)
        index = first + i
        request = update_request(index, f"{text}-{i}*")
        responder.take()
        fleet.client.update_registry_settings(request.registry_settings, request.update_mask)
        returned = time.monotonic()
        place = account(index), REGIONS[index % len(REGIONS)]
        arrived = _arrival(responder, place)
        latencies.append((arrived - returned) * 1000)
        # The attempt still has to re-read the written settings.
        time.sleep(3 * _LATENCY)
    return latencies, path


def _arrival(responder: Responder, place: tuple[str, str]) -> float:
    arrivals: list[float] = []

    def come() -> bool:
        arrivals.extend(at for name, region, at in responder.take()["writes"] if (name, region) == place)
        return bool(arrivals)

    until(come, 60, f"the write to {place} arrives", pause=0.01)
    return arrivals[0]
