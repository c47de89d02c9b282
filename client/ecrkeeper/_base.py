"""Calls as values, shared by the synchronous and the asyncio client.

A module such as `_roles` has one function per RPC that turns keywords into a call.
protos/methods.py generates the methods of `Client` and `AsyncClient` from these functions; how a call
is sent is written once for each of them.
"""

from __future__ import annotations

import inspect
import logging
import math
import random
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, ParamSpec, TypeVar

from google.longrunning import operations_pb2  # type: ignore[import-untyped,unused-ignore]
from google.protobuf.message import Message

from ecrkeeper._failures import invalid
from ecrkeeper.v1 import (
    audit_service_pb2,
    fleet_service_pb2,
    registry_settings_service_pb2,
    role_service_pb2,
    server_service_pb2,
)

P = ParamSpec("P")
T = TypeVar("T")
Response = TypeVar("Response", bound=Message)
Call = TypeVar("Call")

DEFAULT_TIMEOUT = 10.0
LOG = logging.getLogger("ecrkeeper")

SERVICES = {
    service.full_name: service
    for file in (
        role_service_pb2,
        registry_settings_service_pb2,
        fleet_service_pb2,
        audit_service_pb2,
        server_service_pb2,
        operations_pb2,
    )
    for service in file.DESCRIPTOR.services_by_name.values()
}
# No two RPCs share a request type, so the request determines the method.
PATHS = {
    method.input_type.full_name: f"/{service.full_name}/{method.name}"
    for service in SERVICES.values()
    for method in service.methods
}


class _Request:
    """Sets a `request_id`, which makes retries safe, unless the caller set one."""

    __slots__ = ()
    request: Message

    def __post_init__(self) -> None:
        if "request_id" in self.request.DESCRIPTOR.fields_by_name and not getattr(self.request, "request_id"):  # noqa: B009
            setattr(self.request, "request_id", str(uuid.uuid4()))  # noqa: B010


@dataclass(frozen=True, slots=True)
class Unary(_Request, Generic[Response]):
    """A call with one answer."""

    response: type[Response]
    request: Message
    timeout: float | None = None


@dataclass(frozen=True, slots=True)
class Paged(Generic[T, Response]):
    """A list call: the first page, and the field with the resources."""

    first: Unary[Response]
    items: Callable[[Response], Iterable[T]]

    def after(self, page: Response) -> Unary[Response] | None:
        """Return the call for the next page, or None after the last one."""
        token = getattr(page, "next_page_token")  # noqa: B009
        if not token:
            return None
        request = type(self.first.request)()
        request.CopyFrom(self.first.request)
        setattr(request, "page_token", token)  # noqa: B010
        return Unary(self.first.response, request, self.first.timeout)


@dataclass(frozen=True, slots=True)
class Watched(_Request, Generic[Response]):
    """A call with a stream of answers."""

    response: type[Response]
    request: Message
    timeout: float | None = None


@dataclass(frozen=True, slots=True)
class LongRunning(_Request, Generic[Response]):
    """A call that starts an operation.

    `response` is the type of the operation's response.
    """

    response: type[Response]
    request: Message
    timeout: float | None = None

    @property
    def start(self) -> Unary[Any]:
        """Return the call that starts it."""
        return Unary(operations_pb2.Operation, self.request, self.timeout)


def wire(call: Unary[Response] | Watched[Response]) -> tuple[str, Callable[[Any], bytes], Callable[[bytes], Response]]:
    """Return the path of a call, and the serializer and the parser of its messages."""
    return PATHS[call.request.DESCRIPTOR.full_name], type(call.request).SerializeToString, call.response.FromString


class Backoff:
    """Pauses that double up to a maximum, with jitter, until a success resets them."""

    def __init__(self, first: float = 0.05, maximum: float = 5.0) -> None:
        self._first = first
        self._maximum = maximum
        self._next = first

    def reset(self) -> None:
        """Reset after a success."""
        self._next = self._first

    def pause(self) -> float:
        """Return the next pause in seconds."""
        pause, self._next = self._next, min(self._next * 2, self._maximum)
        return pause * random.uniform(0.8, 1.2)


def call_of(build: Callable[P, Call], *args: P.args, **kwargs: P.kwargs) -> Call:
    """Build a call; InvalidArgument names dictionaries where none are taken."""
    try:
        return build(*args, **kwargs)
    except (TypeError, ValueError) as error:
        _reject_mappings(inspect.signature(build), args, kwargs, error)
        raise


def _reject_mappings(
    signature: inspect.Signature, args: tuple[Any, ...], kwargs: Mapping[str, Any], error: Exception
) -> None:
    """Raise InvalidArgument if dictionaries were given for arguments that take none."""
    try:
        passed = signature.bind(*args, **kwargs).arguments
    except TypeError:
        return
    faults = [
        (name, f"must be {takes}, got {type(value).__name__}")
        for name, value in passed.items()
        if isinstance(value, Mapping) and "Mapping" not in (takes := str(signature.parameters[name].annotation))
    ]
    if faults:
        raise invalid(*faults) from error


class BaseClient:
    """State of a client: its timeout, whether it is closed, and had an answer."""

    def __init__(self, timeout: float) -> None:
        self._timeout = finite(timeout)
        self._closed = False
        self._answered = False

    def _deadline(self, timeout: float | None) -> float:
        return self._timeout if timeout is None else finite(timeout)

    def _reject_if_closed(self) -> None:
        if self._closed:
            raise RuntimeError("the client is closed")


def finite(timeout: float) -> float:
    """Return the timeout in seconds; ValueError unless it is positive and finite."""
    if not (math.isfinite(timeout) and timeout > 0):
        raise ValueError(f"a timeout must be a positive, finite number of seconds, got {timeout!r}")
    return timeout
