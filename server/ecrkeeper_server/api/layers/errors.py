"""The layer that checks requests, and maps errors to statuses."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from operator import attrgetter
from typing import Any, NoReturn

import grpc
import grpc.aio
import structlog
from ecrkeeper_files.plain_text import control_in
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import DecodeError, Message
from google.rpc import status_pb2
from grpc_status import rpc_status

from ecrkeeper_server.api.layers.layer import OWN_PREFIXES, Context
from ecrkeeper_server.api.layers.message_bounds import BoundedMessage, Malformed, within_bounds
from ecrkeeper_server.api.layers.partitions import Partitions, name_fields
from ecrkeeper_server.api.layers.telemetry import CALL_ID, Call, current_call
from ecrkeeper_server.api.messages.answer import Answer
from ecrkeeper_server.api.messages.serializing import answering
from ecrkeeper_server.api.messages.sizes import ANSWER_BYTES
from ecrkeeper_server.api.messages.status import internal, status_of_aws, status_of_error, trailers
from ecrkeeper_server.aws_errors import AwsError
from ecrkeeper_server.declarations.message_rules import VALIDATOR, finding_violations
from ecrkeeper_server.errors import DeadlineExceeded, InvalidArgument, StatusError, Violation, rejection
from ecrkeeper_server.turns import MANY, Steps, work

log = structlog.get_logger("ecrkeeper.api")

_LONGEST_ID = 64
_Check = Callable[[Message | None], Steps[list[Violation]] | None]
_CONTENT = attrgetter("content")
# A declaration takes several times as much memory as its message.
_DATA_OF_MESSAGE = 4
LARGE_BYTES = 8_192
"""The size from which a request is parsed and checked in turns; a smaller one needs no slice."""
NO_MESSAGE = Violation("", "the request is not a message of the type that this call takes")


class ErrorMapping:
    """Wraps the handlers of ecrkeeper's services; they then return each `Answer`.

    It serializes the answers of health, and leaves reflection as it is.
    """

    def __init__(self, partitions: Partitions) -> None:
        self._partitions = partitions

    def around(self, method: str, handler: Any) -> Any:
        """Return the handler behind the checks of requests and the mapping of errors."""
        if not method.startswith(OWN_PREFIXES):
            return _answering(handler) if handler.unary_unary else handler
        read = RequestParser(handler.request_deserializer, _input_type(method))
        check = self._checking(method)
        if handler.unary_unary:
            return grpc.unary_unary_rpc_method_handler(_unary(handler.unary_unary, check), read, _CONTENT)
        return grpc.unary_stream_rpc_method_handler(_stream(handler.unary_stream, check), read, _CONTENT)

    def _checking(self, method: str) -> _Check:
        """Return the check of a method's requests.

        It returns the steps that describe what is wrong with a request, or None: only an invalid one costs their time.
        """
        fields, suspect = name_fields(method), self._partitions.suspect
        names = [attrgetter(field) for field in fields]

        def check(request: Message | None) -> Steps[list[Violation]] | None:
            if request is None:
                raise InvalidArgument([NO_MESSAGE])
            invalid = bool(VALIDATOR.collect_violations(request, fail_fast=True))
            partitions: list[Violation] = []
            for name in names:
                if suspect(name(request)):
                    partitions = self._partitions.violations(request, fields)
                    break
            reason = getattr(request, "reason", "")
            control = control_in(reason) if reason else ""
            if not (invalid or partitions or control):
                return None
            return _describing(request, partitions, control)

        return check


def _describing(request: Message, partitions: list[Violation], control: str) -> Steps[list[Violation]]:
    """Return all violations of an invalid request, in steps."""
    violations = [*(yield from finding_violations(request)), *partitions]
    if control:
        text = f"must not contain control characters other than line ends and tabs, got {control}"
        violations.append(Violation("reason", text))
    return violations


def _input_type(method: str) -> Any:
    service, _, name = method[1:].partition("/")
    return descriptor_pool.Default().FindServiceByName(service).methods_by_name[name].input_type


def parsing(parse: Callable[[bytes], Message]) -> Callable[[bytes], Message | None]:
    """Return a parser that returns None for malformed bytes.

    gRPC would answer them with UNKNOWN.
    """

    def read(content: bytes) -> Message | None:
        try:
            return parse(content)
        except (DecodeError, Malformed):
            return None

    return read


class RequestParser:
    """Parses requests of one type; rejects those with lists that are too long.

    It returns None for malformed bytes, which gRPC would answer with UNKNOWN.
    """

    def __init__(self, parse: Callable[[bytes], Message], message: Descriptor) -> None:
        self._parse = parse
        self._message = message

    def __call__(self, content: bytes) -> Message | None:
        """Return the message."""
        try:
            return self._parse(within_bounds(content, self._message))
        except (DecodeError, Malformed):
            return None

    def steps(self, content: bytes) -> Steps[Message | None]:
        """Return the message, in steps."""
        try:
            bounded = BoundedMessage(content, self._message)
            yield from bounded.steps()
            return self._parse(bounded.content)
        except (DecodeError, Malformed):
            return None


class AnswerTooLongError(Exception):
    """An answer exceeds the size that clients accept."""


def bounded_answer(answer: Message | Answer[Any]) -> Answer[Any]:
    """Return the bytes of an answer if clients accept its size.

    Otherwise raise AnswerTooLongError.
    """
    # To measure a message, protobuf serializes it.
    measured = answer if isinstance(answer, Answer) else Answer.of(answer)
    _check_size(measured.kind, len(measured.content))
    return measured


def _check_size(kind: type[Message], size: int) -> None:
    if size >= ANSWER_BYTES:
        raise AnswerTooLongError(f"{kind.DESCRIPTOR.full_name} has {size} bytes, and clients accept {ANSWER_BYTES}")


def _answering(handler: Any) -> Any:
    async def call(request: Message, context: Context) -> Answer[Any]:
        return Answer.of(await handler.unary_unary(request, context))

    return grpc.unary_unary_rpc_method_handler(call, handler.request_deserializer, _CONTENT)


async def _checked(check: _Check, request: Message | None, *, hold: bool = False) -> None:
    elements = 0
    if request is not None and (size := request.ByteSize()) >= LARGE_BYTES:
        if hold:
            await work().hold(_DATA_OF_MESSAGE * size)
        elements = MANY
        describing = await work().step(check, request)
    else:
        describing = check(request)
    if describing is not None:
        raise rejection(await work().run(describing, elements))


def _unary(handler: Callable[..., Awaitable[Any]], check: _Check) -> Callable[..., Awaitable[Any]]:
    async def call(request: Message, context: Context) -> Any:
        # Before the check, so that the log line of a rejection has it. Its length is not checked
        # yet, so it is cut.
        current_call().request_id = str(getattr(request, "request_id", ""))[:_LONGEST_ID]
        try:
            await _checked(check, request, hold=True)
            answer = await handler(request, context)
            if type(answer) is not Answer and work().large:
                # An answer that took long to make may also take long to serialize.
                answer = await work().run(answering(answer))
            return bounded_answer(answer)
        except Exception as error:
            await abort(context, error)

    return call


def _stream(handler: Callable[..., AsyncIterator[Any]], check: _Check) -> Callable[..., AsyncIterator[Any]]:
    async def call(request: Message, context: Context) -> AsyncIterator[Any]:
        try:
            await _checked(check, request)
            async for response in handler(request, context):
                yield bounded_answer(response)
        except Exception as error:
            await abort(context, error)

    return call


async def abort(context: Context, error: Exception) -> NoReturn:
    """End the call in progress with the status of an error."""
    if isinstance(error, grpc.aio.AbortError):
        raise error
    call = current_call()
    status = _status(call, error)
    answer = rpc_status.to_status(status)
    sent = trailers(status, context.time_remaining())
    await context.abort(answer.code, answer.details, (*sent, (CALL_ID, call.id)))


def _status(call: Call, error: Exception) -> status_pb2.Status:
    if isinstance(error, TimeoutError):
        error = DeadlineExceeded("the deadline of the call passed", reason="DEADLINE_EXCEEDED")
    if isinstance(error, StatusError):
        call.reason = error.reason
        return status_of_error(error, call.id)
    if isinstance(error, AwsError):
        call.reason, call.aws_code = error.reason, error.aws_code
        return status_of_aws(error, call.id)
    log.error("failed", method=call.method, call_id=call.id, exc_info=error)
    return internal(call.id)
