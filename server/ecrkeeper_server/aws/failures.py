"""Translate AWS's rejections into `Permanent` or `Temporary`.

Codes have the form on the wire without the suffix `Exception`, so that ECR's
`LimitExceededException` and IAM's `LimitExceeded` are equal.
"""

from __future__ import annotations

from typing import Any

from ecrkeeper_server.aws.answers import AnswerTooLarge, InvalidAnswer
from ecrkeeper_server.aws_errors import AwsError, Permanent, Temporary
from ecrkeeper_server.errors import QuotaViolation

THROTTLES = frozenset(
    {"Throttling", "Throttled", "RequestLimitExceeded", "TooManyRequests", "RequestThrottled", "SlowDown"}
)
ANSWER_TOO_LARGE = "AWS_ANSWER_TOO_LARGE"

_DENIED = frozenset({"AccessDenied", "UnauthorizedOperation", "AuthorizationError"})
_CREDENTIALS = frozenset(
    {
        "UnrecognizedClient",
        "InvalidClientTokenId",
        "ExpiredToken",
        "InvalidSignature",
        "SignatureDoesNotMatch",
        "MissingAuthenticationToken",
        "IncompleteSignature",
    }
)
# The time of the signature differs too much from AWS's.
_CLOCK = frozenset({"RequestExpired", "RequestTimeTooSkewed"})
# Rejections whose status blames the caller, but which a retry may not meet again.
_RETRYABLE = frozenset({"ConcurrentModification", "RequestTimeout"})
# Rejections that last until somebody changes the declaration or its references.
_INVALID = frozenset(
    {
        "InvalidParameter",
        "Validation",
        "ValidationError",
        "InvalidInput",
        "UnsupportedUpstreamRegistry",
        "MalformedPolicyDocument",
    }
)
# Limits of AWS that waiting does not raise.
_QUOTAS = frozenset({"LimitExceeded", "ServiceQuotaExceeded", "TooManyTags"})
# The secret may be created or made readable at any time: retry slowly.
_SECRETS = frozenset({"SecretNotFound", "UnableToAccessSecret", "UnableToDecryptSecretValue"})
_SLOW_SECONDS = 60.0
# IAM reports an unknown service principal as if a permission were missing.
_NO_SERVICE = "is not a valid AWS service name"
# IAM's message for an existing service-linked role.
_EXISTS = "has been taken"


def short_code(code: str) -> str:
    """Return the code without namespace and without the suffix `Exception`."""
    bare = code.rsplit("#", 1)[-1].split(":", 1)[0]
    return bare.removesuffix("Exception") if bare != "Exception" else bare


def is_throttle(code: str) -> bool:
    """Return whether AWS throttles; an exceeded quota (`LimitExceeded`) is different."""
    return code in THROTTLES


def is_rejection(code: str) -> bool:
    """Return whether AWS rejects the credentials of a call, whatever the call."""
    return code in _CREDENTIALS


def wrong_account(expected: str, actual: str, operation: str = "GetCallerIdentity") -> Permanent:
    """Return the error for credentials or an answer of another account."""
    hint = "configure aws_role_template with a role in every account, or use another installation for it"
    text = f"the AWS credentials belong to account {actual}, not {expected}, so nothing was sent ({hint})"
    if operation != "GetCallerIdentity":
        text = f"{operation}: the answer belongs to account {actual}, not {expected}"
    return Permanent(
        text,
        reason="WRONG_ACCOUNT",
        operation=operation,
        metadata={"expected_account": expected, "actual_account": actual},
    )


def invalid_answer(service: str, operation: str, error: InvalidAnswer) -> Temporary:
    """Return the error for an unusable answer; the call may have had an effect."""
    return Temporary(
        f"{service}:{operation}: unusable answer: {error}", reason="AWS_ANSWER_INVALID", operation=operation
    )


def too_large(service: str, operation: str, error: AnswerTooLarge) -> Permanent:
    """Return the error for an answer beyond all of AWS's quotas.

    Repeating the call would not help.
    """
    text = (
        f"{service}:{operation}: the answer is {error}, more than AWS's quotas allow, so ecrkeeper does not read or"
        " write the setting; remove what is not needed there"
    )
    return Permanent(text, reason=ANSWER_TOO_LARGE, operation=operation, grpc_code="FAILED_PRECONDITION")


