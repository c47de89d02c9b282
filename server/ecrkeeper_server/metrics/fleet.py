"""The metrics of the whole installation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Gauge


class FleetMetrics:
    """Counts over the whole installation, equal on every replica: take the maximum."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"ecrkeeper_{name}", text, labels, registry=registry)

        self.due = gauge("queue_due", "Due resources, including those being reconciled.")
        self.oldest = gauge("queue_oldest_due_seconds", "Time for which the oldest unclaimed resource has been due.")
        self.resources = gauge("resources", "Registries and roles.", "kind")
        self.not_ready = gauge(
            "resources_not_ready", "Resources that are not Ready.", "kind", "mode", "condition", "reason"
        )
        self.drifted = gauge("resources_drifted", "Resources with drift in a setting.", "setting", "mode")
        self.pending = gauge("operations_pending", "Operations that are not done.", "method")
        self.oldest_pending = gauge(
            "operations_oldest_pending_seconds", "Age of the oldest pending operation.", "method"
        )

    def show(self, values: Mapping[str, Mapping[tuple[str, ...], float]]) -> None:
        """Replace all values, by the gauges' names; a missing value is 0 or absent."""
        for name, samples in values.items():
            gauge: Any = getattr(self, name)
            if () in samples:
                gauge.set(samples[()])
                continue
            gauge.clear()
            for labels, value in samples.items():
                gauge.labels(*labels).set(value)

    def forget(self) -> None:
        """Drop all values, because the database does not answer."""
        for gauge in (self.due, self.oldest):
            gauge.set(float("nan"))
        for gauge in (self.resources, self.not_ready, self.drifted, self.pending, self.oldest_pending):
            gauge.clear()
