"""Admission: the limits before a request is read, and the maximum age of a stream."""

from __future__ import annotations

import asyncio
import inspect
import ipaddress
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Any, TypeVar
from urllib.parse import unquote

import grpc
import grpc.aio

from ecrkeeper_server.api.layers.access import CALLER
from ecrkeeper_server.api.layers.capacity import Admission, CallCosts
from ecrkeeper_server.api.layers.data_limit import DataLimit
from ecrkeeper_server.api.layers.errors import LARGE_BYTES, NO_MESSAGE, RequestParser, abort, parsing
from ecrkeeper_server.api.layers.layer import OWN_PREFIXES, Context, behaving, behaviour_of
from ecrkeeper_server.api.layers.limits import Kind, Limits
from ecrkeeper_server.api.layers.rejection_log import RejectionLog
from ecrkeeper_server.api.layers.request_memory import Deadlines, RequestMemoryLimit, in_time
from ecrkeeper_server.errors import InvalidArgument, ResourceExhausted, StatusError, Unavailable, Violation
from ecrkeeper_server.store.instrumented import RecentCpu
from ecrkeeper_server.turns import WORK, Turns, Work, work

T = TypeVar("T")

_LONGEST_SECONDS = 120.0
# The call waits for an operation to end, and does no more work than a stream.
_WAITING = frozenset({"/google.longrunning.Operations/WaitOperation"})


class _Entered:
    """A call within the limits; its end releases everything that it holds."""

    __slots__ = ("_admission", "_costs", "_kind", "_peer")

    def __init__(self, admission: Admission, peer: str, kind: Kind, costs: CallCosts) -> None:
        self._admission = admission
        self._peer = peer
        self._kind = kind
        self._costs = costs

    def __enter__(self) -> tuple[str, CallCosts]:
        self._admission.enter(self._peer, self._kind)
        WORK.set(self._costs.work)
        return self._peer, self._costs

    def __exit__(self, *_: object) -> None:
        self._costs.end()
        self._admission.leave(self._peer, self._kind)


