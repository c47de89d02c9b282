"""The `Condition` of a policy statement.

Facts: "IAM JSON policy elements: Condition operators" in the IAM user guide.
IAM checks the form of numbers, dates, addresses, ARNs and binary values when it
stores a policy. It checks neither booleans nor the names of keys.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Any

from ecrkeeper_server.errors import Violation
from ecrkeeper_server.names import shown
from ecrkeeper_server.settings.json_text import scalar

_ORDERED = ("Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals")
OPERATORS = frozenset(
    {
        "StringEquals",
        "StringNotEquals",
        "StringEqualsIgnoreCase",
        "StringNotEqualsIgnoreCase",
        "StringLike",
        "StringNotLike",
        "Bool",
        "BinaryEquals",
        "IpAddress",
        "NotIpAddress",
        "ArnEquals",
        "ArnNotEquals",
        "ArnLike",
        "ArnNotLike",
        "Null",
        *(f"Numeric{relation}" for relation in _ORDERED),
        *(f"Date{relation}" for relation in _ORDERED),
    }
)
_SETS = ("ForAllValues", "ForAnyValue")
_UNKNOWN = (
    "is no condition operator (case matters); allowed are those of IAM such as StringEquals, StringLike, ArnLike, Bool,"
    " IpAddress and Null, with the prefix `ForAllValues:` or `ForAnyValue:` and, except for Null, the suffix `IfExists`"
)

_ARN_PARTS = 6
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_TIME = r"[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
_DATE = re.compile(
    rf"[0-9]+|[0-9]{{4}}-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12][0-9]|3[01])(?:{_TIME})?)?",
)
_BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}")


def validate(condition: Any, at: str) -> list[Violation]:
    """Return the violations of a `Condition`."""
    if not isinstance(condition, dict):
        return [Violation(at, "must be a JSON object")]
    violations = []
    for operator, test in condition.items():
        base = _base(operator)
        if base is None:
            violations.append(Violation(f"{at}.{operator}", _UNKNOWN))
        elif not isinstance(test, dict) or not test:
            violations.append(Violation(f"{at}.{operator}", "must be an object of condition keys"))
        else:
            for key, values in test.items():
                error = _error(base, values)
                if error:
                    violations.append(Violation(f"{at}.{operator}.{key}", error))
    return violations


def _base(operator: str) -> str | None:
    """Return the operator without prefix and suffix, or None if IAM has none such."""
    prefix, colon, base = operator.rpartition(":")
    if colon and prefix not in _SETS:
        return None
    if base.endswith("IfExists") and base != "NullIfExists":
        base = base.removesuffix("IfExists")
    return base if base in OPERATORS else None


def _error(base: str, values: Any) -> str:
    """Return the error in the values of one condition key; empty if there is none."""
    listed = values if isinstance(values, list) else [values]
    if not listed:
        return "must not be an empty list"
    if any(v is None or isinstance(v, (dict, list)) for v in listed):
        return "must be a string or a list of strings"
    form = next((form for prefix, form in _FORMS.items() if base.startswith(prefix)), None)
    if form is None:
        return ""
    allowed, holds = form
    wrong = next((text for text in map(scalar, listed) if not holds(text)), None)
    return "" if wrong is None else f"must be {allowed}, got {shown(wrong)}"


def _is_address(text: str) -> bool:
    address, slash, bits = text.partition("/")
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if "%" in address:
        return False
    return not slash or (bits.isascii() and bits.isdigit() and len(bits) <= 3 and int(bits) <= parsed.max_prefixlen)


def _is_arn(text: str) -> bool:
    return text == "*" or (text.startswith("arn:") and len(text.split(":", _ARN_PARTS)) >= _ARN_PARTS)


def _is_base64(text: str) -> bool:
    return len(text) % 4 == 0 and _BASE64.fullmatch(text) is not None


# By the first letters of an operator: a description of the allowed form, and its test.
_FORMS: dict[str, tuple[str, Callable[[str], bool]]] = {
    "IpAddress": ("an IP address or a CIDR block such as 203.0.113.0/24", _is_address),
    "NotIpAddress": ("an IP address or a CIDR block such as 203.0.113.0/24", _is_address),
    "Numeric": ("a number", lambda text: _NUMBER.fullmatch(text) is not None),
    "Date": (
        "a date such as 2026-01-31T00:00:00Z or seconds since 1970",
        lambda text: _DATE.fullmatch(text) is not None,
    ),
    "Arn": ("`*` or an ARN of six parts, which may contain wildcards", _is_arn),
    "Binary": ("base64", _is_base64),
}
