"""The handlers of a server behind their layers, for transports other than gRPC."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ecrkeeper_server.api.layers.layer import Layer, layered


class _Details(NamedTuple):
    """The details by which a service finds its handler."""

    method: str
    invocation_metadata: tuple[()] = ()


class HandlerTable:
    """Collects the layered handlers of services.

    Generated code registers services in it as in a server. The layers are the same objects as those
    of the gRPC server, so both transports share every limit, and each decision has one code path.
    """

    def __init__(self, methods: Mapping[str, str], layers: Sequence[Layer]) -> None:
        # A transport without HTTP/2 cannot read and write at the same time.
        self._names = [name for name, kind in methods.items() if kind in ("unary", "server_stream")]
        self._layers = layers
        self.handlers: dict[str, Any] = {}

    def add_generic_rpc_handlers(self, generic_rpc_handlers: Iterable[Any]) -> None:
        """Register the methods of services."""
        for service in generic_rpc_handlers:
            for name in self._names:
                handler = service.service(_Details(name))
                if handler is not None:
                    self.handlers[name] = layered(name, handler, self._layers)

    def add_registered_method_handlers(self, service_name: str, method_handlers: Any) -> None:
        """Do nothing: generated code registers the same methods in both ways."""
