"""The errors of the domain, which the API maps to gRPC; AWS's are in `aws_errors`.

StatusError                  a call that is rejected, with a status code by name
├── InvalidArgument      the input is invalid; all violations at once
├── NotFound             no such resource
├── AlreadyExists        the resource or the request id is taken
├── Aborted              the etag is stale
├── PlanStale            the plan of the write is stale
├── FailedPrecondition   the state does not allow it; names what must change
├── Unauthenticated      the caller is not authenticated; has the cause
├── PermissionDenied     the caller may not do this
├── ResourceExhausted    a limit of the server is exceeded
├── QuotaExceeded        one of AWS's quotas is exceeded; waiting does not resolve it
├── DeadlineExceeded     the time of the call is over
└── Unavailable          retry later
StoreUnusable            a command cannot begin without the configured database
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, TypeVar

from msgspec import Struct

_Error = TypeVar("_Error", bound=BaseException)

# The number of violations in a message, and its maximum length.
_SHOWN, _SUMMARY_CHARACTERS = 3, 400
# Reasons why the store is unusable. Each lasts until the store is usable again.
STORE_REASONS = (
    "STORE_ACCESS_DENIED", "STORE_BUSY", "STORE_CORRUPT", "STORE_DISK_FULL", "STORE_FILE_REPLACED", "STORE_IO_ERROR",
    "STORE_MISSING", "STORE_READ_ONLY", "STORE_UNAVAILABLE",
)  # fmt: skip


def detached(error: _Error) -> _Error:
    """Return a caught error to keep; a StatusError loses its traceback.

    The traceback would hold the frame, and the frame the error, until a collection of garbage. Of other errors, the
    log shows the traceback.
    """
    return error.with_traceback(None) if isinstance(error, StatusError) else error


class Violation(Struct, frozen=True):
    """One violation of the input: the field's path, and a description."""

    field: str
    description: str
    reason: str = "INVALID_FIELD"


MAX_VIOLATIONS = 100
"""The number after which checks stop; an error has space for fewer."""

MORE_VIOLATIONS = Violation("", "and more violations", "MORE_VIOLATIONS")
"""The last violation of a check that stopped."""


def first_violations(violations: Iterable[Violation]) -> list[Violation]:
    """Return the first hundred violations, and whether there are more.

    Exceeded quotas, which are few, are not counted.
    """
    kept: list[Violation] = []
    stopped, counted = False, 0
    for each in violations:
        stopped = each is MORE_VIOLATIONS or counted == MAX_VIOLATIONS or stopped
        if counted == MAX_VIOLATIONS:
            break
        if each is not MORE_VIOLATIONS:
            kept.append(each)
            counted += each.reason != "QUOTA_EXCEEDED"
    return [*kept, MORE_VIOLATIONS] if stopped else kept


class PreconditionViolation(Struct, frozen=True):
    """One thing that must change before the call can succeed."""

    type: str
    subject: str
    description: str


class QuotaViolation(Struct, frozen=True):
    """One exceeded quota: its subject, the amount, and the allowed amount."""

    subject: str
    description: str


