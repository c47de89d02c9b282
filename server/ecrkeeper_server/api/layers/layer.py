"""Layers around the handlers of a server.

gRPC's interceptors are asked for a handler anew for every call. A layer is asked once for
each method, when the server is made, and costs a call no more than what it does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import grpc
import grpc.aio

Context = grpc.aio.ServicerContext[Any, Any]
# How the names of methods begin: our own, those of operations with them, and what gRPC has for everybody.
ECRKEEPER, HEALTH, REFLECTION = "/ecrkeeper.", "/grpc.health.", "/grpc.reflection."
OURS = (ECRKEEPER, "/google.longrunning.")


class Layer(Protocol):
    """A layer that every call passes."""

    def around(self, method: str, handler: Any) -> Any:
        """Return the handler of a method, `/service/Method`, with this layer around it."""


def behaviour_of(handler: Any) -> Callable[..., Any]:
    """Return the behaviour of a handler of any type."""
    behaviour: Callable[..., Any] = getattr(handler, _kind(handler))
    return behaviour


def behaving(handler: Any, behaviour: Callable[..., Any]) -> Any:
    """Return a handler of the same type and messages with another behaviour."""
    make: Any = getattr(grpc, f"{_kind(handler)}_rpc_method_handler")
    return make(behaviour, handler.request_deserializer, handler.response_serializer)


def _kind(handler: Any) -> str:
    """Return the name of the handler's type, which names the member that holds its behaviour."""
    words = {False: "unary", True: "stream"}
    return f"{words[handler.request_streaming]}_{words[handler.response_streaming]}"


def layered(method: str, handler: Any, layers: Sequence[Layer]) -> Any:
    """Return a handler inside of all layers, the first of which is the outermost."""
    for layer in reversed(layers):
        handler = layer.around(method, handler)
    return handler
