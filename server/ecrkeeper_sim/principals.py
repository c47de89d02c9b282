"""Deleted principals: a policy shows their unique id, and their ARN is rejected."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ecrkeeper_sim.calls import Call
from ecrkeeper_sim.errors import invalid_parameter
from ecrkeeper_sim.permissions import as_list
from ecrkeeper_sim.state import Json, Settings


def reject_deleted(policy: Json, settings: Settings) -> None:
    """Raise ECR's error for a policy that names a deleted principal."""
    gone = set(settings.deleted_principals)
    if not settings.unique_ids_writable:
        gone |= set(settings.deleted_principals.values())
    if gone.intersection(_named(policy)):
        raise invalid_parameter("PolicyText", "Principal not found")


def with_unique_ids(policy: Json, settings: Settings) -> Json:
    """Return the policy as ECR shows it after principals were deleted."""
    if not settings.deleted_principals:
        return policy
    return _replaced(policy, lambda principal: settings.deleted_principals.get(principal, principal))


def names_caller(call: Call, statement: Json) -> bool:
    """Return whether the statement of a resource-based policy names the caller."""
    principal = statement.get("Principal", {})
    named = as_list(principal.get("AWS", [])) if isinstance(principal, dict) else [principal]
    session = call.identity.session
    own = {call.identity.account, call.identity.arn, f"arn:{call.partition}:iam::{call.identity.account}:root"}
    if session is not None:
        own.add(session.role_arn)
    return any(name == "*" or name in own for name in named)


def _named(policy: Json) -> Iterator[str]:
    for statement in as_list(policy.get("Statement", [])):
        principal = statement.get("Principal")
        if isinstance(principal, dict):
            yield from map(str, as_list(principal.get("AWS", [])))


def _replaced(policy: Json, by: Callable[[str], str]) -> Json:
    statements = [_statement(each, by) for each in as_list(policy.get("Statement", []))]
    return {**policy, "Statement": statements}


def _statement(statement: Json, by: Callable[[str], str]) -> Json:
    principal = statement.get("Principal")
    if not isinstance(principal, dict) or "AWS" not in principal:
        return statement
    replaced: Any = [by(str(name)) for name in as_list(principal["AWS"])]
    shown = replaced if isinstance(principal["AWS"], list) else replaced[0]
    return {**statement, "Principal": {**principal, "AWS": shown}}
