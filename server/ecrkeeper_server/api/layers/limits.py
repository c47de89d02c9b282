"""The limits of the API, and the kinds of calls that they apply to."""

from __future__ import annotations

from enum import IntEnum

from msgspec import Struct


class Limits(Struct, frozen=True):
    """The limits of the API, as in docs/limits.md. A rate of 0 means no limit."""

    calls: int = 800
    calls_per_principal: int = 200
    streams: int = 1000
    streams_per_principal: int = 100
    health_streams: int = 200
    rate_per_principal: float = 1000.0
    burst_per_principal: int = 2000
    elements_per_principal: float = 10_000.0
    burst_elements_per_principal: int = 100_000
    cpu_per_principal: float = 0.25
    message_bytes: int = 4 * 1024 * 1024
    request_bytes: int = 128 * 1024 * 1024
    metadata_bytes: int = 16 * 1024
    stream_seconds: float = 1800.0
    connection_seconds: float = 1800.0
    connections: int = 2000


class Kind(IntEnum):
    """Kinds of calls with separate capacities, so that none exhausts another's.

    A stream, or a call that waits for an event, does little work. Health and reflection may be open
    to unauthenticated callers, and have their own capacity.
    """

    CALLS = 0
    STREAMS = 1
    HEALTH_STREAMS = 2
    HEALTH_CHECKS = 3
