"""Layers around the handlers of a server.

gRPC calls its interceptors for a handler again with every call. The server calls a layer once for
each method, when it is built, so a call pays only for the layer's own work.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import grpc
import grpc.aio

Context = grpc.aio.ServicerContext[Any, Any]
# Prefixes of method names: ecrkeeper's own with those of operations, and those of gRPC's standard
# services.
ECRKEEPER, HEALTH, REFLECTION = "/ecrkeeper.", "/grpc.health.", "/grpc.reflection."
OWN_PREFIXES = (ECRKEEPER, "/google.longrunning.")


class Layer(Protocol):
    """A layer that every call passes."""

    def around(self, method: str, handler: Any) -> Any:
        """Return the handler of a method, `/service/Method`, with this layer around it."""


def behaviour_of(handler: Any) -> Callable[..., Any]:
    """Return the behavior of a handler of any type."""
    behaviour: Callable[..., Any] = getattr(handler, _kind(handler))
    return behaviour


def behaving(handler: Any, behaviour: Callable[..., Any]) -> Any:
    """Return a handler of the same type and messages with another behavior."""
    make: Any = getattr(grpc, f"{_kind(handler)}_rpc_method_handler")
    return make(behaviour, handler.request_deserializer, handler.response_serializer)


def _kind(handler: Any) -> str:
    """Return the handler's type, which is also the member's name for its behavior."""
    words = {False: "unary", True: "stream"}
    return f"{words[handler.request_streaming]}_{words[handler.response_streaming]}"


def layered(method: str, handler: Any, layers: Sequence[Layer]) -> Any:
    """Return a handler inside of all layers; the first one is the outermost."""
    for layer in reversed(layers):
        handler = layer.around(method, handler)
    return handler
