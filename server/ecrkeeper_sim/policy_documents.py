"""Registry and repository policies: ECR's validation and normalization."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import cache
from typing import Any

from ecrkeeper_sim.errors import invalid_parameter
from ecrkeeper_sim.models import service_model
from ecrkeeper_sim.permissions import applies, as_list, matches_any
from ecrkeeper_sim.policy_errors import Malformed, require
from ecrkeeper_sim.policy_grammar import check_statement, statements_of

_V1_ACTIONS = frozenset({"ecr:replicateimage", "ecr:batchimportupstreamimage", "ecr:createrepository", "ecr:*"})
# Actions that are not operations.
_PERMISSION_ONLY = ("BatchImportUpstreamImage", "GetImageCopyStatus", "ReplicateImage")
_TOKEN = "ecr:getauthorizationtoken"  # noqa: S105 - the name of an action
_ACCOUNT = re.compile(r"\d{12}")


def parse_registry_policy(text: str, scope: str, partition: str, unresolvable: Sequence[str]) -> dict[str, Any]:
    """Return the normalized policy; raise ECR's error for an invalid one."""
    try:
        document = _parsed(text)
        statements = statements_of(document)
        for statement in statements:
            check_statement(statement, partition)
            require(scope != "V1" or _fits_v1(statement), "an action that scope V1 does not know")
    except Malformed:
        raise invalid_parameter("PolicyText", "Invalid registry policy provided") from None
    _check_resolvable(statements, unresolvable)
    return normalised(document, partition)


def check_repository_policy(text: str, partition: str, unresolvable: Sequence[str]) -> None:
    """Raise ECR's error for an invalid repository policy."""
    try:
        statements = statements_of(_parsed(text))
        for statement in statements:
            check_statement(statement, partition)
            require(not {"Resource", "NotResource"} & statement.keys(), "a repository policy has no resource")
            for action in (str(a).lower() for m in ("Action", "NotAction") for a in as_list(statement.get(m, []))):
                require(_names_an_action(action), f"{action} is unknown")
            tokens = [a for a in as_list(statement.get("Action", [])) if str(a).lower() == _TOKEN]
            require(not tokens, "a token is for the whole registry")
    except Malformed:
        raise invalid_parameter("PolicyText", "Invalid repository policy provided") from None
    _check_resolvable(statements, unresolvable)


def normalised(document: dict[str, Any], partition: str) -> dict[str, Any]:
    """Return the policy as ECR stores it."""
    statements = [_normalised(s, partition) for s in as_list(document.get("Statement", [])) if isinstance(s, dict)]
    return {**document, "Statement": statements}


def rendered(document: dict[str, Any]) -> str:
    """Return the document as ECR sends it: indented, with spaces around colons."""
    return json.dumps(document, indent=2, separators=(",", " : "))


def allows_principal(policy: dict[str, Any] | None, account: str, action: str, resource: str) -> bool:
    """Return whether the registry policy allows the account's root the action."""
    for statement in as_list((policy or {}).get("Statement", [])):
        principals = _aws_principals(statement)
        named = any(p == "*" or p == account or f":{account}:" in p for p in principals)
        if statement.get("Effect") == "Allow" and named and applies(statement, action, resource, {}):
            return True
    return False


def _parsed(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Malformed("not JSON") from None


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _fits_v1(statement: dict[str, Any]) -> bool:
    return all(action.lower() in _V1_ACTIONS for action in as_list(statement.get("Action", statement.get("NotAction"))))


def _names_an_action(action: str) -> bool:
    return any(matches_any(action, known) for known in _known_actions())


@cache
def _known_actions() -> frozenset[str]:
    names = {*service_model("ecr").operation_names, *_PERMISSION_ONLY}
    return frozenset(f"ecr:{name}".lower() for name in names)


def _check_resolvable(statements: list[dict[str, Any]], unresolvable: Sequence[str]) -> None:
    if any(principal in unresolvable for statement in statements for principal in _aws_principals(statement)):
        raise invalid_parameter("PolicyText", "Principal not found")


def _aws_principals(statement: dict[str, Any]) -> list[str]:
    principal = statement.get("Principal", {})
    if isinstance(principal, dict):
        return [str(p) for p in as_list(principal.get("AWS", []))]
    return [str(principal)]


def _normalised(statement: dict[str, Any], partition: str) -> dict[str, Any]:
    shown = {}
    for name, value in statement.items():
        if name in ("Principal", "NotPrincipal") and isinstance(value, dict):
            shown[name] = {k: _collapsed(_rooted(v, partition) if k == "AWS" else v) for k, v in value.items()}
        elif name == "Condition" and isinstance(value, dict):
            shown[name] = {op: {k: _collapsed(v) for k, v in keys.items()} for op, keys in value.items()}
        else:
            shown[name] = _collapsed(value)
    return shown


def _rooted(value: Any, partition: str) -> Any:
    rooted = [f"arn:{partition}:iam::{p}:root" if _ACCOUNT.fullmatch(str(p)) else p for p in as_list(value)]
    return rooted if isinstance(value, list) else rooted[0]


def _collapsed(value: Any) -> Any:
    return value[0] if isinstance(value, list) and len(value) == 1 else value
