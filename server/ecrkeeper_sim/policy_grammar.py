"""Validation of the grammar of resource policies, as AWS does on a write."""

from __future__ import annotations

import string
from collections.abc import Set
from typing import Any

from ecrkeeper_sim.permissions import as_list
from ecrkeeper_sim.policy_conditions import check_condition
from ecrkeeper_sim.policy_errors import require

_DOCUMENT = {"Version", "Id", "Statement"}
_VERSIONS = ("2008-10-17", "2012-10-17")
_ONE_OF = (("Principal", "NotPrincipal"), ("Action", "NotAction"))
_STATEMENT = {"Sid", "Effect", "Resource", "NotResource", "Condition", *(m for pair in _ONE_OF for m in pair)}
_KINDS = {"AWS", "Service", "Federated", "CanonicalUser"}
_LETTERS = frozenset(string.ascii_letters)
_NAME = _LETTERS | frozenset(string.digits + "_+=,.@-")
_PATH = frozenset(map(chr, range(0x21, 0x7F))) - frozenset("*?/")
_UNIQUE_ID = frozenset(string.ascii_uppercase + string.digits)


def statements_of(document: Any) -> list[Any]:
    """Return the statements of a policy; raise Malformed for an invalid one."""
    require(isinstance(document, dict) and document.keys() <= _DOCUMENT, "not a policy")
    require(document.get("Version", _VERSIONS[0]) in _VERSIONS, "no such version")
    statements = as_list(document.get("Statement", []))
    require(bool(statements), "no statement")
    sids = [s["Sid"] for s in statements if isinstance(s, dict) and "Sid" in s]
    require(all(isinstance(sid, str) for sid in sids), "a Sid that is no text")
    named = list(filter(None, sids))
    require(len(set(named)) == len(named), "a Sid twice")
    return statements


def check_statement(statement: Any, partition: str) -> None:
    """Raise Malformed unless the statement is valid for the partition.

    It must be one of a resource policy.
    """
    require(isinstance(statement, dict) and statement.keys() <= _STATEMENT, "not a statement")
    require(statement.get("Effect") in ("Allow", "Deny"), "no effect")
    for pair in _ONE_OF:
        require(len(statement.keys() & set(pair)) == 1, f"not one of {pair}")
    require(not {"Resource", "NotResource"} <= statement.keys(), "both kinds of resource")
    for member in ("Principal", "NotPrincipal"):
        if member in statement:
            _check_principal(statement[member], partition)
    for member in ("Action", "NotAction"):
        for action in _texts(statement, member):
            require(action == "*" or _is_ecr_action(action), f"{action} is no ECR action")
    for member in ("Resource", "NotResource"):
        for resource in _texts(statement, member):
            require(resource == "*" or resource.startswith("arn:"), f"{resource} is no ARN")
    check_condition(statement.get("Condition", {}))


def _texts(holder: dict[str, Any], member: str) -> list[str]:
    if member not in holder:
        return []
    values = as_list(holder[member])
    require(bool(values) and all(isinstance(value, str) for value in values), f"{member} has no texts")
    return values


def _is_ecr_action(action: str) -> bool:
    service, _, name = action.partition(":")
    return service.lower() == "ecr" and bool(name) and _consists_of(name, _LETTERS | {"*", "?"})


def _check_principal(principal: Any, partition: str) -> None:
    if principal == "*":
        return
    require(isinstance(principal, dict) and bool(principal) and principal.keys() <= _KINDS, "not a principal")
    for kind in principal:
        for name in _texts(principal, kind):
            valid = _is_aws_principal(name, partition) if kind == "AWS" else bool(name)
            require(valid, f"{name} is no principal of kind {kind}")


def _is_aws_principal(principal: str, partition: str) -> bool:
    if principal == "*" or _is_account(principal):
        return True
    if not principal.startswith("arn:"):
        return principal[:4] in ("AIDA", "AROA") and 16 <= len(principal) <= 128 and _consists_of(principal, _UNIQUE_ID)
    _, arn_partition, service, region, account, resource = [*principal.split(":", 5), "", "", "", "", ""][:6]
    if arn_partition != partition or region or not _is_account(account):
        return False
    kind, *names = resource.split("/")
    if not all(names) or not all(_consists_of(name, _PATH) for name in names):
        return False
    if service == "iam":
        return resource == "root" or (kind in ("user", "role") and bool(names) and _consists_of(names[-1], _NAME))
    lengths = {"assumed-role": 2, "federated-user": 1}
    return service == "sts" and lengths.get(kind) == len(names) and all(_consists_of(name, _NAME) for name in names)


def _is_account(text: str) -> bool:
    return len(text) == 12 and _consists_of(text, frozenset(string.digits))


def _consists_of(text: str, characters: Set[str]) -> bool:
    return all(character in characters for character in text)