def failure(service: str, operation: str, status: int, code: str, message: str) -> AwsError:
    """Return the domain error for an answer that is not a success."""
    action = f"{service}:{operation}"
    text = f"{action}: {code}: {message}" if message else f"{action}: {code}"
    facts: dict[str, Any] = {"aws_code": code, "operation": operation}
    if is_throttle(code):
        return Temporary(text, reason="AWS_THROTTLED", grpc_code="UNAVAILABLE", **facts)
    if code in _DENIED:
        return _denied(service, operation, text, facts)
    if code in _CREDENTIALS or code in _CLOCK:
        hint = "the Region does not accept the credentials; check that it is enabled for the account"
        if code in _CLOCK:
            hint = "AWS does not accept the signature; check the clock of this machine"
        return Temporary(
            f"{text} ({hint})",
            reason="AWS_CREDENTIALS_REJECTED",
            after=_SLOW_SECONDS,
            grpc_code="FAILED_PRECONDITION",
            **facts,
        )
    if code in _SECRETS:
        return Temporary(text, reason="SECRET_UNUSABLE", after=_SLOW_SECONDS, grpc_code="FAILED_PRECONDITION", **facts)
    if code in _QUOTAS:
        used_up = [QuotaViolation(action, message or code)]
        return Permanent(text, reason="AWS_QUOTA_EXCEEDED", grpc_code="RESOURCE_EXHAUSTED", quotas=used_up, **facts)
    if status >= 500 or status == 429 or code in _RETRYABLE:
        return Temporary(text, reason="AWS_UNAVAILABLE", **facts)
    return _rejected(code, message, text, facts)


def _denied(service: str, operation: str, text: str, facts: dict[str, Any]) -> AwsError:
    if _NO_SERVICE in text:
        hint = "IAM does not have this service; permissions do not change that"
        return Permanent(f"{text} ({hint})", reason="SERVICE_PRINCIPAL_UNKNOWN", **facts)
    return Temporary(
        f"{text} (the role that ecrkeeper uses needs {_needed(service, operation)})",
        reason="AWS_ACCESS_DENIED",
        after=_SLOW_SECONDS,
        grpc_code="FAILED_PRECONDITION",
        **facts,
    )


def _rejected(code: str, message: str, text: str, facts: dict[str, Any]) -> Permanent:
    """Return the error for a lasting rejection, with a code that names the remedy."""
    if code.endswith("NotFound") or code == "NoSuchEntity":
        return Permanent(text, reason="AWS_NOT_FOUND", grpc_code="NOT_FOUND", **facts)
    if code.endswith("AlreadyExists") or (code == "InvalidInput" and _EXISTS in message):
        return Permanent(text, reason="AWS_ALREADY_EXISTS", grpc_code="ALREADY_EXISTS", **facts)
    if code == "BlockedByOrganizationPolicy":
        return Permanent(text, reason="BLOCKED_BY_ORGANIZATION_POLICY", **facts)
    if code == "ReplicationBackfillInProgress":
        return Permanent(text, reason="BACKFILL_IN_PROGRESS", **facts)
    if code in _INVALID and "Principal not found" in message:
        # IAM is eventually consistent, so the engine retries for a while.
        return Permanent(text, reason="PRINCIPAL_NOT_FOUND", **facts)
    if code in _INVALID:
        return Permanent(text, reason="AWS_REJECTED", grpc_code="INVALID_ARGUMENT", **facts)
    return Permanent(text, reason="AWS_REJECTED", **facts)


def _needed(service: str, operation: str) -> str:
    action = f"{service}:{operation}"
    if operation == "CreateServiceLinkedRole":
        return f"{action}, with a condition on iam:AWSServiceName that admits this service"
    if operation == "AssumeRole":
        return f"to be trusted for {action} by the account's role"
    return action


def no_answer(service: str, operation: str, error: BaseException) -> Temporary:
    """Return the error for an unanswered call, which may have had an effect."""
    return Temporary(
        f"{service}:{operation}: no answer ({type(error).__name__})", reason="AWS_UNREACHABLE", operation=operation
    )
