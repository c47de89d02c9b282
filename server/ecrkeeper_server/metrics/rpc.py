"""The metrics of RPCs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from google.rpc import code_pb2
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

CODES = tuple(code_pb2.Code.keys())

UNKNOWN = "unknown"

_RPC_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


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
