"""The options of the API and of the engine, from the configuration."""

from __future__ import annotations

import structlog
from msgspec.structs import replace

from ecrkeeper_server import rlimits
from ecrkeeper_server.api.layers.limits import Limits
from ecrkeeper_server.config.settings import Config
from ecrkeeper_server.engine.options import EngineOptions

log = structlog.get_logger("ecrkeeper")


def limits_of(config: Config) -> Limits:
    """Return the limits of the API."""
    return Limits(
        calls=config.max_calls,
        calls_per_principal=config.max_calls_per_principal,
        streams=config.max_streams,
        streams_per_principal=config.max_streams_per_principal,
        health_streams=config.max_health_streams,
        rate_per_principal=config.rate_per_principal,
        burst_per_principal=config.burst_per_principal,
        elements_per_principal=config.elements_per_principal,
        burst_elements_per_principal=config.burst_elements_per_principal,
        cpu_per_principal=config.cpu_per_principal,
        message_bytes=config.max_message_bytes,
        request_bytes=config.max_request_bytes,
        metadata_bytes=config.max_metadata_bytes,
        stream_seconds=config.max_stream_seconds,
        connection_seconds=config.max_connection_seconds,
        connections=config.max_connections,
    )


def bounded(limits: Limits, outgoing: int, ports: int = 1) -> Limits:
    """Return the limits of each port, with the connections that descriptors allow."""
    available = rlimits.raise_limit()
    connections = max(1, rlimits.for_callers(limits.connections * ports, available, outgoing) // ports)
    if connections < limits.connections:
        log.warning("few_descriptors", available=available, connections=connections, wanted=limits.connections)
    return replace(limits, connections=connections)


def engine_options(config: Config) -> EngineOptions:
    """Return the options of the engine."""
    return EngineOptions(
        concurrency=config.concurrency,
        lease=config.lease_seconds,
        resync=config.resync_seconds,
        contest_window=config.contest_window_seconds,
        home_region=config.home_region,
        attribution=config.attribution,
        audit_days=config.audit_retention_days,
    )
