"""All metrics of the server; docs/observability.md documents them.

No other module imports prometheus_client: others get one of the groups below and call it. Children
are bound once, so that counting takes well under a microsecond. Label values come from closed sets,
never from a caller's input.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import prometheus_client
from google.rpc import code_pb2
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector

from ecrkeeper_server.errors import STORE_REASONS
from ecrkeeper_server.settings.table import SETTINGS

# Otherwise each counter has a second sample with its creation time, which doubles the page and
# which nothing reads.
prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]

CONTENT_TYPE = prometheus_client.CONTENT_TYPE_PLAIN_0_0_4
CODES = tuple(code_pb2.Code.keys())
FAMILIES = ("iam", "ecr-read", "ecr-write", "sts", "other")
UNKNOWN = "unknown"
_RPC_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_AWS_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_ATTEMPT_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 100.0, 300.0)
_STORE_BUCKETS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5, 10.0)
_DISTINCT = 200


class Bounded:
    """Values of a label from an open set: the first 200 unchanged, then `OTHER`."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._known = set(known)

    def __call__(self, value: str) -> str:
        """Return the label for a value."""
        if value in self._known:
            return value
        if len(self._known) >= _DISTINCT or not value or len(value) > 64 or not value.isascii():
            return "OTHER"
        self._known.add(value)
        return value


