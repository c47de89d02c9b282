"""The gRPC server of the library, with its limits set and its accept loop kept alive."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import grpc.aio
from grpc._cython import cygrpc
from grpc.aio import _server

from ecrkeeper_server.api.layers.capacity import Limits
from ecrkeeper_server.api.layers.layer import Layer, layered

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
    made: Any = _Listener(layers, limits, options(limits, share_port=share_port))
    server: grpc.aio.Server = made
    return server


class _Listener(_server.Server):
    """A server whose methods are known by their names before it starts: what is not among them is unknown."""

    def __init__(self, layers: Sequence[Layer], limits: Limits, options: list[tuple[str, Any]]) -> None:
        super().__init__(None, (), (), options, None, None)
        self._server = _Acceptor(self._loop, options, limits.calls + limits.streams + _BEYOND_THE_GATE)
        self._layers = layers

    def add_generic_rpc_handlers(self, generic_rpc_handlers: Any) -> None:
        """Register the methods of services."""
        for service in generic_rpc_handlers:
            handlers = {name: layered(name, each, self._layers) for name, each in service._method_handlers.items()}
            self._server.add_registered_method_handlers(handlers)

    def add_registered_method_handlers(self, service_name: str, method_handlers: Any) -> None:
        """Do nothing: generated code adds the same methods in both ways."""


class _Acceptor(cygrpc.AioServer):  # type: ignore[misc]
    """Accepts the calls of each method in a loop of its own.

    The accept loop of grpc.aio waits for all methods at once, which takes time for each of them with every
    call. And it decodes the name of every call of an unknown method, and ends for good with the first name
    that is not UTF-8: one packet of anybody, and nobody is served any more, while the process goes on. That
    loop still runs, but what it waits for ends only with the server.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, options: list[tuple[str, Any]], most: int) -> None:
        super().__init__(loop, None, (), (), options, None)
        self._running: set[asyncio.Task[None]] = set()
        self._handlers: dict[str, Any] = {}
        self._most = most

    def add_registered_method_handlers(self, method_handlers: dict[str, Any]) -> None:
        """Register methods by name."""
        self._handlers |= method_handlers
        super().add_registered_method_handlers(method_handlers)

    def _make_request_call_future(self, method: bytes | None) -> Any:
        name = "" if method is None else method.decode()
        return asyncio.get_running_loop().create_task(self._accept(name))

    async def _accept(self, method: str) -> None:
        """Answer the calls of a method until the server stops, which raises an exception here.

        Without a name, those of unknown methods, which get UNIMPLEMENTED.
        """
        loop, resolver = asyncio.get_running_loop(), _Resolver(self._handlers.get(method))
        encoded = method.encode()
        while True:
            state = await (self._request_registered_call(encoded) if method else self._request_call())
            too_many = len(self._running) >= self._most
            answer = cygrpc._handle_rpc(method, resolver, (), state, loop, too_many)
            task = loop.create_task(cygrpc._schedule_rpc_coro(answer, state, loop, method or "unknown"))
            self._running.add(task)
            task.add_done_callback(self._running.discard)


class _Resolver:
    def __init__(self, handler: Any) -> None:
        self._handler = handler

    def resolve_handler(self, _details: Any) -> Any:
        """The handler of the method; None if there is no such method."""
        return self._handler
