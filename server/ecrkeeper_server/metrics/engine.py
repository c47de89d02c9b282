"""The metrics of the engine."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from ecrkeeper_server.metrics.labels import Bounded
from ecrkeeper_server.settings.table import SETTINGS

_ATTEMPT_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 100.0, 300.0)


class EngineMetrics:
    """Metrics of this process's engine."""

    RESULTS = (
        "settled", "out_of_sync", "waiting", "removed", "retry", "blocked",
        "lease_lost", "store_unavailable", "crashed",
    )  # fmt: skip

    def __init__(self, registry: CollectorRegistry) -> None:
        self._reconciles = Counter(
            "ecrkeeper_reconciles_total", "Attempts that ended.", ("kind", "result", "reason"), registry=registry
        )
        seconds = Histogram(
            "ecrkeeper_reconcile_seconds",
            "Duration of attempts.",
            ("kind",),
            registry=registry,
            buckets=_ATTEMPT_BUCKETS,
        )
        self._remediated = Counter(
            "ecrkeeper_drift_remediated_elements_total", "Elements remediated after an out-of-band change.",
            ("setting",), registry=registry,
        )  # fmt: skip
        self._targets = Counter(
            "ecrkeeper_rollout_targets_total", "Targets of rollouts that came into a state.", ("state",),
            registry=registry,
        )  # fmt: skip
        self.leases_held = Gauge(
            "ecrkeeper_engine_leases_held", "Resources that this process reconciles.", registry=registry
        )
        self.capacity = Gauge("ecrkeeper_engine_capacity", "Maximum number of resources at a time.", registry=registry)
        self._seconds = {kind: seconds.labels(kind) for kind in ("registry", "role")}
        for setting in (*SETTINGS, "role", "description", "tags"):
            self._remediated.labels(setting)
        for kind in self._seconds:
            for result in self.RESULTS:
                self._reconciles.labels(kind, result, "")
        self._reason = Bounded({""})

    def stepped(self, kind: str, result: str, reason: str, seconds: float) -> None:
        """Count an attempt of the reconciler that ended."""
        self._reconciles.labels(kind, result, self._reason(reason) if reason else "").inc()
        self._seconds[kind].observe(seconds)

    def rollout_target(self, state: str) -> None:
        """Count a target of a rollout that came into a state."""
        self._targets.labels(state).inc()

    def remediated(self, setting: str, elements: int) -> None:
        """Count elements whose drift was remediated."""
        self._remediated.labels(setting).inc(elements)
