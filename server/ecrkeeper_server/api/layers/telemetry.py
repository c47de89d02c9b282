"""The outermost layer: every call gets an id, is counted, timed, traced and logged."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import inspect
import random
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import structlog
from google.longrunning.operations_pb2 import Operation
from google.protobuf.message import Message
from grpc import StatusCode

from ecrkeeper_server.api.layers.access import CALLER
from ecrkeeper_server.api.layers.layer import HEALTH, Context, behaving, behaviour_of
from ecrkeeper_server.declarations.idempotency import Caller
from ecrkeeper_server.metrics import MethodMetrics, RpcMetrics
from ecrkeeper_server.tracing import Tracing

log = structlog.get_logger("ecrkeeper.api")

# The metadata that carries the id of a call; proxies and callers know it by this name.
CALL_ID = "x-request-id"
_GOOD_ID = re.compile(r"[\x21-\x7e]{1,64}")
# Calls that change nothing, by how their names begin.
_READING = re.compile(r".*/(Get|List|Watch|Wait|Check|Explain|Validate|Stream|ServerReflection)")
# What orchestrators and load balancers ask every second is not worth a line.
_QUIET = HEALTH
# Codes that speak of a fault of the server rather than of the caller.
_FAULTS = frozenset({"UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"})
_CALL: ContextVar[Call] = ContextVar("ecrkeeper_call")


@dataclass(slots=True)
class Call:
    """What is known of a call while it is answered; `request_id`, `reason` and `operation` are for the log."""

    method: str
    id: str
    traceparent: str
    began: float
    # gRPC's context is not asked for these at the end: it may be gone by then, and asking it ends the process.
    peer: str = ""
    allowed: float | None = None
    reason: str = ""
    aws_code: str = ""
    operation: str = ""
    # The caller's own id of the request, by which its repetitions are known; set once the request is read.
    request_id: str = ""


def current_call() -> Call:
    """The call that is being answered; where `Telemetry` is not in the chain, one without a past."""
    call = _CALL.get(None)
    return call if call is not None else Call("", _new_id(), "", time.perf_counter())


def caller_of(request: Message) -> Caller:
    """Return who makes the present call, and with which request; the fingerprint leaves out the request id."""
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
    """An id that no other call has; nothing is proved by knowing it."""
    return f"{random.getrandbits(128):032x}"


def _begun(method: str, context: Context) -> Call:
    """The record of a call, which is the current one from now on."""
    given, traceparent = "", ""
    for key, value in context.invocation_metadata() or ():
        if key == CALL_ID and isinstance(value, str):
            given = value[:64]
        elif key == "traceparent" and isinstance(value, str):
            traceparent = value
    call = Call(
        method,
        given if _GOOD_ID.fullmatch(given) else _new_id(),
        traceparent,
        time.perf_counter(),
        context.peer(),
        context.time_remaining(),
    )
    context.set_trailing_metadata(((CALL_ID, call.id),))
    _CALL.set(call)
    structlog.contextvars.bind_contextvars(call_id=call.id)
    return call


@dataclass(frozen=True, slots=True)
class Telemetry:
    """Wraps all handlers; `access_log` is `all`, `changes` (errors and what changes something), `errors` or `off`."""

    metrics: RpcMetrics
    tracing: Tracing | None = None
    access_log: str = "changes"

    def around(self, method: str, handler: Any) -> Any:
        """The handler, observed."""
        wrap = self._stream if handler.response_streaming else self._unary
        return behaving(handler, wrap(method, self.metrics.method(method), behaviour_of(handler)))

    def _unary(self, method: str, seen: MethodMetrics, behaviour: Callable[..., Awaitable[Any]]) -> Any:
        async def handle(request: Any, context: Context) -> Any:
            seen.started()
            seen.opened()
            call, code = _begun(method, context), "UNKNOWN"
            with self._span(call) as span:
                try:
                    response = await behaviour(request, context)
                    code = _code(context)
                    if type(response) is Operation:
                        call.operation = response.name
                    return response
                except BaseException as error:
                    code = _code_of(error, call, context)
                    raise
                finally:
                    self._ended(call, seen, code, span)

        return handle

    def _stream(self, method: str, seen: MethodMetrics, behaviour: Callable[..., Any]) -> Any:
        async def handle(request: Any, context: Context) -> AsyncIterator[Any]:
            seen.started()
            seen.opened()
            call, code = _begun(method, context), "UNKNOWN"
            with self._span(call) as span:
                try:
                    answer = behaviour(request, context)
                    if inspect.isawaitable(answer):
                        # A handler of the other style, which writes to the context itself.
                        await answer
                    else:
                        async for response in answer:
                            yield response
                    code = _code(context)
                except BaseException as error:
                    code = _code_of(error, call, context)
                    raise
                finally:
                    self._ended(call, seen, code, span)

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

    def _ended(self, call: Call, seen: MethodMetrics, code: str, span: Any = None) -> None:
        seconds = time.perf_counter() - call.began
        seen.closed()
        seen.codes[code]()
        seen.seconds(seconds)
        if self.tracing is not None and span is not None:
            span.set_attribute("rpc.grpc.status_code", StatusCode[code].value[0])
            if code in _FAULTS:
                self.tracing.failed(span, call.reason or code)
        if self._worth_a_line(call.method, code):
            self._log(call, code, seconds)

    def _worth_a_line(self, method: str, code: str) -> bool:
        if self.access_log == "off" or method.startswith(_QUIET):
            return False
        if self.access_log == "all":
            return True
        if code == "OK":
            return self.access_log == "changes" and not _READING.match(method)
        # The gate counts in one line what it refuses: overload must not become a flood of lines.
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


def _code(context: Any) -> str:
    """The code of a call whose handler has returned."""
    said: StatusCode | None = context.code()
    return "OK" if said is None else said.name


def _code_of(error: BaseException, call: Call, context: Any) -> str:
    """The code of a call whose handler was broken off."""
    if isinstance(error, asyncio.CancelledError | GeneratorExit):
        late = call.allowed is not None and time.perf_counter() - call.began >= call.allowed
        return "DEADLINE_EXCEEDED" if late else "CANCELLED"
    said: StatusCode | None = context.code()
    return "UNKNOWN" if said is None else said.name
