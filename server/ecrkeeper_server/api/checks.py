"""The layer that checks every request, sets its deadline, and maps errors to statuses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sized
from typing import Any, NoReturn

import grpc
import grpc.aio
import protovalidate
import structlog
from google.protobuf import descriptor_pool
from google.protobuf.message import DecodeError, Message
from google.rpc import status_pb2
from grpc_status import rpc_status

from ecrkeeper_server.api.bounds import Malformed, within_bounds
from ecrkeeper_server.api.layers import Context
from ecrkeeper_server.api.status import internal, status_of_aws, status_of_refusal, trailers
from ecrkeeper_server.api.telemetry import REQUEST_ID, Call, current_call
from ecrkeeper_server.errors import AwsError, DeadlineExceeded, InvalidArgument, Refusal, Violation
from ecrkeeper_server.names import shown

log = structlog.get_logger("ecrkeeper.api")

_LONGEST_SECONDS = 120.0
_MOST_VIOLATIONS = 100
_FEW_NAMES = 12
NO_MESSAGE = Violation("", "the request is not a message of the type that this call takes")
_OURS = ("/ecrkeeper.", "/google.longrunning.")


def violations(message: Message) -> list[Violation]:
    """The rules of the protos that a message breaks, the first hundred of them.

    To say that a message is well-formed takes little time; to say what is wrong takes forty
    microseconds for each fault. So lists are cut off behind so many faulty items.
    """
    if not _VALIDATOR.collect_violations(message, fail_fast=True):
        return []
    cut = type(message)()
    cut.CopyFrom(message)
    more = _cut(cut, _MOST_VIOLATIONS) <= 0
    found = _VALIDATOR.collect_violations(cut)
    told = [
        Violation(_path(each.proto.field), _text(each.proto) + _given(message, each.proto.field))
        for each in found[:_MOST_VIOLATIONS]
    ]
    if more or len(found) > _MOST_VIOLATIONS:
        told.append(Violation("", "and more violations", "MORE_VIOLATIONS"))
    return told


_VALIDATOR = protovalidate.Validator()


def _cut(message: Any, faulty: int) -> int:
    """Cut off all lists of messages behind so many faulty items, and say how many more there might have been."""
    for field, value in message.ListFields():
        if field.message_type is None or field.message_type.GetOptions().map_entry:
            continue
        if not field.is_repeated:
            faulty = _cut(value, faulty)
            continue
        for at, item in enumerate(value):
            # An empty list might break another rule.
            if faulty <= 0 and at:
                del value[at:]
                break
            if _VALIDATOR.collect_violations(item, fail_fast=True):
                faulty = _cut(item, faulty - 1)
    return faulty


def _text(found: Any) -> str:
    return str(found.message or found.rule_id)


def _given(message: Message, path: Any) -> str:
    """What the caller sent at a path, where that can be shown in a few words; of an enum also what it knows."""
    value: Any = message
    kind: Any = None
    for element in path.elements:
        kind = value.DESCRIPTOR.fields_by_name.get(element.field_name) if isinstance(value, Message) else None
        value = getattr(value, element.field_name)
        subscript = element.subscript
        if subscript is not None:
            value = value[subscript.value]
    if isinstance(value, str):
        return f", got {shown(value)}"
    if isinstance(value, (int, float)):
        return f", got {value}{_known(kind)}"
    return f", got {len(value)} items" if isinstance(value, Sized) and not isinstance(value, Message) else ""


def _known(kind: Any) -> str:
    enum = kind.enum_type if kind is not None else None
    if enum is None or len(enum.values) > _FEW_NAMES:
        return ""
    return f"; known are {', '.join(value.name for value in enum.values)}"


def _path(path: Any) -> str:
    text = ""
    for element in path.elements:
        text += ("." if text else "") + element.field_name
        subscript = element.subscript
        if subscript is not None:
            text += f"[{subscript.value}]"
    return text


class Checks:
    """Wraps the handlers of our own services, inside of `Telemetry`; health and reflection pass through."""

    def around(self, method: str, handler: Any) -> Any:
        """The handler, for requests that are well-formed."""
        if not method.startswith(_OURS):
            return handler
        read = parsing(_bounded(method, handler.request_deserializer))
        if handler.unary_unary:
            return grpc.unary_unary_rpc_method_handler(_unary(handler.unary_unary), read, handler.response_serializer)
        return grpc.unary_stream_rpc_method_handler(_stream(handler.unary_stream), read, handler.response_serializer)


def _bounded(method: str, parse: Callable[[bytes], Message]) -> Callable[[bytes], Message]:
    """Parse a request that is not too much."""
    service, _, name = method[1:].partition("/")
    kind = descriptor_pool.Default().FindServiceByName(service).methods_by_name[name].input_type
    return lambda content: parse(within_bounds(content, kind))


def parsing(parse: Callable[[bytes], Message]) -> Callable[[bytes], Message | None]:
    """Parse a request; None for bytes that are none, which gRPC itself would answer with UNKNOWN."""

    def read(content: bytes) -> Message | None:
        try:
            return parse(content)
        except (DecodeError, Malformed):
            return None

    return read


def _check(request: Message | None) -> None:
    if request is None:
        raise InvalidArgument([NO_MESSAGE])
    found = violations(request)
    if found:
        raise InvalidArgument(found)


def _unary(handler: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def call(request: Message, context: Context) -> Any:
        remaining = context.time_remaining()
        limit = _LONGEST_SECONDS if remaining is None else min(_LONGEST_SECONDS, remaining)
        try:
            _check(request)
            async with asyncio.timeout(limit):
                return await handler(request, context)
        except Exception as error:
            await abort(context, error)

    return call


def _stream(handler: Callable[..., AsyncIterator[Any]]) -> Callable[..., AsyncIterator[Any]]:
    async def call(request: Message, context: Context) -> AsyncIterator[Any]:
        try:
            _check(request)
            async for response in handler(request, context):
                yield response
        except Exception as error:
            await abort(context, error)

    return call


async def abort(context: Context, error: Exception) -> NoReturn:
    """End the call that is being answered with the status of an error."""
    if isinstance(error, grpc.aio.AbortError):
        raise error
    call = current_call()
    status = _status(call, error)
    answer = rpc_status.to_status(status)
    sent = trailers(status, context.time_remaining())
    await context.abort(answer.code, answer.details, (*sent, (REQUEST_ID, call.id)))


def _status(call: Call, error: Exception) -> status_pb2.Status:
    if isinstance(error, TimeoutError):
        error = DeadlineExceeded("the deadline of the call passed", reason="DEADLINE_EXCEEDED")
    if isinstance(error, Refusal):
        call.reason = error.reason
        return status_of_refusal(error, call.id)
    if isinstance(error, AwsError):
        call.reason, call.aws_code = error.reason, error.aws_code
        return status_of_aws(error, call.id)
    log.error("failed", method=call.method, call_id=call.id, exc_info=error)
    return internal(call.id)
