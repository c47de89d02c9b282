"""Conversion of errors of calls, operations and resources to exceptions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

import grpc
from google.protobuf import symbol_database
from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2  # type: ignore[import-untyped,unused-ignore]
from grpc_status import rpc_status

from ecrkeeper._errors import (
    AlreadyExists,
    Cancelled,
    Conflict,
    DeadlineExceeded,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    OperationFailed,
    PermissionDenied,
    RegistryError,
    ResourceExhausted,
    ServerError,
    Unauthenticated,
    Unavailable,
)

BY_CODE: Mapping[grpc.StatusCode, type[RegistryError]] = {
    grpc.StatusCode.OK: ServerError,
    grpc.StatusCode.CANCELLED: Cancelled,
    grpc.StatusCode.UNKNOWN: ServerError,
    grpc.StatusCode.INVALID_ARGUMENT: InvalidArgument,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineExceeded,
    grpc.StatusCode.NOT_FOUND: NotFound,
    grpc.StatusCode.ALREADY_EXISTS: AlreadyExists,
    grpc.StatusCode.PERMISSION_DENIED: PermissionDenied,
    grpc.StatusCode.RESOURCE_EXHAUSTED: ResourceExhausted,
    grpc.StatusCode.FAILED_PRECONDITION: FailedPrecondition,
    grpc.StatusCode.ABORTED: Conflict,
    grpc.StatusCode.OUT_OF_RANGE: InvalidArgument,
    grpc.StatusCode.UNIMPLEMENTED: ServerError,
    grpc.StatusCode.INTERNAL: ServerError,
    grpc.StatusCode.UNAVAILABLE: Unavailable,
    grpc.StatusCode.DATA_LOSS: ServerError,
    grpc.StatusCode.UNAUTHENTICATED: Unauthenticated,
}

_CODES = {code.value[0]: code for code in grpc.StatusCode}


def from_rpc(failure: grpc.RpcError, request: Message | None = None) -> RegistryError:
    """Return the exception for a failed call of the sync or the asyncio API."""
    call = cast(grpc.Call, failure)
    code = call.code() or grpc.StatusCode.UNKNOWN
    try:
        status = rpc_status.from_call(call)
    except (ValueError, DecodeError):
        # A proxy may have replaced the server's code; the code of the call takes precedence.
        status = None
    sent = next((str(value) for key, value in call.trailing_metadata() or () if key == "x-request-id"), "")
    return BY_CODE.get(code, ServerError)(
        call.details() or code.name,
        code=code,
        details=_unpacked(status.details if status else ()),
        request_id=str(getattr(request, "request_id", "")),
        call_id=sent,
    )


def from_status(status: Any, *, operation: str) -> OperationFailed:
    """Return the exception for the `google.rpc.Status` of an operation or a resource."""
    failed = OperationFailed(
        status.message or f"{operation} failed",
        code=_CODES.get(status.code, grpc.StatusCode.UNKNOWN),
        details=_unpacked(status.details),
    )
    failed.operation = operation
    return failed


def invalid(*faults: tuple[str, str]) -> InvalidArgument:
    """Return the exception for violations that the client finds before it sends.

    Each violation is a field and a description.
    """
    violations = [error_details_pb2.BadRequest.FieldViolation(field=field, description=text) for field, text in faults]
    return InvalidArgument(
        "; ".join(f"{field}: {text}" for field, text in faults),
        code=grpc.StatusCode.INVALID_ARGUMENT,
        details=[info("INVALID_FIELDS"), error_details_pb2.BadRequest(field_violations=violations)],
    )


def missing(name: str, text: str) -> NotFound:
    """Return the exception for a registry that does not exist."""
    resource = error_details_pb2.ResourceInfo(resource_type="ecrkeeper/Registry", resource_name=name)
    return NotFound(text, code=grpc.StatusCode.NOT_FOUND, details=[info("NOT_FOUND"), resource])


def info(reason: str) -> error_details_pb2.ErrorInfo:
    """Return the server's ErrorInfo; an empty one if there is none."""
    return error_details_pb2.ErrorInfo(reason=reason, domain="ecrkeeper")


def unpack(packed: Any) -> Message | None:
    """Return the message in a `google.protobuf.Any`; None for an unknown type."""
    find = cast(Callable[[str], type[Message]], symbol_database.Default().GetSymbol)
    try:
        return find(packed.TypeName()).FromString(packed.value)
    except (KeyError, DecodeError):
        return None


def _unpacked(details: Iterable[Any]) -> list[Message]:
    return [message for message in map(unpack, details) if message is not None]
