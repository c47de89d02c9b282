"""Check whether ECR may assume the IAM roles that cache rules and templates name.

Facts: "Creating an IAM role for a custom role" for creation templates and for
ECR to ECR pull through cache in the ECR user guide; the trust policies there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote

from ecrkeeper_server.settings import arns, statements
from ecrkeeper_server.settings.elements import Change, Value
from ecrkeeper_server.settings.json_text import NotJson, parse
from ecrkeeper_server.settings.policy_validation import statements_of
from ecrkeeper_server.settings.setting import Warning


def roles_of(changes: Iterable[Change]) -> dict[str, list[str]]:
    """Return the custom roles of new or changed elements, with the elements' keys."""
    roles: dict[str, list[str]] = {}
    for change in changes:
        role = _role_of(change.after)
        if role and role != _role_of(change.before):
            roles.setdefault(role, []).append(change.key)
    return roles


def _role_of(value: Value | None) -> str | None:
    """Return the role of an element; the values of some settings are text."""
    return value.get("customRoleArn") if isinstance(value, dict) else None


def name_of(role_arn: str) -> str:
    """Return the name of a role without its path; empty if the ARN has none."""
    arn = arns.parse(role_arn)
    return arn.resource.rpartition("/")[2] if arn is not None else ""


def judge_role(role_arn: str, service: str, role: Mapping[str, Any] | None, subject: str) -> Warning | None:
    """Warn of a role that is missing or does not trust a service.

    `role` is IAM's answer, or None if the role does not exist.
    """
    if role is None:
        message = f"role {role_arn} does not exist, so ECR cannot create or cache repositories with it; create the role"
        return Warning("CUSTOM_ROLE_MISSING", subject, message)
    if role.get("Arn") != role_arn:
        message = f"role {role_arn} does not exist: the role of that name is {role.get('Arn')}; correct custom_role_arn"
        return Warning("CUSTOM_ROLE_MISSING", subject, message)
    if _may_be_assumed(role.get("AssumeRolePolicyDocument"), service):
        return None
    message = f"the trust policy of {role_arn} does not let {service} assume the role; add a statement that does"
    return Warning("CUSTOM_ROLE_UNTRUSTED", subject, message)


def _may_be_assumed(document: Any, service: str) -> bool:
    """Return whether a trust policy lets a service assume the role.

    Conditions are ignored, and a policy that cannot be read counts as trust.
    """
    if isinstance(document, str):
        try:
            document = parse(unquote(document))
        except NotJson:
            return True
    if not isinstance(document, Mapping):
        return True
    trusts = [statements.canonical(one) for one in statements_of(document) if isinstance(one, Mapping)]
    about = [one for one in trusts if _names(one, service) and statements.allows_action(one, "sts:AssumeRole")]
    allowed = any(one.get("Effect") == "Allow" for one in about)
    denied = any(one.get("Effect") == "Deny" and "Condition" not in one for one in about)
    return allowed and not denied


def _names(statement: Mapping[str, Any], service: str) -> bool:
    if "NotPrincipal" in statement:
        return service not in statement["NotPrincipal"].get("Service", ())
    principals = statement.get("Principal") or {}
    return service in principals.get("Service", ()) or any("*" in whom for whom in principals.values())
