"""Domain errors as google.rpc.Status with details."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from ecrkeeper_server.errors import AwsError, Refusal, Temporary

DOMAIN = "ecrkeeper"
# gRPC allows some 8 KiB of trailing metadata; what is left out is counted.
_DETAIL_BYTES = 5_000
_MESSAGE_CHARACTERS = 1_000
# By this gRPC's own retries obey the server; https://github.com/grpc/proposal/blob/master/A6-client-retries.md
_PUSHBACK = "grpc-retry-pushback-ms"
_LONGEST_PUSHBACK = 5.0


def status_of_refusal(error: Refusal, call_id: str = "") -> status_pb2.Status:
    """The status of a refused call."""
    metadata = {**error.metadata, **_call(call_id)}
    details: list[Message] = [_info(error.reason, metadata)]
    if error.violations:
        details.append(_bad_request(error))
    if error.preconditions:
        rows = [[p.type, p.subject, p.description] for p in error.preconditions]
        details.append(_preconditions(rows))
    if error.resource is not None:
        kind, name = error.resource
        details.append(error_details_pb2.ResourceInfo(resource_type=f"ecrkeeper/{kind}", resource_name=name[:256]))
    if error.retry_after is not None:
        details.append(_retry(error.retry_after))
    return _status(error.code, error.message, details)


def status_of_aws(error: AwsError, call_id: str = "") -> status_pb2.Status:
    """The status of a call that AWS refused or did not answer."""
    metadata = {
        "aws_code": error.aws_code,
        "operation": error.operation,
        "aws_request_id": error.aws_request_id,
        **error.metadata,
        **_call(call_id),
    }
    details: list[Message] = [_info(error.reason, {k: v for k, v in metadata.items() if v})]
    if error.preconditions:
        details.append(_preconditions([[p.type, p.subject, p.description] for p in error.preconditions]))
    if isinstance(error, Temporary):
        details.append(_retry(error.after or 1.0))
    return _status(error.grpc_code, error.message, details)


def status_of_json(error: Mapping[str, Any]) -> status_pb2.Status:
    """The status of an error as it is stored."""
    metadata = {key: str(value) for key, value in error.get("metadata", {}).items() if value}
    details: list[Message] = [_info(error["reason"], metadata)]
    if error.get("preconditions"):
        details.append(_preconditions(error["preconditions"]))
    return _status(error["code"], error["message"], details)


def internal(call_id: str) -> status_pb2.Status:
    """The status of a fault of the program: nothing but the id under which the log has it."""
    return _status(
        "INTERNAL",
        f"internal error; the log has it under {call_id}",
        [_info("INTERNAL", _call(call_id))],
    )


def _call(call_id: str) -> dict[str, str]:
    """The id of the call; also under the name that it had first, though a request's `request_id` is another one."""
    return {"call_id": call_id, "request_id": call_id} if call_id else {}


def trailers(status: status_pb2.Status, time_remaining: float | None) -> tuple[tuple[str, str | bytes], ...]:
    """The trailing metadata of a refusal: its details, and when gRPC's retries may come again.

    A delay that is long, or longer than the call may take, is left to the caller: gRPC would wait and
    then say that the deadline passed, but not why.
    """
    sent: tuple[tuple[str, str | bytes], ...] = tuple(rpc_status.to_status(status).trailing_metadata)
    if status.code not in (code_pb2.RESOURCE_EXHAUSTED, code_pb2.UNAVAILABLE):
        return sent
    retry = error_details_pb2.RetryInfo()
    if not any(detail.Unpack(retry) for detail in status.details):
        return (*sent, (_PUSHBACK, "-1")) if status.code == code_pb2.RESOURCE_EXHAUSTED else sent
    delay = retry.retry_delay.seconds + retry.retry_delay.nanos / 1e9
    waits = delay <= min(_LONGEST_PUSHBACK, _LONGEST_PUSHBACK if time_remaining is None else time_remaining)
    return (*sent, (_PUSHBACK, str(round(delay * 1000)) if waits else "-1"))


def _status(code: str, message: str, details: list[Message]) -> status_pb2.Status:
    status = status_pb2.Status(code=code_pb2.Code.Value(code), message=message[:_MESSAGE_CHARACTERS])
    for detail in details:
        packed = any_pb2.Any()
        packed.Pack(detail)
        status.details.append(packed)
    return status


def _info(reason: str, metadata: Mapping[str, str]) -> error_details_pb2.ErrorInfo:
    return error_details_pb2.ErrorInfo(
        reason=reason, domain=DOMAIN, metadata={key: value[:512] for key, value in metadata.items()}
    )


def _retry(seconds: float) -> error_details_pb2.RetryInfo:
    return error_details_pb2.RetryInfo(
        retry_delay=duration_pb2.Duration(seconds=int(seconds), nanos=int(seconds % 1 * 1e9))
    )


def _bad_request(error: Refusal) -> error_details_pb2.BadRequest:
    request = error_details_pb2.BadRequest()
    for at, violation in enumerate(error.violations):
        request.field_violations.add(
            field=violation.field[:256], description=violation.description[:400], reason=violation.reason
        )
        if request.ByteSize() > _DETAIL_BYTES and at + 1 < len(error.violations):
            left = len(error.violations) - at - 1
            request.field_violations.add(field="", description=f"and {left} more violations", reason="MORE_VIOLATIONS")
            break
    return request


def _preconditions(rows: list[list[str]]) -> error_details_pb2.PreconditionFailure:
    failure = error_details_pb2.PreconditionFailure()
    for at, (kind, subject, description) in enumerate(rows):
        failure.violations.add(type=kind, subject=subject, description=description[:400])
        if failure.ByteSize() > _DETAIL_BYTES and at + 1 < len(rows):
            failure.violations.add(type="MORE", subject="", description=f"and {len(rows) - at - 1} more")
            break
    return failure
