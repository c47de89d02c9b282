"""The metrics of the event loop."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Histogram

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class LoopMetrics:
    """The lag of the event loop; each step of a call or an attempt waits as long."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.lag = Histogram(
            "ecrkeeper_event_loop_lag_seconds",
            "How late the event loop wakes, measured ten times a second.",
            registry=registry,
            buckets=_BUCKETS,
        )
