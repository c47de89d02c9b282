"""Conversion of domain errors to google.rpc.Status with details."""

from __future__ import annotations

from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from ecrkeeper_server.api.messages.details import STORED_BYTES, Details
from ecrkeeper_server.aws_errors import AwsError, Temporary
from ecrkeeper_server.errors import StatusError
from ecrkeeper_server.store.state_parts import StoredError

# The delay for gRPC's own retries;
# https://github.com/grpc/proposal/blob/master/A6-client-retries.md
_PUSHBACK = "grpc-retry-pushback-ms"
_LONGEST_PUSHBACK = 5.0


def status_of_error(error: StatusError, call_id: str = "") -> status_pb2.Status:
    """Return the status of a rejected call."""
    details = Details(error.code, error.message)
    details.info(error.reason, {**error.metadata, **_call(call_id)})
    if error.resource is not None:
        details.resource(*error.resource)
    if error.retry_after is not None:
        details.retry(error.retry_after)
    details.violations(error.violations, error.quotas, error.preconditions)
    return details.status


def status_of_aws(error: AwsError, call_id: str = "") -> status_pb2.Status:
    """Return the status of a call that AWS rejected or did not answer."""
    metadata = {
        "aws_code": error.aws_code,
        "operation": error.operation,
        "aws_request_id": error.aws_request_id,
        **error.metadata,
        **_call(call_id),
    }
    details = Details(error.grpc_code, error.message)
    details.info(error.reason, {k: v for k, v in metadata.items() if v})
    if error.resource is not None:
        details.resource(*error.resource)
    if isinstance(error, Temporary):
        details.retry(error.after or 1.0)
    details.violations(quotas=error.quotas, preconditions=error.preconditions)
    return details.status


def status_of_stored(error: StoredError) -> status_pb2.Status:
    """Return the status of a stored error."""
    details = Details(error.code, error.message, STORED_BYTES)
    details.info(error.reason, {key: str(value) for key, value in error.metadata.items() if value})
    details.violations(quotas=error.quotas, preconditions=error.preconditions, omitted=error.omitted)
    return details.status


def internal(call_id: str) -> status_pb2.Status:
    """Return the status of an internal error, with only the id of its log line."""
    details = Details("INTERNAL", f"internal error; see the log for {call_id}")
    details.info("INTERNAL", _call(call_id))
    return details.status


def _call(call_id: str) -> dict[str, str]:
    """Return the id of the call in the log and the audit trail; not the `request_id`."""
    return {"call_id": call_id} if call_id else {}


def trailers(status: status_pb2.Status, time_remaining: float | None) -> tuple[tuple[str, str | bytes], ...]:
    """Return the trailing metadata of an error: its details, and gRPC's retry delay.

    If the delay is long, or exceeds the call's deadline, gRPC does not retry: it would wait and
    then report only that the deadline passed.
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
