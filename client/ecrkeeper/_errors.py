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
├── DeadlineExceeded       DEADLINE_EXCEEDED, and waits that ran out of time
├── Cancelled              CANCELLED
├── ServerError            INTERNAL, UNKNOWN, UNIMPLEMENTED, DATA_LOSS, and what has no other name
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
    """One fault of a request: the path of the field, what is wrong, and a word for programs."""

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
    """One quota that is used up: of what, and how much is used and allowed. Waiting does not resolve it."""

    subject: str
    description: str


class RegistryError(Exception):
    """A call failed; `code`, `reason` and `metadata` say why, `details` hold all that the server sent.

    `request_id` is the one of the request, which the client makes where the caller gives none: sent again with the same
    content, it repeats the call, and nothing is changed twice. It is empty where requests have none. `call_id` is
    another thing: the id of this one call at the server.
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
        """Why, as one word in UPPER_SNAKE_CASE; empty if the server gave none."""
        return next((str(info.reason) for info in self._of(error_details_pb2.ErrorInfo)), "")

    @property
    def metadata(self) -> Mapping[str, str]:
        """Metadata of the reason, for programs."""
        return next((dict(info.metadata) for info in self._of(error_details_pb2.ErrorInfo)), {})

    @property
    def call_id(self) -> str:
        """The id of the failed call in the server's log and audit trail; empty if the server gave none."""
        return self.metadata.get("call_id", self._call_id)

    @property
    def retry_after(self) -> float | None:
        """Seconds to wait before a retry, as the server asks."""
        delays = (info.retry_delay for info in self._of(error_details_pb2.RetryInfo))
        return next((delay.seconds + delay.nanos / 1e9 for delay in delays), None)

    @property
    def quota_violations(self) -> tuple[QuotaViolation, ...]:
        """The quotas that are used up, whatever else is wrong; empty if there are none."""
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
    """The request is wrong; `violations` names every fault of it."""

    @property
    def violations(self) -> tuple[FieldViolation, ...]:
        """Every fault of the request."""
        return tuple(
            FieldViolation(each.field, each.description, each.reason)
            for request in self._of(error_details_pb2.BadRequest)
            for each in request.field_violations
        )


class _OfResource(RegistryError):
    @property
    def resource(self) -> str:
        """The name of the resource; empty if the server gave none."""
        return next((str(info.resource_name) for info in self._of(error_details_pb2.ResourceInfo)), "")


class NotFound(_OfResource):
    """The resource does not exist."""


class AlreadyExists(_OfResource):
    """The resource exists, or the request id was used for another request."""


class Conflict(RegistryError):
    """The resource has changed since its etag was read."""


class FailedPrecondition(RegistryError):
    """The state of ecrkeeper or of AWS does not allow the call."""

    @property
    def violations(self) -> tuple[PreconditionViolation, ...]:
        """Preconditions that are not met."""
        return self._preconditions()


class PermissionDenied(RegistryError):
    """The caller may not do this."""


class Unauthenticated(RegistryError):
    """The server does not know the caller."""


class ResourceExhausted(RegistryError):
    """A quota or a rate limit is used up.

    A rate limit has `retry_after`, a quota has `violations` and no `retry_after`: waiting does not resolve it.
    """

    @property
    def violations(self) -> tuple[QuotaViolation, ...]:
        """The quotas that are used up; empty for a rate limit."""
        return self.quota_violations


class Unavailable(RegistryError):
    """The server cannot be reached, or cannot answer now."""


class DeadlineExceeded(RegistryError):
    """The call or the wait took longer than allowed."""


class Cancelled(RegistryError):
    """The call was cancelled, here or at the server."""


class ServerError(RegistryError):
    """The server failed in a way that the caller cannot resolve."""


class OperationFailed(RegistryError):
    """A long-running operation or a wait ended with an error; `operation` is its name, or what was waited for."""

    operation: str = ""

    @property
    def violations(self) -> tuple[PreconditionViolation, ...]:
        """Preconditions that are not met."""
        return self._preconditions()
