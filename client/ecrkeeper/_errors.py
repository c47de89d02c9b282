"""The exceptions of the client.

RegistryError              every failure of a call; catch this one to catch all
├── InvalidArgument        INVALID_ARGUMENT, OUT_OF_RANGE; .violations
├── NotFound               NOT_FOUND; .resource
├── AlreadyExists          ALREADY_EXISTS; .resource
├── Conflict               ABORTED: the etag is stale
├── FailedPrecondition     FAILED_PRECONDITION; .violations
├── PermissionDenied       PERMISSION_DENIED
├── Unauthenticated        UNAUTHENTICATED
├── ResourceExhausted      RESOURCE_EXHAUSTED; .retry_after for the server's limits, .violations for AWS's quotas
├── Unavailable            UNAVAILABLE, after all attempts
├── DeadlineExceeded       DEADLINE_EXCEEDED, and waits that exceed their timeout
├── Cancelled              CANCELLED
├── ServerError            INTERNAL, UNKNOWN, UNIMPLEMENTED, DATA_LOSS, and other codes
└── OperationFailed        a long-running operation or a wait ended with an error; .violations, .operation
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.message import Message
from google.rpc import error_details_pb2  # type: ignore[import-untyped,unused-ignore]


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One violation of a request: the field's path, a description, and a reason code."""

    field: str
    description: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PreconditionViolation:
    """One thing that must change before the call can succeed."""

    type: str
    subject: str
    description: str


@dataclass(frozen=True, slots=True)
class QuotaViolation:
    """One exceeded quota: its subject, and the used and allowed amounts.

    Waiting does not resolve it.
    """

    subject: str
    description: str


class RegistryError(Exception):
    """A failed call.

    `code`, `reason` and `metadata` have the cause, `details` all details.

    `request_id` is that of the request, which the client generates by default. If you send it again
    with the same content, the call has no second effect. It is empty for requests without one.
    `call_id` is the server's id of this one call.
    """

    def __init__(
        self,
        message: str,
        *,
        code: grpc.StatusCode = grpc.StatusCode.UNKNOWN,
        details: Sequence[Message] = (),
        request_id: str = "",
        call_id: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.details = tuple(details)
        self._call_id = call_id
        self.request_id = request_id

    def __str__(self) -> str:
        return f"{self.message} [{self.reason or self.code.name}]"

    @property
    def reason(self) -> str:
        """The reason code in UPPER_SNAKE_CASE; empty if the server sent none."""
        return next((str(info.reason) for info in self._of(error_details_pb2.ErrorInfo)), "")

    @property
    def metadata(self) -> Mapping[str, str]:
        """The metadata of the reason, for programs."""
        return next((dict(info.metadata) for info in self._of(error_details_pb2.ErrorInfo)), {})

    @property
    def call_id(self) -> str:
        """The id of the call in the server's log and audit trail; empty if it sent none."""
        return self.metadata.get("call_id", self._call_id)

    @property
    def retry_after(self) -> float | None:
        """The server's retry delay in seconds; None if it sent none."""
        delays = (info.retry_delay for info in self._of(error_details_pb2.RetryInfo))
        return next((delay.seconds + delay.nanos / 1e9 for delay in delays), None)

    @property
    def quota_violations(self) -> tuple[QuotaViolation, ...]:
        """The exceeded quotas, also of errors with other violations."""
        return tuple(
            QuotaViolation(each.subject, each.description)
            for failure in self._of(error_details_pb2.QuotaFailure)
            for each in failure.violations
        )

    def _of(self, kind: type) -> Iterable[Any]:
        return (detail for detail in self.details if isinstance(detail, kind))

    def _preconditions(self) -> tuple[PreconditionViolation, ...]:
        return tuple(
            PreconditionViolation(each.type, each.subject, each.description)
            for failure in self._of(error_details_pb2.PreconditionFailure)
            for each in failure.violations
        )


class InvalidArgument(RegistryError):
    """The request is invalid; `violations` has every violation."""

    @property
    def violations(self) -> tuple[FieldViolation, ...]:
        """Every violation of the request."""
        return tuple(
            FieldViolation(each.field, each.description, each.reason)
            for request in self._of(error_details_pb2.BadRequest)
            for each in request.field_violations
        )


class _OfResource(RegistryError):
    @property
    def resource(self) -> str:
        """The name of the resource; empty if the server sent none."""
        return next((str(info.resource_name) for info in self._of(error_details_pb2.ResourceInfo)), "")


class NotFound(_OfResource):
    """The resource does not exist."""


class AlreadyExists(_OfResource):
    """The resource exists, or the request id was used for another request."""


class Conflict(RegistryError):
    """The resource changed since its etag was read."""


class FailedPrecondition(RegistryError):
    """The state of ecrkeeper or of AWS does not allow the call."""

    @property
    def violations(self) -> tuple[PreconditionViolation, ...]:
        """The preconditions that do not hold."""
        return self._preconditions()


class PermissionDenied(RegistryError):
    """The caller may not do this."""


class Unauthenticated(RegistryError):
    """The caller is not authenticated."""


class ResourceExhausted(RegistryError):
    """A quota or a limit of the server is exceeded.

    A limit of the server has `retry_after`. A quota has `violations` and no `retry_after`, because
    waiting does not resolve it.
    """

    @property
    def violations(self) -> tuple[QuotaViolation, ...]:
        """The exceeded quotas; empty for a limit of the server."""
        return self.quota_violations


class Unavailable(RegistryError):
    """The server is unreachable, or cannot answer at the moment."""


class DeadlineExceeded(RegistryError):
    """The call or the wait took longer than allowed."""


class Cancelled(RegistryError):
    """The call was cancelled, here or at the server."""


class ServerError(RegistryError):
    """The server failed in a way that the caller cannot resolve."""


class OperationFailed(RegistryError):
    """A long-running operation or a wait ended with an error.

    `operation` is the operation's name, or the awaited resource's.
    """

    operation: str = ""

    @property
    def violations(self) -> tuple[PreconditionViolation, ...]:
        """The preconditions that do not hold."""
        return self._preconditions()
