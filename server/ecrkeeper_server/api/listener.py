"""The gRPC server with its transport limits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import grpc.aio

from ecrkeeper_server.api.layers.layer import Layer
from ecrkeeper_server.api.layers.limits import Limits
from ecrkeeper_server.api.public_server import PublicServer
from ecrkeeper_server.private_interfaces import PrivateInterface

ACCEPT_LOOPS = PrivateInterface(
    "grpcio",
    grpc.__version__,
    ("1.85",),
    "grpc.aio accepts the calls of all methods in one loop: each call takes longer, and a method name that is not "
    "UTF-8 may end the loop, and the process with it",
)

# Beyond this, gRPC itself rejects calls without details, even health checks. Admission's limits
# apply long before.
_MAX_GRPC_CALLS = 2000
# Longer than any unary call, so that the maximum age of a connection cuts only streams.
_GRACE_SECONDS = 130
# Each waiting call holds its metadata, some 80 KB for 16 KiB of tiny headers, before its caller has
# authenticated.
_PENDING = 1000
# Time for TLS and the first frames of HTTP/2; gRPC closes connections that take longer.
_HANDSHAKE_SECONDS = 10


def options(limits: Limits, *, share_port: bool = False) -> list[tuple[str, Any]]:
    """Return the options of the HTTP/2 layer."""
    return [
        ("grpc.max_receive_message_length", limits.message_bytes),
        # Both limits are equal, because between them gRPC rejects calls at random.
        ("grpc.max_metadata_size", limits.metadata_bytes),
        ("grpc.absolute_max_metadata_size", limits.metadata_bytes),
        # Further calls on the same connection wait at the client.
        ("grpc.max_concurrent_streams", limits.calls_per_principal + limits.streams_per_principal),
        # Calls that wait for a handler. Beyond the first limit gRPC cancels some at random, without
        # a reason.
        ("grpc.server.max_pending_requests", _PENDING),
        ("grpc.server.max_pending_requests_hard_limit", 2 * _PENDING),
        # Without a limit, silent connections exhaust the file descriptors of the process.
        ("grpc.max_allowed_incoming_connections", limits.connections),
        ("grpc.server_handshake_timeout_ms", _HANDSHAKE_SECONDS * 1000),
        ("grpc.max_connection_age_ms", round(limits.connection_seconds * 1000)),
        ("grpc.max_connection_age_grace_ms", _GRACE_SECONDS * 1000),
        ("grpc.max_connection_idle_ms", 900_000),
        # Detect peers that vanished without closing the connection, and end their streams.
        ("grpc.keepalive_time_ms", 60_000),
        ("grpc.keepalive_timeout_ms", 20_000),
        ("grpc.http2.max_pings_without_data", 0),
        # A client that pings more often gets GOAWAY (`too_many_pings`).
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
        ("grpc.http2.max_ping_strikes", 2),
        # At most 64 KiB of a request wait unread, however fast the connection is.
        ("grpc.http2.bdp_probe", 0),
        ("grpc.so_reuseport", int(share_port)),
    ]


def listener(layers: Sequence[Layer], limits: Limits, *, share_port: bool = False) -> grpc.aio.Server:
    """Return a server without services that is not started.

    It wraps each method in the layers.

    With `share_port`, other processes may listen on the same port, and the kernel distributes the
    connections.
    """
    server_options, max_calls = options(limits, share_port=share_port), limits.calls + limits.streams + _MAX_GRPC_CALLS
    if not ACCEPT_LOOPS.choose():
        return PublicServer(layers, server_options, max_calls)
    from ecrkeeper_server.api.accept_loops import PrivateServer

    server: Any = PrivateServer(layers, server_options, max_calls)
    typed: grpc.aio.Server = server
    return typed
