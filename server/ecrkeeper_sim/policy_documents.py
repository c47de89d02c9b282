"""Registry policy documents: what ECR accepts, and how it writes back what it accepted."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from ecrkeeper_sim.errors import invalid_parameter
from ecrkeeper_sim.permissions import applies, as_list

_V1_ACTIONS = frozenset({"ecr:replicateimage", "ecr:batchimportupstreamimage", "ecr:createrepository", "ecr:*"})
_VERSIONS = ("2008-10-17", "2012-10-17")
_ACTION = re.compile(r"ecr:[A-Za-z*?]+")
_ACCOUNT = re.compile(r"\d{12}")


def parse_registry_policy(text: str, scope: str, partition: str, unresolvable: Sequence[str]) -> dict[str, Any]:
    """Return the normalised policy, or raise ECR's error for one that it does not take."""
    try:
        document = json.loads(text)
    except ValueError:
        raise _refused() from None
    if not isinstance(document, dict) or document.get("Version", _VERSIONS[0]) not in _VERSIONS:
        raise _refused()
    statements = as_list(document.get("Statement", []))
    if not statements:
        raise _refused()
    for statement in statements:
        _check_statement(statement, scope)
        if any(principal in unresolvable for principal in _aws_principals(statement)):
            raise invalid_parameter("PolicyText", "Principal not found")
    return {**document, "Statement": [_normalised(statement, partition) for statement in statements]}


def rendered(document: dict[str, Any]) -> str:
    """Return the document as ECR sends it: indented anew, with a space on both sides of the colon."""
    return json.dumps(document, indent=2, separators=(",", " : "))


def allows_principal(policy: dict[str, Any] | None, account: str, action: str, resource: str) -> bool:
    """Tell whether the registry policy lets the account's root principal take the action on the resource."""
    for statement in as_list((policy or {}).get("Statement", [])):
        principals = _aws_principals(statement)
        named = any(p == "*" or p == account or f":{account}:" in p for p in principals)
        if statement["Effect"] == "Allow" and named and applies(statement, action, resource, {}):
            return True
    return False


def _refused() -> Exception:
    return invalid_parameter("PolicyText", "Invalid registry policy provided")


def _check_statement(statement: Any, scope: str) -> None:
    if not isinstance(statement, dict) or statement.get("Effect") not in ("Allow", "Deny"):
        raise _refused()
    actions = as_list(statement.get("Action", statement.get("NotAction", [])))
    if not actions or not ("Principal" in statement or "NotPrincipal" in statement):
        raise _refused()
    for action in actions:
        if not isinstance(action, str) or (action != "*" and not _ACTION.fullmatch(action)):
            raise _refused()
        if scope == "V1" and action.lower() not in _V1_ACTIONS:
            raise _refused()
    for resource in as_list(statement.get("Resource", "*")):
        if not isinstance(resource, str) or not (resource == "*" or resource.startswith("arn:")):
            raise _refused()


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