class AdmissionLayer:
    """Admits calls, or rejects them before a byte of the request is read.

    gRPC reads the request of a unary handler before it calls the handler, and waits for it without
    a deadline. Unary handlers are therefore registered as streaming ones, which read the request
    themselves; the wire format is the same.
    """

    def __init__(self, limits: Limits, admission: Admission, turns: Turns | None = None) -> None:
        self._limits = limits
        self._turns = turns or Turns()
        self._admission = admission
        self._cpu = RecentCpu()
        self._memory = RequestMemoryLimit(limits)
        self._data = DataLimit()
        self._deadlines = Deadlines(_LONGEST_SECONDS)
        self._rejections = RejectionLog()
        self._open: set[asyncio.Timeout] = set()
        self._closed = False

    def close(self) -> None:
        """End all streams and waiting calls, so that they do not delay the server's stop."""
        self._closed = True
        for limit in self._open:
            # A timeout that is expiring cannot be rescheduled.
            if not limit.expired():
                limit.reschedule(0.0)

    def work_of(self, peer: str) -> Work:
        """Return work that a principal pays for beside its calls, such as a page."""
        return CallCosts(self._admission, self._turns, peer, self._cpu).work()

    def around(self, method: str, handler: Any) -> Any:
        """Return the handler behind admission."""
        if not method.startswith(OWN_PREFIXES):
            return self._unauthenticated(handler)
        if handler.unary_unary:
            call = self._unary(handler, Kind.STREAMS if method in _WAITING else Kind.CALLS)
            return grpc.stream_unary_rpc_method_handler(call, None, handler.response_serializer)
        return grpc.stream_stream_rpc_method_handler(self._stream(handler), None, handler.response_serializer)

    def _unary(self, handler: Any, kind: Kind) -> Callable[..., Awaitable[Any]]:
        async def call(_requests: Any, context: Context) -> Any:
            try:
                with self._entered(context, kind) as (peer, costs):
                    content = _content(await self._memory.receive(peer, context.read))
                    with self._memory.holding(peer, len(content)):
                        request = await _request(handler, content)
                        # The call needs only the message, which has the same size.
                        del content
                        answer = self._in_time(costs.counting(handler.unary_unary(request, context)))
                        if kind is Kind.CALLS:
                            return await answer
                        async with self._open_until(None):
                            return await answer
            except (StatusError, TimeoutError) as error:
                await self._reject(context, error)

        return call

    def _stream(self, handler: Any) -> Callable[..., AsyncIterator[Any]]:
        async def call(_requests: Any, context: Context) -> AsyncIterator[Any]:
            try:
                with self._entered(context, Kind.STREAMS) as (peer, costs):
                    content = _content(await self._memory.receive(peer, context.read))
                    with self._memory.holding(peer, len(content)):
                        request = await _request(handler, content)
                        # The call needs only the message, which has the same size.
                        del content
                        async for response in self._until_max_age(handler.unary_stream(request, context), costs):
                            yield response
            except StatusError as error:
                await self._reject(context, error)

        return call

    def _unauthenticated(self, handler: Any) -> Any:
        """Return a handler without authentication.

        It has its own limits and rejects malformed bytes.
        """
        inner = behaviour_of(handler)
        checked = handler._replace(request_deserializer=parsing(handler.request_deserializer))
        kind = Kind.HEALTH_STREAMS if handler.response_streaming else Kind.HEALTH_CHECKS

        async def answer(_requests: Any, context: Context) -> Any:
            """Answer a unary call, or a call that writes to its context."""
            try:
                with self._entered(context, kind):
                    request = await _request(checked, _content(await in_time(context.read)))
                    if request is None:
                        raise InvalidArgument([NO_MESSAGE])
                    return await inner(request, context)
            except StatusError as error:
                await self._reject(context, error)

        async def generate(requests: Any, context: Context) -> AsyncIterator[Any]:
            try:
                with self._entered(context, kind) as (_, costs):
                    async for response in self._until_max_age(inner(_parsed(requests), context), costs):
                        yield response
            except StatusError as error:
                await self._reject(context, error)

        if inspect.isasyncgenfunction(inner):
            return behaving(checked, generate)
        make = (
            grpc.stream_stream_rpc_method_handler
            if handler.response_streaming
            else grpc.stream_unary_rpc_method_handler
        )
        return make(answer, None, handler.response_serializer)

    def _entered(self, context: Context, kind: Kind) -> _Entered:
        peer = limit_key(context)
        costs = CallCosts(self._admission, self._turns, peer, self._cpu, self._data)
        return _Entered(self._admission, peer, kind, costs)

    async def _in_time(self, call: Coroutine[Any, Any, T]) -> T:
        """Return the result of a call, or raise TimeoutError after the longest time.

        gRPC and HTTP cancel a call at the deadline of its caller.
        """
        async with asyncio.timeout(None) as limit:
            self._deadlines.begin(limit)
            try:
                return await call
            finally:
                self._deadlines.end(limit)

    async def _until_max_age(self, responses: AsyncIterator[Any], costs: CallCosts) -> AsyncIterator[Any]:
        # Jitter, so that streams that began together after a restart do not end together.
        seconds = self._limits.stream_seconds * random.uniform(0.9, 1.0)
        end = asyncio.get_running_loop().time() + seconds
        while True:
            async with self._open_until(end):
                response = await costs.counting(_next(responses))
            if response is grpc.aio.EOF:
                return
            yield response

    @asynccontextmanager
    async def _open_until(self, end: float | None) -> AsyncIterator[None]:
        """Run the body until `end`, a time of the event loop, or until `close`.

        Then raise Unavailable.
        """
        limit = asyncio.timeout_at(0.0 if self._closed else end)
        self._open.add(limit)
        try:
            async with limit:
                yield
        except TimeoutError:
            if not limit.expired():
                raise
            raise _end_error(closed=self._closed) from None
        finally:
            self._open.discard(limit)

    async def _reject(self, context: Context, error: StatusError | TimeoutError) -> None:
        if isinstance(error, ResourceExhausted):
            self._rejections.note(error)
        await abort(context, error)


async def _next(responses: AsyncIterator[Any]) -> Any:
    return await anext(responses, grpc.aio.EOF)


async def _parsed(requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
    async for request in requests:
        if request is None:
            raise InvalidArgument([NO_MESSAGE])
        yield request


def _content(received: Any) -> Any:
    if received is grpc.aio.EOF:
        raise InvalidArgument([Violation("", "the call ended without a request")])
    return received


async def _request(handler: Any, content: Any) -> Any:
    parse = handler.request_deserializer
    if isinstance(parse, RequestParser) and len(content) >= LARGE_BYTES:
        return await work().run(parse.steps(content))
    return parse(content)


def _end_error(*, closed: bool) -> Unavailable:
    if closed:
        return Unavailable("the server is stopping; retry", reason="SERVER_STOPPING", retry_after=0.1)
    return Unavailable("stream reached its maximum age; reconnect", reason="STREAM_TOO_OLD", retry_after=0.1)


def limit_key(context: Context) -> str:
    """Return the key for the limits: the authenticated name, or the peer's address."""
    return CALLER.get().name or address_of(context.peer())


# Cached, because one caller makes many calls over one connection.
@lru_cache(maxsize=4096)
def address_of(peer: str) -> str:
    """Return the part of an address that identifies a host.

    It is an IPv4 address, an IPv6 /64, or `unix`.
    """
    kind, _, rest = unquote(peer).partition(":")
    if kind not in ("ipv4", "ipv6"):
        return kind
    host = rest.rpartition(":")[0].strip("[]").partition("%")[0]
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return kind
    if isinstance(address, ipaddress.IPv6Address):
        mapped = address.ipv4_mapped
        return str(mapped) if mapped else str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
