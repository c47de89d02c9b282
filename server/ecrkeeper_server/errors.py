"""The errors of the domain; the API maps them to gRPC, the engine to conditions.

Refusal                  a call that is refused, with a status code by name
├── InvalidArgument      the input is wrong; all violations at once
├── NotFound             no such resource
├── AlreadyExists        the resource or the request id is taken
├── Aborted              the etag is stale
├── FailedPrecondition   the state does not allow it; says what must change
├── Unauthenticated      the caller has not proved who it is; says why not
├── PermissionDenied     the caller may not do this
├── ResourceExhausted    a quota is used up
├── DeadlineExceeded     the time of the call is over
└── Unavailable          try again later
StoreUnusable            a command cannot begin: there is no database as configured
AwsError                 AWS did not do what it was asked
├── Permanent            it will keep refusing until something changes
└── Temporary            it may accept it later
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Violation:
    """One fault of the input: the field's path, what is wrong, and what is allowed."""

    field: str
    description: str
    reason: str = "INVALID_FIELD"


@dataclass(frozen=True, slots=True)
class PreconditionViolation:
    """One thing that must change before the call can succeed."""

    type: str
    subject: str
    description: str


class Refusal(Exception):
    """A call that is refused: `code` is the gRPC status, `reason` the word for programs."""

    code: ClassVar[str] = "INTERNAL"

    def __init__(
        self,
        message: str,
        *,
        reason: str,
        metadata: Mapping[str, str] | None = None,
        preconditions: Sequence[PreconditionViolation] = (),
        retry_after: float | None = None,
        resource: tuple[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason
        self.metadata = dict(metadata or {})
        self.preconditions = tuple(preconditions)
        self.retry_after = retry_after
        self.resource = resource
        self.violations: tuple[Violation, ...] = ()


class InvalidArgument(Refusal):
    """The input is wrong; carries every violation."""

    code = "INVALID_ARGUMENT"

    def __init__(self, violations: Sequence[Violation]) -> None:
        shown = "; ".join(f"{v.field}: {v.description}" for v in violations[:3])
        more = f"; and {len(violations) - 3} more" if len(violations) > 3 else ""
        super().__init__(shown + more, reason="INVALID_FIELDS")
        self.violations = tuple(violations)


class NotFound(Refusal):
    """The resource does not exist."""

    code = "NOT_FOUND"

    def __init__(self, kind: str, name: str, hint: str = "") -> None:
        text = f"{name} does not exist" + (f": {hint}" if hint else "")
        super().__init__(text, reason="NOT_FOUND", resource=(kind, name))


class AlreadyExists(Refusal):
    """The resource exists already."""

    code = "ALREADY_EXISTS"


class Aborted(Refusal):
    """The etag given is not the current one; without a current one, the resource does not exist any more."""

    code = "ABORTED"

    def __init__(self, name: str, given: str, current: str) -> None:
        text = f"{name} has changed: the etag given is {given!r}, the current one is {current!r}; read it again"
        if not current:
            text = f"{name} does not exist any more, and the etag given is {given!r}; leave it out to make it anew"
        super().__init__(
            text,
            reason="ETAG_MISMATCH",
            metadata={"etag": current} if current else {},
        )


class FailedPrecondition(Refusal):
    """The state of the system does not allow the call."""

    code = "FAILED_PRECONDITION"


class Unauthenticated(Refusal):
    """The caller has not proved who it is."""

    code = "UNAUTHENTICATED"


class PermissionDenied(Refusal):
    """The caller may not do this; not used for AWS refusing ecrkeeper."""

    code = "PERMISSION_DENIED"


class ResourceExhausted(Refusal):
    """A quota is used up."""

    code = "RESOURCE_EXHAUSTED"


class Unavailable(Refusal):
    """A dependency did not answer; the call may be repeated."""

    code = "UNAVAILABLE"


class DeadlineExceeded(Refusal):
    """The call's deadline passed."""

    code = "DEADLINE_EXCEEDED"


class StoreUnusable(Exception):
    """The database does not answer, or refuses what a command begins with; the message is one line."""


class AwsError(Exception):
    """An answer of AWS that is not a success, or none at all.

    `aws_code` is the code without the suffix `Exception`; empty where AWS did
    not answer. `preconditions` says more where AWS said more, `metadata` what it
    is about, for programs. `aws_request_id` is the id under which AWS knows the
    call; empty where AWS gave none.
    """

    aws_request_id: str = ""

    def __init__(
        self,
        message: str,
        *,
        reason: str,
        aws_code: str = "",
        operation: str = "",
        grpc_code: str = "FAILED_PRECONDITION",
        preconditions: Sequence[PreconditionViolation] = (),
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason
        self.aws_code = aws_code
        self.operation = operation
        self.grpc_code = grpc_code
        self.preconditions = tuple(preconditions)
        self.metadata = dict(metadata or {})

    def about(
        self, message: str, preconditions: Sequence[PreconditionViolation], metadata: Mapping[str, str]
    ) -> AwsError:
        """Return the same error with a message that says more."""
        facts: dict[str, Any] = {name: getattr(self, name) for name in ("reason", "aws_code", "operation", "grpc_code")}
        facts |= {"preconditions": preconditions, "metadata": {**self.metadata, **metadata}}
        if isinstance(self, Temporary):
            facts["after"] = self.after
        said = type(self)(message, **facts)
        said.aws_request_id = self.aws_request_id
        return said


class Permanent(AwsError):
    """AWS will keep refusing until somebody changes something, here or there."""


class Temporary(AwsError):
    """AWS may accept it later; `after` is the least delay in seconds, None for the usual backoff."""

    def __init__(
        self,
        message: str,
        *,
        reason: str,
        after: float | None = None,
        aws_code: str = "",
        operation: str = "",
        grpc_code: str = "UNAVAILABLE",
        preconditions: Sequence[PreconditionViolation] = (),
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(
            message,
            reason=reason,
            aws_code=aws_code,
            operation=operation,
            grpc_code=grpc_code,
            preconditions=preconditions,
            metadata=metadata,
        )
        self.after = after