class Metrics:
    """All groups of metrics.

    `rpcs` has the served methods, as `/service/Method`, with their `grpc_type`.
    """

    def __init__(self, rpcs: Mapping[str, str] | None = None, *, version: str = "", role: str = "all") -> None:
        self.registry = CollectorRegistry(auto_describe=True)
        ProcessCollector(registry=self.registry)
        build = Info("ecrkeeper_build", "The running version.", registry=self.registry)
        python = ".".join(str(part) for part in sys.version_info[:3])
        build.info({"version": version, "python": python, "role": role})
        self.rpc = RpcMetrics(self.registry, rpcs or {})
        self.aws = AwsMetrics(self.registry)
        self.engine = EngineMetrics(self.registry)
        self.store = StoreMetrics(self.registry)
        self.fleet = FleetMetrics(self.registry)

    def page(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return prometheus_client.generate_latest(self.registry)


class MethodMetrics:
    """The bound metrics of one RPC method."""

    __slots__ = ("closed", "codes", "opened", "seconds", "started")

    def __init__(self, rpc: RpcMetrics, labels: tuple[str, str, str]) -> None:
        in_flight = rpc.in_flight.labels(*labels)
        self.started: Callable[[], None] = rpc.started.labels(*labels).inc
        self.opened: Callable[[], None] = in_flight.inc
        self.closed: Callable[[], None] = in_flight.dec
        self.seconds: Callable[[float], None] = rpc.seconds.labels(*labels).observe
        self.codes: dict[str, Callable[[], None]] = {code: rpc.handled.labels(*labels, code).inc for code in CODES}


class RpcMetrics:
    """Metrics of RPCs, with the names that gRPC's own libraries for Prometheus use."""

    def __init__(self, registry: CollectorRegistry, rpcs: Mapping[str, str]) -> None:
        labels = ("grpc_type", "grpc_service", "grpc_method")
        self.started = Counter("grpc_server_started_total", "RPCs that began.", labels, registry=registry)
        self.handled = Counter(
            "grpc_server_handled_total", "RPCs that ended, by code.", (*labels, "grpc_code"), registry=registry
        )
        self.seconds = Histogram(
            "grpc_server_handling_seconds", "Duration of RPCs.", labels, registry=registry, buckets=_RPC_BUCKETS
        )
        self.in_flight = Gauge("grpc_server_in_flight", "RPCs and streams that are open.", labels, registry=registry)
        self.watchers = Gauge("ecrkeeper_watchers", "Open streams that wait for changes.", registry=registry)
        self._methods = {name: MethodMetrics(self, (kind, *_split(name))) for name, kind in rpcs.items()}
        self._unknown = MethodMetrics(self, (UNKNOWN, UNKNOWN, UNKNOWN))

    def method(self, name: str) -> MethodMetrics:
        """Return the metrics of a method; all unknown methods share one."""
        return self._methods.get(name, self._unknown)


def _split(name: str) -> tuple[str, str]:
    service, _, method = name.removeprefix("/").rpartition("/")
    return service, method


class AwsMetrics:
    """Metrics of calls to AWS, one for each attempt."""

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ("service", "operation")
        self._calls = Counter(
            "ecrkeeper_aws_calls_total", "Calls sent to AWS, by code.", (*labels, "code"), registry=registry
        )
        self._seconds = Histogram(
            "ecrkeeper_aws_call_seconds", "Duration of AWS calls.", labels, registry=registry, buckets=_AWS_BUCKETS
        )
        self._throttled = Counter(
            "ecrkeeper_aws_throttled_total", "Calls that AWS throttled.", ("family",), registry=registry
        )
        self._waits = Counter(
            "ecrkeeper_aws_token_waits_total",
            "Calls held back by ecrkeeper's own rate.",
            ("family",),
            registry=registry,
        )
        self._waited = Counter(
            "ecrkeeper_aws_token_wait_seconds_total",
            "Time for which they were held back.",
            ("family",),
            registry=registry,
        )
        self._refreshes = Counter(
            "ecrkeeper_aws_credentials_refreshes_total", "Roles assumed, by result.", ("result",), registry=registry
        )
        for family in FAMILIES:
            for counter in (self._throttled, self._waits, self._waited):
                counter.labels(family)
        for result in ("ok", "failed"):
            self._refreshes.labels(result)
        self._code = Bounded({"OK"})
        self._bound: dict[tuple[str, str, str], tuple[Callable[[], None], Callable[[float], None]]] = {}

    def called(self, service: str, operation: str, code: str, seconds: float) -> None:
        """Count an attempt; the code is AWS's, `OK`, `NO_ANSWER` or `INVALID_ANSWER`."""
        bound = self._bound.get((service, operation, code))
        if bound is None:
            known = self._code(code)
            bound = (
                self._calls.labels(service, operation, known).inc,
                self._seconds.labels(service, operation).observe,
            )
            if known == code:
                self._bound[service, operation, code] = bound
        bound[0]()
        bound[1](seconds)

    def throttled(self, family: str) -> None:
        """Count a call that AWS throttled."""
        self._throttled.labels(family).inc()

    def waited(self, family: str, seconds: float) -> None:
        """Count a call that waited for a token."""
        self._waits.labels(family).inc()
        self._waited.labels(family).inc(seconds)

    def refreshed(self, *, good: bool) -> None:
        """Count an attempt to assume an account's role."""
        self._refreshes.labels("ok" if good else "failed").inc()


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

    def remediated(self, setting: str) -> None:
        """Count an element whose drift was remediated."""
        self._remediated.labels(setting).inc()


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
        self.fault = {reason: fault.labels(reason).set for reason in STORE_REASONS}
        self.retries = Counter(
            "ecrkeeper_store_retries_total", "Transactions repeated after a conflict.", registry=registry
        )
        self.waiting = Gauge("ecrkeeper_store_waiting", "Waiting transactions.", registry=registry)
        self.in_use = Gauge("ecrkeeper_store_connections_in_use", "Connections in use.", registry=registry)
        self.size = Gauge("ecrkeeper_store_connections", "Maximum number of connections.", registry=registry)
        self.seconds = {kind: seconds.labels(kind).observe for kind in ("read", "write")}
        self.failed = {kind: failures.labels(kind).inc for kind in ("read", "write")}


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
        for name, found in values.items():
            gauge: Any = getattr(self, name)
            if () in found:
                gauge.set(found[()])
                continue
            gauge.clear()
            for labels, value in found.items():
                gauge.labels(*labels).set(value)

    def forget(self) -> None:
        """Drop all values, because the database does not answer."""
        for gauge in (self.due, self.oldest):
            gauge.set(float("nan"))
        for gauge in (self.resources, self.not_ready, self.drifted, self.pending, self.oldest_pending):
            gauge.clear()
