"""The metrics of the whole installation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Gauge


class FleetMetrics:
    """Counts over the whole installation: the same from every replica, so take the maximum."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"ecrkeeper_{name}", text, labels, registry=registry)

        self.due = gauge("queue_due", "Rows that are due, those being worked on included.")
        self.oldest = gauge("queue_oldest_due_seconds", "How long the first free row has been due.")
        self.resources = gauge("resources", "Registries and roles that are kept.", "kind")
        self.not_ready = gauge(
            "resources_not_ready", "Those that are not Ready.", "kind", "mode", "condition", "reason"
        )
        self.drifted = gauge("resources_drifted", "Those with drift in a setting.", "setting", "mode")
        self.pending = gauge("operations_pending", "Operations that are not done.", "method")
        self.oldest_pending = gauge("operations_oldest_pending_seconds", "Age of the first of them.", "method")

    def show(self, values: Mapping[str, Mapping[tuple[str, ...], float]]) -> None:
        """Replace all values, by the names of the gauges above; what is not given is 0 or absent."""
        for name, found in values.items():
            gauge: Any = getattr(self, name)
            if () in found:
                gauge.set(found[()])
                continue
            gauge.clear()
            for labels, value in found.items():
                gauge.labels(*labels).set(value)

    def forget(self) -> None:
        """Drop all values: the database does not answer."""
        for gauge in (self.due, self.oldest):
            gauge.set(float("nan"))
        for gauge in (self.resources, self.not_ready, self.drifted, self.pending, self.oldest_pending):
            gauge.clear()
