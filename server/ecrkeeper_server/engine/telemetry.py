"""Metrics, traces and logs of attempts."""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Iterator
from typing import Any

import structlog
from msgspec import Struct

from ecrkeeper_server.engine.attempt import AttemptResult
from ecrkeeper_server.metrics.engine import EngineMetrics
from ecrkeeper_server.store.rows import Resource
from ecrkeeper_server.tracing import Tracing


class Ending(Struct):
    """The ending of an attempt; one that sets none has crashed."""

    reconcile_id: str
    result: str = "crashed"
    reason: str = ""


class ReconcileTelemetry(Struct, frozen=True):
    """Counts, times and traces attempts."""

    metrics: EngineMetrics
    tracing: Tracing | None = None

    @contextlib.contextmanager
    def attempt(self, row: Resource) -> Iterator[Ending]:
        """Wrap one attempt, which fills in its ending; its log lines carry the ids."""
        reconcile_id = uuid.uuid4().hex[:12]
        structlog.contextvars.bind_contextvars(resource=row.name, reconcile_id=reconcile_id, generation=row.generation)
        ending, began = Ending(reconcile_id), time.perf_counter()
        with self._span(row, reconcile_id) as span:
            try:
                yield ending
            finally:
                self.metrics.stepped(row.kind, ending.result, ending.reason, time.perf_counter() - began)
                if self.tracing is not None:
                    span.set_attribute("ecrkeeper.result", ending.result)
                    span.set_attribute("ecrkeeper.reason", ending.reason)
                    if ending.result in ("retry", "blocked", "crashed", "store_unavailable"):
                        self.tracing.failed(span, ending.reason or ending.result)

    def _span(self, row: Resource, reconcile_id: str) -> contextlib.AbstractContextManager[Any]:
        if self.tracing is None:
            return contextlib.nullcontext()
        attributes = {
            "ecrkeeper.resource": row.name,
            "ecrkeeper.generation": row.generation,
            "ecrkeeper.reconcile_id": reconcile_id,
            "ecrkeeper.failures": row.failures,
        }
        return self.tracing.span(f"reconcile {row.kind}", "CONSUMER", attributes, row.trace or "")

    def finished(self, row: Resource, result: AttemptResult, now: int, ending: Ending) -> None:
        """Count a stored result."""
        ending.result, ending.reason = _ending(result)
        for drift in result.state.removed_at(now):
            self.metrics.remediated(drift.setting, len(drift.keys))


def _ending(result: AttemptResult) -> tuple[str, str]:
    status = result.status
    if status.error is not None:
        return "blocked" if status.blocked else "retry", status.ready_reason
    if result.removed:
        return "removed", status.reason
    if result.next_in is not None:
        return "waiting", status.reason
    return "settled" if result.converged else "out_of_sync", status.reason


def unready(result: AttemptResult, mode: str) -> str | None:
    """Return why a resource is not Ready, as labels for metrics; None if it is."""
    status = result.status
    if status.ready:
        return None
    settings = ",".join(sorted(result.state.drift_settings))
    failing = "Failing" if status.error is not None else "Degraded" if status.degraded else "Unsynced"
    return f"{mode} {'Blocked' if status.blocked else failing} {status.ready_reason} {settings}"