class StatusError(Exception):
    """A call that is rejected: `code` is the gRPC status, `reason` the reason code."""

    code: ClassVar[str] = "INTERNAL"

    def __init__(
        self,
        message: str,
        *,
        reason: str,
        metadata: Mapping[str, str] | None = None,
        preconditions: Sequence[PreconditionViolation] = (),
        quotas: Sequence[QuotaViolation] = (),
        retry_after: float | None = None,
        resource: tuple[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason
        self.metadata = dict(metadata or {})
        self.preconditions = tuple(preconditions)
        self.quotas = tuple(quotas)
        self.retry_after = retry_after
        self.resource = resource
        self.violations: tuple[Violation, ...] = ()


class InvalidArgument(StatusError):
    """The input is invalid; has every violation, and the exceeded quotas as well."""

    code = "INVALID_ARGUMENT"

    def __init__(
        self,
        violations: Sequence[Violation],
        quotas: Sequence[QuotaViolation] = (),
        *,
        reason: str = "",
    ) -> None:
        named = [(v.field, v.description) for v in violations]
        super().__init__(_summary(named), reason=reason or "INVALID_FIELDS", quotas=quotas)
        self.violations = tuple(violations)


class NotFound(StatusError):
    """The resource does not exist."""

    code = "NOT_FOUND"

    def __init__(self, kind: str, name: str, hint: str = "") -> None:
        text = f"{name} does not exist" + (f": {hint}" if hint else "")
        super().__init__(text, reason="NOT_FOUND", resource=(kind, name))


class AlreadyExists(StatusError):
    """The resource exists already."""

    code = "ALREADY_EXISTS"


class Aborted(StatusError):
    """The requested etag is not the current one.

    Without a current one, the resource was deleted.
    """

    code = "ABORTED"

    def __init__(self, name: str, requested: str, current: str) -> None:
        message = f"etag mismatch: {name} was changed. Its etag is {current!r}, got {requested!r}; read it and retry."
        if not current:
            message = f"etag mismatch: {name} was deleted, got {requested!r}. Omit the etag to recreate it."
        super().__init__(
            message,
            reason="ETAG_MISMATCH",
            metadata={"etag": current} if current else {},
        )


class PlanStale(StatusError):
    """The write would not do what was planned; `moved` has the changes by part."""

    code = "ABORTED"

    def __init__(self, name: str, moved: Mapping[str, str]) -> None:
        super().__init__(
            f"{name}: the plan is stale: {'; '.join(moved.values())}. Plan again.",
            reason="PLAN_STALE",
            metadata={"moved": ",".join(moved)},
        )


class FailedPrecondition(StatusError):
    """The state of the system does not allow the call."""

    code = "FAILED_PRECONDITION"


class Unauthenticated(StatusError):
    """The caller is not authenticated."""

    code = "UNAUTHENTICATED"


class PermissionDenied(StatusError):
    """The caller lacks a permission; not for calls of ecrkeeper that AWS denies."""

    code = "PERMISSION_DENIED"


class ResourceExhausted(StatusError):
    """A limit of the server is exceeded; the call may be repeated."""

    code = "RESOURCE_EXHAUSTED"


class QuotaExceeded(StatusError):
    """A declaration exceeds AWS's quotas; has all of them. Retries do not help."""

    code = "RESOURCE_EXHAUSTED"

    def __init__(self, quotas: Sequence[QuotaViolation]) -> None:
        named = [(q.subject, q.description) for q in quotas]
        super().__init__(_summary(named), reason="QUOTA_EXCEEDED", quotas=quotas)


def _summary(named: Sequence[tuple[str, str]]) -> str:
    """Return the first violations in one line.

    The details have all of them, and share the metadata's capacity with this line.
    """
    shown: list[str] = []
    for where, description in named[:_SHOWN]:
        text = f"{where}: {description}" if where else description
        if shown and sum(map(len, shown)) + len(text) > _SUMMARY_CHARACTERS:
            break
        shown.append(text)
    remaining = len(named) - len(shown)
    return "; ".join([*shown, f"and {remaining} more"] if remaining else shown)


def rejection(violations: Sequence[Violation]) -> StatusError:
    """Return the error of a request for its violations, or for its exceeded quotas."""
    quotas = [QuotaViolation(v.field, v.description) for v in violations if v.reason == "QUOTA_EXCEEDED"]
    own = [v for v in violations if v.reason != "QUOTA_EXCEEDED"]
    return InvalidArgument(own, quotas) if own else QuotaExceeded(quotas)


class Unavailable(StatusError):
    """A dependency did not answer; the call may be repeated."""

    code = "UNAVAILABLE"


class DeadlineExceeded(StatusError):
    """The call's deadline passed."""

    code = "DEADLINE_EXCEEDED"


class StoreUnusable(Exception):
    """The database does not answer, or rejects a command's first statement.

    The message is one line.
    """
