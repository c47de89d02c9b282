"""The metrics of the database."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from ecrkeeper_server.errors import STORE_REASONS

_STORE_BUCKETS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5, 10.0)


class StoreMetrics:
    """Metrics of this process's use of the database."""

    def __init__(self, registry: CollectorRegistry) -> None:
        seconds = Histogram(
            "ecrkeeper_store_seconds", "Duration of reads and writes, including waiting.", ("kind",),
            registry=registry, buckets=_STORE_BUCKETS,
        )  # fmt: skip
        failures = Counter(
            "ecrkeeper_store_failures_total", "Reads and writes that the database did not answer.", ("kind",),
            registry=registry,
        )  # fmt: skip
        self.up = Gauge("ecrkeeper_store_up", "Whether the database answered the last scrape.", registry=registry)
        fault = Gauge(
            "ecrkeeper_store_fault", "1 for the reason that makes the database unusable.", ("reason",),
            registry=registry,
        )  # fmt: skip
        self.failure = {reason: fault.labels(reason).set for reason in STORE_REASONS}
        self.retries = Counter(
            "ecrkeeper_store_retries_total", "Transactions repeated after a conflict.", registry=registry
        )
        self.waiting = Gauge("ecrkeeper_store_waiting", "Waiting transactions.", registry=registry)
        self.in_use = Gauge("ecrkeeper_store_connections_in_use", "Connections in use.", registry=registry)
        self.size = Gauge("ecrkeeper_store_connections", "Maximum number of connections.", registry=registry)
        self.seconds = {kind: seconds.labels(kind).observe for kind in ("read", "write")}
        self.failed = {kind: failures.labels(kind).inc for kind in ("read", "write")}
