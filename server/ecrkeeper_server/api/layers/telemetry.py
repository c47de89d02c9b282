"""The outermost layer: gives each call an id, metrics, a span and a log line."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import inspect
import random
import re
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextvars import ContextVar
from typing import Any

import structlog
from google.longrunning.operations_pb2 import Operation
from google.protobuf.message import Message
from grpc import StatusCode
from grpc.aio import AbortError
from msgspec import Struct

from ecrkeeper_server.api.layers.access import CALLER
from ecrkeeper_server.api.layers.layer import HEALTH, Context, behaving, behaviour_of
from ecrkeeper_server.api.messages.answer import Answer
from ecrkeeper_server.declarations.idempotency import Caller
from ecrkeeper_server.metrics.rpc import MethodMetrics, RpcMetrics
from ecrkeeper_server.tracing import Tracing

log = structlog.get_logger("ecrkeeper.api")

# The metadata key of a call's id, with the name that proxies use.
CALL_ID = "x-request-id"
_GOOD_ID = re.compile(r"[\x21-\x7e]{1,64}")
# Prefixes of the methods that change nothing.
_READS = re.compile(r".*/(Get|List|Watch|Wait|Check|Explain|Validate|Stream|ServerReflection)")
# Orchestrators and load balancers probe every second, which would flood the log.
_UNLOGGED = HEALTH
# Codes of the server's errors, not the caller's.
_SERVER_ERRORS = frozenset({"UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"})
_CALL: ContextVar[Call] = ContextVar("ecrkeeper_call")


class Call(Struct):
    """The record of a call in progress.

    `request_id`, `reason` and `operation` are for the log.
    """

    method: str
    id: str
    traceparent: str
    began: float
    # Read at the start: gRPC's context may be gone at the end, and reading it then ends the
    # process.
    peer: str = ""
    allowed: float | None = None
    reason: str = ""
    aws_code: str = ""
    operation: str = ""
    # The `request_id` of the request, which identifies repetitions; set when the request has been
    # read.
    request_id: str = ""


def current_call() -> Call:
    """Return the current call; a new record without `Telemetry`."""
    call = _CALL.get(None)
    return call if call is not None else Call("", _new_id(), "", time.perf_counter())


def caller_of(request: Message) -> Caller:
    """Return the caller of the current call, with a fingerprint of the request.

    The fingerprint does not cover the request id.
    """
    method = request.DESCRIPTOR.name.removesuffix("Request")
    request_id, reason = getattr(request, "request_id", ""), getattr(request, "reason", "")
    digest = _fingerprint(request) if request_id else ""
    return Caller(method, request_id, digest, CALLER.get().name, reason, current_call().id)


def _fingerprint(request: Message) -> str:
    content = type(request)()
    content.CopyFrom(request)
    content.ClearField("request_id")
    return hashlib.sha256(content.SerializeToString(deterministic=True)).hexdigest()


def _new_id() -> str:
    """Return a random id, which is not secret."""
    return f"{random.getrandbits(128):032x}"


def _begin(method: str, context: Context) -> Call:
    """Create the record of a call and make it the current one."""
    requested, traceparent = "", ""
    for key, value in context.invocation_metadata() or ():
        if key == CALL_ID and isinstance(value, str):
            requested = value[:64]
        elif key == "traceparent" and isinstance(value, str):
            traceparent = value
    call = Call(
        method,
        requested if _GOOD_ID.fullmatch(requested) else _new_id(),
        traceparent,
        time.perf_counter(),
        context.peer(),
        context.time_remaining(),
    )
    context.set_trailing_metadata(((CALL_ID, call.id),))
    _CALL.set(call)
    structlog.contextvars.bind_contextvars(call_id=call.id)
    return call


class Telemetry(Struct, frozen=True):
    """Wraps all handlers.

    `access_log` is `all`, `changes` (errors, and calls that change something), `errors` or `off`.
    """

    metrics: RpcMetrics
    tracing: Tracing | None = None
    access_log: str = "changes"

    def around(self, method: str, handler: Any) -> Any:
        """Return the handler with telemetry."""
        wrap = self._stream if handler.response_streaming else self._unary
        return behaving(handler, wrap(method, self.metrics.method(method), behaviour_of(handler)))

    def _unary(self, method: str, metrics: MethodMetrics, behaviour: Callable[..., Awaitable[Any]]) -> Any:
        async def handle(request: Any, context: Context) -> Any:
            metrics.started()
            metrics.opened()
            call, code = _begin(method, context), "UNKNOWN"
            with self._span(call) as span:
                try:
                    response = await behaviour(request, context)
                    code = _code(context)
                    if isinstance(response, Answer) and response.kind is Operation:
                        call.operation = response.message.name
                    return response
                except BaseException as error:
                    code = _code_of(error, call, context)
                    _release(error)
                    del request, context
                    raise
                finally:
                    self._ended(call, metrics, code, span)

        return handle

    def _stream(self, method: str, metrics: MethodMetrics, behaviour: Callable[..., Any]) -> Any:
        async def handle(request: Any, context: Context) -> AsyncIterator[Any]:
            metrics.started()
            metrics.opened()
            call, code = _begin(method, context), "UNKNOWN"
            with self._span(call) as span:
                try:
                    answer = behaviour(request, context)
                    if inspect.isawaitable(answer):
                        # A handler that writes to the context itself instead of yielding.
                        await answer
                    else:
                        async for response in answer:
                            yield response
                    code = _code(context)
                except BaseException as error:
                    code = _code_of(error, call, context)
                    _release(error)
                    del request, context
                    raise
                finally:
                    self._ended(call, metrics, code, span)

        return handle

    def _span(self, call: Call) -> contextlib.AbstractContextManager[Any]:
        if self.tracing is None:
            return contextlib.nullcontext()
        service, _, method = call.method.removeprefix("/").rpartition("/")
        attributes = {
            "rpc.system": "grpc",
            "rpc.service": service,
            "rpc.method": method,
            "ecrkeeper.call_id": call.id,
        }
        return self.tracing.span(f"{service}/{method}", "SERVER", attributes, call.traceparent)

    def _ended(self, call: Call, metrics: MethodMetrics, code: str, span: Any = None) -> None:
        seconds = time.perf_counter() - call.began
        metrics.closed()
        metrics.codes[code]()
        metrics.seconds(seconds)
        if self.tracing is not None and span is not None:
            span.set_attribute("rpc.grpc.status_code", StatusCode[code].value[0])
            if code in _SERVER_ERRORS:
                self.tracing.failed(span, call.reason or code)
        if self._worth_a_line(call.method, code):
            self._log(call, code, seconds)

    def _worth_a_line(self, method: str, code: str) -> bool:
        if self.access_log == "off" or method.startswith(_UNLOGGED):
            return False
        if self.access_log == "all":
            return True
        if code == "OK":
            return self.access_log == "changes" and not _READS.match(method)
        # Admission counts rejections in few lines of its own, so that an overload does not flood
        # the log.
        return code != "RESOURCE_EXHAUSTED"

    def _log(self, call: Call, code: str, seconds: float) -> None:
        facts = {
            "request_id": call.request_id,
            "reason": call.reason,
            "aws_code": call.aws_code,
            "operation": call.operation,
        }
        log.info(
            "rpc",
            method=call.method[:200],
            code=code,
            seconds=round(seconds, 6),
            principal=CALLER.get().name,
            peer=call.peer,
            **{name: value for name, value in facts.items() if value},
        )


def _release(error: BaseException) -> None:
    """Release what the frames of a call hold after `abort`.

    grpc.aio keeps the error, and the error its frames, which would keep the request until a collection of garbage.
    Only this call has raised the error; frames of its context may belong to other calls that share the failure.
    """
    if isinstance(error, AbortError):
        error.__context__ = None
        traceback.clear_frames(error.__traceback__)


def _code(context: Any) -> str:
    """Return the code of a call whose handler has returned."""
    code: StatusCode | None = context.code()
    return "OK" if code is None else code.name


def _code_of(error: BaseException, call: Call, context: Any) -> str:
    """Return the code of a call whose handler raised an exception."""
    if isinstance(error, asyncio.CancelledError | GeneratorExit):
        late = call.allowed is not None and time.perf_counter() - call.began >= call.allowed
        return "DEADLINE_EXCEEDED" if late else "CANCELLED"
    code: StatusCode | None = context.code()
    return "UNKNOWN" if code is None else code.name
