"""The errors of calls to AWS; the API maps them to gRPC, the engine to conditions.

AwsError                 AWS did not do what it was asked
├── Permanent            it will keep rejecting until something changes
└── Temporary            it may accept it later
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ecrkeeper_server.errors import PreconditionViolation, QuotaViolation


class AwsError(Exception):
    """An answer of AWS that is not a success, or none at all.

    `aws_code` is the code without the suffix `Exception`; empty where AWS did
    not answer. `preconditions` says more where AWS said more, `metadata` what it
    is about, for programs. `aws_request_id` is the id under which AWS knows the
    call; empty where AWS gave none. `resource` is the kind and name of what
    AWS does not find, where a call asked for it.
    """

    aws_request_id: str = ""
    resource: tuple[str, str] | None = None

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
        quotas: Sequence[QuotaViolation] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason
        self.metadata = dict(metadata or {})
        self.aws_code = aws_code
        self.operation = operation
        self.grpc_code = grpc_code
        self.preconditions = tuple(preconditions)
        self.quotas = tuple(quotas)

    def about(
        self, message: str, preconditions: Sequence[PreconditionViolation], metadata: Mapping[str, str]
    ) -> AwsError:
        """Return the same error with a message that says more."""
        said = type(self).__new__(type(self), message)
        said.__dict__.update(self.__dict__)
        said.message = message
        said.preconditions = tuple(preconditions)
        said.metadata = {**self.metadata, **metadata}
        return said


class Permanent(AwsError):
    """AWS will keep rejecting the call until somebody changes something, here or there."""


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


# Retried, but slowly: only a change of permissions or resources makes them pass.
_NEEDS_SOMEBODY = frozenset(
    {
        "AWS_ACCESS_DENIED", "AWS_NO_CREDENTIALS", "AWS_CREDENTIALS_REJECTED", "REGION_NOT_ENABLED", "ROLE_BLOCKED",
        "SECRET_UNUSABLE",
    }
)  # fmt: skip


def is_terminal(error: AwsError) -> bool:
    """Whether an error does not pass by itself; the resource is still retried, in case somebody fixes its cause."""
    return isinstance(error, Permanent) or error.reason in _NEEDS_SOMEBODY
