"""What a refusal of AWS means: `Permanent` or `Temporary`.

Codes are those on the wire without the suffix `Exception`, so that ECR's
`LimitExceededException` and IAM's `LimitExceeded` read the same.
"""

from __future__ import annotations

from typing import Any

from ecrkeeper_server.errors import AwsError, Permanent, Temporary

THROTTLES = frozenset(
    {"Throttling", "Throttled", "RequestLimitExceeded", "TooManyRequests", "RequestThrottled", "SlowDown"}
)
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
# The time in the signature is too far from AWS's.
_CLOCK = frozenset({"RequestExpired", "RequestTimeTooSkewed"})
# Refusals whose status blames the caller, and that the same call need not meet again.
_PASSING = frozenset({"ConcurrentModification", "RequestTimeout"})
# Refusals that go away only when somebody changes what is declared or what it refers to.
_INVALID = frozenset(
    {
        "InvalidParameter",
        "Validation",
        "ValidationError",
        "InvalidInput",
        "UnsupportedUpstreamRegistry",
        "MalformedPolicyDocument",
        "UnmodifiableEntity",
    }
)
# The secret may be made, or made readable, at any moment: look again, slowly.
_SECRETS = frozenset({"SecretNotFound", "UnableToAccessSecret", "UnableToDecryptSecretValue"})
_SLOW_SECONDS = 60.0


def short_code(code: str) -> str:
    """The code without namespace and without the suffix `Exception`."""
    bare = code.rsplit("#", 1)[-1].split(":", 1)[0]
    return bare.removesuffix("Exception") if bare != "Exception" else bare


def is_throttle(code: str) -> bool:
    """Whether AWS asks to slow down; a used-up quota (`LimitExceeded`) is not that."""
    return code in THROTTLES


def failure(service: str, operation: str, status: int, code: str, message: str) -> AwsError:
    """The domain error for an answer of AWS that is not a success."""
    action = f"{service}:{operation}"
    text = f"{action}: {code}: {message}" if message else f"{action}: {code}"
    facts: dict[str, Any] = {"aws_code": code, "operation": operation}
    if is_throttle(code):
        return Temporary(text, reason="AWS_THROTTLED", grpc_code="UNAVAILABLE", **facts)
    if code in _DENIED:
        return Temporary(
            f"{text} (the role that ecrkeeper uses needs {_needed(service, operation)})",
            reason="AWS_ACCESS_DENIED",
            after=_SLOW_SECONDS,
            grpc_code="FAILED_PRECONDITION",
            **facts,
        )
    if code in _CREDENTIALS or code in _CLOCK:
        hint = "the credentials are not accepted there; is the Region enabled for the account?"
        if code in _CLOCK:
            hint = "the signature is not accepted; is the clock of this machine right?"
        return Temporary(
            f"{text} ({hint})",
            reason="AWS_CREDENTIALS_REJECTED",
            after=_SLOW_SECONDS,
            grpc_code="FAILED_PRECONDITION",
            **facts,
        )
    if code in _SECRETS:
        return Temporary(text, reason="SECRET_UNUSABLE", after=_SLOW_SECONDS, grpc_code="FAILED_PRECONDITION", **facts)
    if code == "LimitExceeded":
        return Permanent(text, reason="AWS_QUOTA_EXCEEDED", grpc_code="RESOURCE_EXHAUSTED", **facts)
    if code == "BlockedByOrganizationPolicy":
        return Permanent(text, reason="BLOCKED_BY_ORGANIZATION_POLICY", **facts)
    if code == "ReplicationBackfillInProgress":
        return Permanent(text, reason="BACKFILL_IN_PROGRESS", **facts)
    if operation == "PutRegistryPolicy" and "Invalid registry policy" in message:
        hint = "with REGISTRY_POLICY_SCOPE at V1 it takes only the actions of replication and caching"
        return Permanent(f"{text} ({hint}; set it to V2 first)", reason="REGISTRY_POLICY_REFUSED", **facts)
    if code in _INVALID and "Principal not found" in message:
        # IAM is eventually consistent, so the engine tries again for a while.
        return Permanent(text, reason="PRINCIPAL_NOT_FOUND", **facts)
    if code in _INVALID:
        return Permanent(text, reason="AWS_REFUSED", grpc_code="INVALID_ARGUMENT", **facts)
    if status >= 500 or status == 429 or code in _PASSING:
        return Temporary(text, reason="AWS_UNAVAILABLE", **facts)
    return Permanent(text, reason="AWS_REFUSED", **facts)


def _needed(service: str, operation: str) -> str:
    action = f"{service}:{operation}"
    if operation == "CreateServiceLinkedRole":
        return f"{action}, with a condition on iam:AWSServiceName that admits this service"
    if operation == "AssumeRole":
        return f"to be trusted for {action} by the account's role"
    return action


def no_answer(service: str, operation: str, error: BaseException) -> Temporary:
    """The error for a call that got no answer; it may have had its effect."""
    return Temporary(
        f"{service}:{operation}: no answer ({type(error).__name__})", reason="AWS_UNREACHABLE", operation=operation
    )
