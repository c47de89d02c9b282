"""All metrics of a server, in a registry of its own."""

from __future__ import annotations

import sys
from collections.abc import Mapping

import prometheus_client
from prometheus_client import CollectorRegistry, Info, ProcessCollector

from ecrkeeper_server.metrics.aws import AwsMetrics
from ecrkeeper_server.metrics.engine import EngineMetrics
from ecrkeeper_server.metrics.events import EventMetrics
from ecrkeeper_server.metrics.fleet import FleetMetrics
from ecrkeeper_server.metrics.loop import LoopMetrics
from ecrkeeper_server.metrics.rpc import RpcMetrics
from ecrkeeper_server.metrics.store import StoreMetrics

# Otherwise each counter has a second sample with its creation time, which doubles the page and
# which nothing reads.
prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]

CONTENT_TYPE = prometheus_client.CONTENT_TYPE_PLAIN_0_0_4


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
        self.events = EventMetrics(self.registry)
        self.fleet = FleetMetrics(self.registry)
        self.loop = LoopMetrics(self.registry)

    def page(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return prometheus_client.generate_latest(self.registry)
