"""The errors of calls to AWS; the API maps them to gRPC, the engine to conditions.

AwsError                 a call to AWS did not succeed
├── Permanent            AWS rejects the call until something changes
└── Temporary            AWS may accept the call later
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ecrkeeper_server.errors import PreconditionViolation, QuotaViolation


class AwsError(Exception):
    """An answer of AWS that is not a success, or none at all.

    `aws_code` is AWS's code without the suffix `Exception`; empty if AWS did not answer.
    `preconditions` has details from AWS, `metadata` details for programs. `aws_request_id` is AWS's
    id of the call; empty if AWS sent none. `resource` is the kind and the name of a requested
    resource that AWS does not find.
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
        """Return the same error with a more detailed message."""
        detailed = type(self).__new__(type(self), message)
        detailed.__dict__.update(self.__dict__)
        detailed.message = message
        detailed.preconditions = tuple(preconditions)
        detailed.metadata = {**self.metadata, **metadata}
        return detailed


class Permanent(AwsError):
    """AWS rejects the call until somebody changes the declaration or AWS."""


class Temporary(AwsError):
    """AWS may accept the call later.

    `after` is the minimum delay in seconds; None means the usual backoff.
    """

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


# Retried slowly, because only a change of permissions or resources resolves them.
_NEEDS_SOMEBODY = frozenset(
    {
        "AWS_ACCESS_DENIED", "AWS_NO_CREDENTIALS", "AWS_CREDENTIALS_REJECTED", "REGION_NOT_ENABLED", "ROLE_BLOCKED",
        "SECRET_UNUSABLE",
    }
)  # fmt: skip


def is_terminal(error: AwsError) -> bool:
    """Return whether waiting does not resolve an error.

    The engine still retries the resource, in case somebody resolves the cause.
    """
    return isinstance(error, Permanent) or error.reason in _NEEDS_SOMEBODY
