"""IAM policy statements in canonical form.

Facts: "IAM JSON policy elements reference" in the IAM user guide (an account
id equals the root ARN of the account, and one value a list of one).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from ecrkeeper_server.settings import globs
from ecrkeeper_server.settings.elements import Value
from ecrkeeper_server.settings.json_text import dump, many

LISTS = ("Action", "NotAction", "Resource", "NotResource")
PRINCIPALS = ("Principal", "NotPrincipal")
MEMBERS = frozenset({"Sid", "Effect", "Condition", *LISTS, *PRINCIPALS})
DIGEST = "sha256:"

_ORDER = ("Effect", *PRINCIPALS, *LISTS, "Condition")

_ROOT = re.compile(r"arn:aws[a-z-]*:iam::([0-9]{12}):root")
_PARTITION = re.compile(r"arn:(aws[a-z-]*):")
_ACCOUNT = re.compile(r"[0-9]{12}")
# AWS shows a deleted principal by its unique id.
_UNIQUE_ID = re.compile(r"A[A-Z]{3}[A-Z0-9]{12,}")
_V1_ACTIONS = frozenset({"*", "ecr:*", "ecr:replicateimage", "ecr:batchimportupstreamimage", "ecr:createrepository"})


def canonical(statement: Mapping[str, Any]) -> Value:
    """Return the statement without its Sid; statements with equal meaning are equal."""
    value: dict[str, Any] = {}
    for member, content in statement.items():
        if member in LISTS:
            value[member] = many(content)
        elif member in PRINCIPALS:
            value[member] = _principals(content)
        elif member == "Condition" and isinstance(content, Mapping):
            if content:
                value[member] = {op: _condition(test) for op, test in content.items()}
        elif member == "Effect":
            value[member] = content
    return value


def _principals(content: Any) -> Any:
    kinds = content if isinstance(content, Mapping) else {"AWS": content}
    return {
        kind: sorted({_account_or(principal) for principal in many(principals)}) for kind, principals in kinds.items()
    }


def _account_or(principal: str) -> str:
    root = _ROOT.fullmatch(principal)
    return root.group(1) if root else principal


def _condition(test: Any) -> Any:
    return {key: many(values) for key, values in test.items()} if isinstance(test, Mapping) else test


def principals(value: Value) -> list[str]:
    """Return the principals of all kinds that a statement names."""
    return [str(principal) for member in PRINCIPALS for names in value.get(member, {}).values() for principal in names]


def names_deleted(value: Value) -> bool:
    """Return whether AWS shows a principal of the statement as deleted."""
    return any(_UNIQUE_ID.fullmatch(principal) for principal in principals(value))


def digest(value: Value) -> str:
    """Return the key of a statement that has no Sid."""
    return DIGEST + hashlib.sha256(dump(value).encode()).hexdigest()[:16]


def written(key: str, value: Value) -> dict[str, Any]:
    """Return the statement as sent to AWS, with members in the customary order."""
    partition = _partition(value)
    statement: dict[str, Any] = {} if key.startswith(DIGEST) else {"Sid": key}
    for member in _ORDER:
        if member in PRINCIPALS and member in value:
            statement[member] = _written_principals(value[member], partition)
        elif member == "Condition" and member in value:
            statement[member] = {op: _written_condition(test) for op, test in sorted(value[member].items())}
        elif member in value:
            statement[member] = value[member]
    return statement


def _written_condition(test: Any) -> Any:
    return {key: _one_or_many(v) for key, v in sorted(test.items())} if isinstance(test, Mapping) else test


def _partition(value: Value) -> str | None:
    named = [text for member in ("Resource", "NotResource") for text in value.get(member, ())]
    named += [principal for member in PRINCIPALS for principal in value.get(member, {}).get("AWS", ())]
    matches = (_PARTITION.match(str(text)) for text in named)
    return next((match.group(1) for match in matches if match), None)


def _written_principals(kinds: Mapping[str, list[str]], partition: str | None) -> Any:
    if kinds == {"AWS": ["*"]}:
        return "*"
    return {
        kind: _one_or_many([_root(principal, partition) for principal in names])
        for kind, names in sorted(kinds.items())
    }


def _root(principal: str, partition: str | None) -> str:
    # The bare account id is valid in every partition, the ARN only in its own.
    return f"arn:{partition}:iam::{principal}:root" if partition and _ACCOUNT.fullmatch(principal) else principal


def _one_or_many(values: Any) -> Any:
    return values[0] if isinstance(values, list) and len(values) == 1 else values


def allows_action(value: Value, action: str) -> bool:
    """Return whether a statement's actions include an action.

    Wildcards are matched; case is ignored.
    """
    wanted = action.lower()
    if "NotAction" in value:
        return not any(globs.matches(a.lower(), wanted, single=True) for a in value["NotAction"])
    return any(globs.matches(a.lower(), wanted, single=True) for a in value.get("Action", ()))


def beyond_v1(value: Value) -> bool:
    """Return whether AWS accepts the statement only with REGISTRY_POLICY_SCOPE V2."""
    return "NotAction" in value or any(str(a).lower() not in _V1_ACTIONS for a in value.get("Action", ()))


def open_to_all(value: Value) -> bool:
    """Return whether a statement allows every account something unconditionally."""
    anyone = "NotPrincipal" in value or "*" in (value.get("Principal") or {}).get("AWS", ())
    return value.get("Effect") == "Allow" and anyone and "Condition" not in value


def lets_anyone(value: Value, action: str) -> bool:
    """Return whether a statement allows an action to every principal unconditionally."""
    return open_to_all(value) and allows_action(value, action)
