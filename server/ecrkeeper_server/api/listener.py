"""The gRPC server of the library, with its limits set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import grpc.aio

from ecrkeeper_server.api.layers.capacity import Limits
from ecrkeeper_server.api.layers.layer import Layer
from ecrkeeper_server.api.public_server import PublicServer
from ecrkeeper_server.private_interfaces import PrivateInterface

ACCEPT_LOOPS = PrivateInterface(
    "grpcio",
    grpc.__version__,
    ("1.85",),
    "grpc.aio accepts the calls of all methods in one loop: each call takes longer, and a method name that is not "
    "UTF-8 may end the loop, and the process with it",
)

# Calls that gRPC itself refuses, without details and health checks too: the gate's limits come long before.
_BEYOND_THE_GATE = 2000
# Longer than any call may take, so that only streams are cut when a connection has become too old.
_GRACE_SECONDS = 130
# Each of them holds its metadata, some 80 KB for 16 KiB of tiny headers, and nobody has shown a credential yet.
_PENDING = 1000
# For TLS and the first frames of HTTP/2; a connection that stays silent for longer is closed.
_HANDSHAKE_SECONDS = 10


def options(limits: Limits, *, share_port: bool = False) -> list[tuple[str, Any]]:
    """The options of the HTTP/2 layer."""
    return [
        ("grpc.max_receive_message_length", limits.message_bytes),
        # Both bounds alike: between them gRPC refuses at random.
        ("grpc.max_metadata_size", limits.metadata_bytes),
        ("grpc.absolute_max_metadata_size", limits.metadata_bytes),
        # On one connection calls beyond these wait at the client.
        ("grpc.max_concurrent_streams", limits.calls_per_principal + limits.streams_per_principal),
        # Calls that wait to be taken up; beyond the first bound gRPC cancels some at random, without a reason.
        ("grpc.server.max_pending_requests", _PENDING),
        ("grpc.server.max_pending_requests_hard_limit", 2 * _PENDING),
        # Without a bound, silent connections of anybody use up the descriptors of the process.
        ("grpc.max_allowed_incoming_connections", limits.connections),
        ("grpc.server_handshake_timeout_ms", _HANDSHAKE_SECONDS * 1000),
        ("grpc.max_connection_age_ms", round(limits.connection_seconds * 1000)),
        ("grpc.max_connection_age_grace_ms", _GRACE_SECONDS * 1000),
        ("grpc.max_connection_idle_ms", 900_000),
        # Peers that are gone without a word are noticed, and their streams end.
        ("grpc.keepalive_time_ms", 60_000),
        ("grpc.keepalive_timeout_ms", 20_000),
        ("grpc.http2.max_pings_without_data", 0),
        # A client that pings more often is told to calm down, and cut off.
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
        ("grpc.http2.max_ping_strikes", 2),
        # What of a request waits unread is 64 KiB, however fast the connection is.
        ("grpc.http2.bdp_probe", 0),
        ("grpc.so_reuseport", int(share_port)),
    ]


def listener(layers: Sequence[Layer], limits: Limits, *, share_port: bool = False) -> grpc.aio.Server:
    """A server that is not started, without services; every method that is added is put inside of the layers.

    With `share_port`, other processes may listen on the same port, and the kernel deals out the connections.
    """
    given, most = options(limits, share_port=share_port), limits.calls + limits.streams + _BEYOND_THE_GATE
    if not ACCEPT_LOOPS.choose():
        return PublicServer(layers, given, most)
    from ecrkeeper_server.api.accept_loops import PrivateServer

    server: Any = PrivateServer(layers, given, most)
    made: grpc.aio.Server = server
    return made
