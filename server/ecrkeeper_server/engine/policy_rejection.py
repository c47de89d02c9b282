"""Explain a rejected registry policy: ECR has one message for all errors."""

from __future__ import annotations

from ecrkeeper_server.aws_errors import AwsError, Permanent
from ecrkeeper_server.engine.attempt import Attempt
from ecrkeeper_server.engine.write_ahead import Progress
from ecrkeeper_server.settings.elements import Elements
from ecrkeeper_server.settings.policy import SCOPE
from ecrkeeper_server.settings.statements import beyond_v1

_GENERIC = "Invalid registry policy"


def is_generic_rejection(error: AwsError) -> bool:
    """Return whether ECR rejected a policy without naming the error."""
    return error.operation == "PutRegistryPolicy" and bool(error.aws_code) and _GENERIC in error.message


def explain_policy_rejection(error: AwsError, scope: str | None, statements: Elements) -> AwsError:
    """Return the error with possible causes.

    The scope is one only if it is V1 and a statement needs V2.
    """
    needing = sorted(key for key, value in statements.items() if beyond_v1(value))
    hint = "ECR does not name the statement; check principals, conditions and resources"
    reason, code = error.reason, error.grpc_code
    if scope == "V1" and needing:
        hint = f"{SCOPE} is V1, which does not allow the actions of {', '.join(needing)}; declare V2 first"
        reason = "REGISTRY_POLICY_REJECTED"
        code = "FAILED_PRECONDITION"
    explained = Permanent(
        f"{error.message} ({hint})",
        reason=reason,
        aws_code=error.aws_code,
        operation=error.operation,
        grpc_code=code,
        preconditions=error.preconditions,
        quotas=error.quotas,
    )
    explained.aws_request_id = error.aws_request_id
    return explained


async def scope_of(attempt: Attempt, progress: Progress) -> str | None:
    """Return the scope of the registry; None if it cannot be read."""
    if "account_settings" in progress.observed:
        known: str | None = progress.observed["account_settings"].elements.get(SCOPE)
        return known
    registry = attempt.claimed.registry
    try:
        answer = await attempt.aws.call(registry.account, registry.region, "ecr", "GetAccountSetting", {"name": SCOPE})
    except AwsError:
        return None
    return answer.get("value")
