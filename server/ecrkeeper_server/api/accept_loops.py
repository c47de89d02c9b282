"""A grpc.aio server with its own accept loops, through grpcio's private interface.

- Benefit: an empty call to a server with 40 methods takes 11 to 17 % less CPU time, including the
  client's (241 instead of 272 microseconds). A method name that is not UTF-8 does not end the
  accept loop.
- Upstream: grpc/grpc#43092 rewrites the method that this module overrides; grpc/grpc#43461 is open.
- Tested with grpcio 1.85; `listener.ACCEPT_LOOPS` names the versions.
- With any other version, and in tests, the server uses `public_server` instead and logs a warning.
- `tests/edge/test_listener.py` runs both.
- Delete this module when the oldest supported grpcio survives such a name, and either accepts the
  calls of each method separately or reduces the benefit to less than 5 %.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from grpc._cython import cygrpc
from grpc.aio import _server

from ecrkeeper_server.api.layers.layer import Layer, layered


class PrivateServer(_server.Server):
    """A server that registers its methods by name before it starts.

    Calls of all other methods get UNIMPLEMENTED.
    """

    def __init__(self, layers: Sequence[Layer], options: list[tuple[str, Any]], max_calls: int) -> None:
        super().__init__(None, (), (), options, None, None)
        self._server = _Acceptor(self._loop, options, max_calls)
        self._layers = layers

    def add_generic_rpc_handlers(self, generic_rpc_handlers: Any) -> None:
        """Register the methods of services."""
        for service in generic_rpc_handlers:
            handlers = {name: layered(name, each, self._layers) for name, each in service._method_handlers.items()}
            self._server.add_registered_method_handlers(handlers)

    def add_registered_method_handlers(self, service_name: str, method_handlers: Any) -> None:
        """Do nothing: generated code registers the same methods in both ways."""


class _Acceptor(cygrpc.AioServer):  # type: ignore[misc]
    """Accepts the calls of each method in a separate loop.

    The accept loop of grpc.aio waits for all methods at once, so each call costs time for every
    method. It also decodes the names of unknown methods, and ends with the first name that is not
    UTF-8: one packet of any client stops the service while the process continues. That loop still
    runs here, but waits for a call that arrives only when the server stops.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, options: list[tuple[str, Any]], max_calls: int) -> None:
        super().__init__(loop, None, (), (), options, None)
        self._running: set[asyncio.Task[None]] = set()
        self._handlers: dict[str, Any] = {}
        self._max_calls = max_calls

    def add_registered_method_handlers(self, method_handlers: dict[str, Any]) -> None:
        """Register methods by name."""
        self._handlers |= method_handlers
        super().add_registered_method_handlers(method_handlers)

    def _make_request_call_future(self, method: bytes | None) -> Any:
        name = "" if method is None else method.decode()
        return asyncio.get_running_loop().create_task(self._accept(name))

    async def _accept(self, method: str) -> None:
        """Answer the calls of a method until the server stops, which raises an exception.

        Without a name, answer the calls of unknown methods, which get UNIMPLEMENTED.
        """
        loop, resolver = asyncio.get_running_loop(), _Resolver(self._handlers.get(method))
        encoded = method.encode()
        while True:
            state = await (self._request_registered_call(encoded) if method else self._request_call())
            too_many = len(self._running) >= self._max_calls
            answer = cygrpc._handle_rpc(method, resolver, (), state, loop, too_many)
            task = loop.create_task(cygrpc._schedule_rpc_coro(answer, state, loop, method or "unknown"))
            self._running.add(task)
            task.add_done_callback(self._running.discard)


class _Resolver:
    def __init__(self, handler: Any) -> None:
        self._handler = handler

    def resolve_handler(self, _details: Any) -> Any:
        """Return the handler of the method; None if there is no such method."""
        return self._handler
