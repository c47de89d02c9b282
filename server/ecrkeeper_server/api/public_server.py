"""The same server, through the public interface of grpc.aio."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import grpc
import grpc.aio

from ecrkeeper_server.api.layers.layer import Layer, layered


class PublicServer(grpc.aio.Server):
    """A grpc.aio server that wraps each method in the layers."""

    def __init__(self, layers: Sequence[Layer], options: list[tuple[str, Any]], max_calls: int) -> None:
        self._layers = layers
        self._server = grpc.aio.server(options=options, maximum_concurrent_rpcs=max_calls)

    def add_generic_rpc_handlers(self, generic_rpc_handlers: Any) -> None:
        """Register the methods of services."""
        self._server.add_generic_rpc_handlers([_Layered(each, self._layers) for each in generic_rpc_handlers])

    def add_registered_method_handlers(self, service_name: str, method_handlers: Any) -> None:
        """Do nothing: generated code registers the same methods in both ways."""

    def add_insecure_port(self, address: str) -> int:
        """Listen on an address in plaintext; return the port."""
        return self._server.add_insecure_port(address)

    def add_secure_port(self, address: str, server_credentials: grpc.ServerCredentials) -> int:
        """Listen on an address with TLS; return the port."""
        return self._server.add_secure_port(address, server_credentials)

    async def start(self) -> None:
        """Start to accept calls."""
        await self._server.start()

    async def stop(self, grace: float | None) -> None:
        """Accept no more calls, and cancel running ones after the grace period in seconds."""
        await self._server.stop(grace)

    async def wait_for_termination(self, timeout: float | None = None) -> bool:
        """Wait until the server has stopped; return False if the timeout passes first."""
        return await self._server.wait_for_termination(timeout)


class _Layered(grpc.GenericRpcHandler):
    """A service that wraps each handler in the layers when gRPC first looks it up."""

    def __init__(self, service: Any, layers: Sequence[Layer]) -> None:
        self._service = service
        self._layers = layers
        self._handlers: dict[str, Any] = {}

    def service(self, handler_call_details: Any) -> Any:
        """Return the handler of a method; None if the service has no such method."""
        name: str = handler_call_details.method
        if name not in self._handlers:
            handler = self._service.service(handler_call_details)
            if handler is None:
                return None
            self._handlers[name] = layered(name, handler, self._layers)
        return self._handlers[name]
