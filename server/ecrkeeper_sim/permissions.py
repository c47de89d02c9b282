"""Evaluation of an identity policy for an action, a resource and conditions."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

Context = Mapping[str, str]


def denial(policy: dict[str, Any], principal: str, action: str, resource: str, context: Context) -> str | None:
    """Return AWS's message for a denied action; None if the policy allows it."""
    allowed = False
    for statement in as_list(policy.get("Statement", [])):
        if applies(statement, action, resource, context):
            if statement.get("Effect") == "Deny":
                return _sentence(principal, action, resource, "with an explicit deny in an identity-based policy")
            allowed = True
    if allowed:
        return None
    return _sentence(principal, action, resource, f"because no identity-based policy allows the {action} action")


def applies(statement: dict[str, Any], action: str, resource: str, context: Context) -> bool:
    """Return whether the statement applies to this action, resource and context."""
    if "Action" in statement and not matches_any(statement["Action"], action.lower(), fold=True):
        return False
    if "NotAction" in statement and matches_any(statement["NotAction"], action.lower(), fold=True):
        return False
    if "Resource" in statement and not matches_any(statement["Resource"], resource):
        return False
    if "NotResource" in statement and matches_any(statement["NotResource"], resource):
        return False
    return all(
        _condition_holds(operator, key, as_list(wanted), context)
        for operator, keys in statement.get("Condition", {}).items()
        for key, wanted in keys.items()
    )


def as_list(value: Any) -> list[Any]:
    """Return the value as a list; AWS accepts a single element without a list."""
    return value if isinstance(value, list) else [value]


def matches_any(patterns: Any, text: str, *, fold: bool = False) -> bool:
    """Return whether the text matches a pattern with the wildcards `*` and `?`."""
    return any(_wildcard(str(p).lower() if fold else str(p)).fullmatch(text) for p in as_list(patterns))


def _sentence(principal: str, action: str, resource: str, reason: str) -> str:
    return f"User: {principal} is not authorized to perform: {action} on resource: {resource} {reason}"


@lru_cache(maxsize=4096)
def _wildcard(pattern: str) -> re.Pattern[str]:
    return re.compile("".join({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in pattern), re.DOTALL)


_OPERATORS: Mapping[str, Callable[[list[Any], str], bool]] = {
    "StringEquals": lambda wanted, value: value in wanted,
    "StringNotEquals": lambda wanted, value: value not in wanted,
    "StringEqualsIgnoreCase": lambda wanted, value: value.lower() in [str(w).lower() for w in wanted],
    "StringLike": lambda wanted, value: matches_any(wanted, value),
    "StringNotLike": lambda wanted, value: not matches_any(wanted, value),
    "ArnEquals": lambda wanted, value: matches_any(wanted, value),
    "ArnLike": lambda wanted, value: matches_any(wanted, value),
}


def _condition_holds(operator: str, key: str, wanted: list[Any], context: Context) -> bool:
    optional = operator.endswith("IfExists")
    base = operator.removesuffix("IfExists").rpartition(":")[2]
    present = {k.lower(): v for k, v in context.items()}
    value = present.get(key.lower())
    if base == "Null":
        return (value is None) == (str(wanted[0]).lower() == "true")
    if value is None:
        return optional or "Not" in base
    test = _OPERATORS.get(base)
    return test is not None and test(wanted, value)
