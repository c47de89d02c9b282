"""The gRPC server of the library, with its limits set and its accept loop kept alive."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import grpc.aio
from grpc._cython import cygrpc
from grpc.aio import _server

from ecrkeeper_server.api.admission import Limits

# Calls that gRPC itself refuses, without details and health checks too: the gate's limits come long before.
_BEYOND_THE_GATE = 2000
# Longer than any call may take, so that only streams are cut when a connection has become too old.
_GRACE_SECONDS = 130
_PENDING = 10_000


def options(limits: Limits) -> list[tuple[str, Any]]:
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
        ("grpc.so_reuseport", 0),
    ]


def listener(interceptors: Sequence[grpc.aio.ServerInterceptor], limits: Limits) -> grpc.aio.Server:
    """A server that is not started, without services."""
    made: Any = _Listener(interceptors, limits)
    server: grpc.aio.Server = made
    return server


class _Listener(_server.Server):
    """A server that outlives calls of methods whose name is not UTF-8.

    The accept loop of grpc.aio decodes the name of every call of an unknown method, and ends for good
    with the first that cannot be decoded: one packet of anybody, and nobody is served any more, while
    the process goes on. So calls of unknown methods do not get to that loop.
    """

    def __init__(self, interceptors: Sequence[grpc.aio.ServerInterceptor], limits: Limits) -> None:
        most = limits.calls + limits.streams + _BEYOND_THE_GATE
        super().__init__(None, (), interceptors, options(limits), most, None)
        self._server = _Acceptor(self._loop, None, (), tuple(interceptors), options(limits), most)

    def add_generic_rpc_handlers(self, generic_rpc_handlers: Any) -> None:
        """Register the methods of services by their names: what is not registered is unknown."""
        for service in generic_rpc_handlers:
            self._server.add_registered_method_handlers(service._method_handlers)


class _Acceptor(cygrpc.AioServer):  # type: ignore[misc]
    def _make_request_call_future(self, method: bytes | None) -> Any:
        if method is not None:
            return super()._make_request_call_future(method)
        return asyncio.get_running_loop().create_task(self._refuse_unknown())

    async def _refuse_unknown(self) -> None:
        """Answer calls of unknown methods with UNIMPLEMENTED until the server stops, which raises an exception here."""
        loop = asyncio.get_running_loop()
        running: set[asyncio.Task[None]] = set()
        while True:
            state = await self._request_call()
            answer = cygrpc._handle_rpc("", _Nothing, (), state, loop, False)
            task = loop.create_task(cygrpc._schedule_rpc_coro(answer, state, loop, "unknown"))
            running.add(task)
            task.add_done_callback(running.discard)


class _Nothing:
    @staticmethod
    def resolve_handler(_details: Any) -> None:
        """No method is known by the name."""
