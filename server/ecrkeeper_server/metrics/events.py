"""The metrics of AWS's events and of the causes of drift."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_DELAY_BUCKETS = (0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 90.0, 300.0, 900.0)


class EventMetrics:
    """The events that this process received, and its questions to CloudTrail."""

    KINDS = (
        "foreign", "own", "other_keeper", "delivery", "duplicate", "refused", "unrelated", "unknown", "malformed",
        "forged", "account", "organization",
    )  # fmt: skip
    RESULTS = ("confirmed", "unknown", "denied", "failed")

    def __init__(self, registry: CollectorRegistry) -> None:
        self._events = Counter(
            "ecrkeeper_events_total", "Events that were received, by kind.", ("kind",), registry=registry
        )
        self._delay = Histogram(
            "ecrkeeper_event_delay_seconds", "From a change in AWS until its resource was made due.",
            registry=registry, buckets=_DELAY_BUCKETS,
        )  # fmt: skip
        self._attributions = Counter(
            "ecrkeeper_attributions_total", "Questions for the cause of drift, by result.", ("result",),
            registry=registry,
        )  # fmt: skip
        self._queue_errors = Counter(
            "ecrkeeper_event_queue_errors_total", "Queue calls that failed.", ("operation",), registry=registry
        )
        self.queues_up = Gauge("ecrkeeper_event_queues_up", "Queues whose last receive succeeded.", registry=registry)
        self.silent = Gauge(
            "ecrkeeper_event_places_silent", "Registries without an event for a day, where there are queues.",
            registry=registry,
        )  # fmt: skip
        for kind in self.KINDS:
            self._events.labels(kind)
        for result in self.RESULTS:
            self._attributions.labels(result)
        for operation in ("ReceiveMessage", "DeleteMessageBatch"):
            self._queue_errors.labels(operation)

    def received(self, kind: str, count: int = 1) -> None:
        """Count events of a kind."""
        self._events.labels(kind).inc(count)

    def delayed(self, seconds: float) -> None:
        """Note how long after the change its resource became due."""
        self._delay.observe(max(0.0, seconds))

    def attributed(self, result: str) -> None:
        """Count a question for the cause of drift."""
        self._attributions.labels(result).inc()

    def queue_failed(self, operation: str) -> None:
        """Count a call to a queue that failed."""
        self._queue_errors.labels(operation).inc()
