"""Validation of the conditions of a policy statement, as IAM does on a write."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from typing import Any

from ecrkeeper_sim.permissions import as_list
from ecrkeeper_sim.policy_errors import require

_PREFIXES = ("ForAllValues:", "ForAnyValue:")
_ORDER = ("Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals")
_FAMILIES: dict[str, tuple[str, ...]] = {
    "String": ("Equals", "NotEquals", "EqualsIgnoreCase", "NotEqualsIgnoreCase", "Like", "NotLike"),
    "Numeric": _ORDER,
    "Date": _ORDER,
    "Arn": ("Equals", "NotEquals", "Like", "NotLike"),
    "Binary": ("Equals",),
    "Bool": ("",),
    "IpAddress": ("",),
    "NotIpAddress": ("",),
}
_FAMILY_OF = {family + test: family for family, tests in _FAMILIES.items() for test in tests}

_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", re.ASCII)
_DAY = re.compile(r"\d{4}-(\d\d)(?:-(\d\d)(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[-+]\d\d:?\d\d)?)?)?", re.ASCII)


def check_condition(condition: Any) -> None:
    """Raise Malformed unless the condition has known operators with valid values."""
    require(isinstance(condition, dict), "a condition is an object")
    for operator, keys in condition.items():
        family = _family(operator)
        require(isinstance(keys, dict) and bool(keys), f"{operator} has no keys")
        for key, value_or_list in keys.items():
            values = as_list(value_or_list)
            require(bool(values), f"{key} has no value")
            scalar = all(isinstance(value, (str, int, float)) for value in values)
            require(scalar and all(_has_form(family, _text(value)) for value in values), f"{key} has a bad value")


def _family(operator: str) -> str:
    bare = operator
    for prefix in _PREFIXES:
        if operator.startswith(prefix):
            bare = operator[len(prefix) :]
    if bare == "Null":
        return bare
    family = _FAMILY_OF.get(bare) or _FAMILY_OF.get(bare[: -len("IfExists")] if bare.endswith("IfExists") else "")
    require(family is not None, f"Invalid Condition type : {operator}")
    return str(family)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _has_form(family: str, text: str) -> bool:
    form = _FORMS.get(family)
    return form is None or form(text)


def _is_address(text: str) -> bool:
    address, slash, bits = text.partition("/")
    family, longest = (socket.AF_INET6, 128) if ":" in address else (socket.AF_INET, 32)
    try:
        socket.inet_pton(family, address)
    except (OSError, ValueError):
        return False
    return not slash or (re.fullmatch(r"[0-9]{1,3}", bits) is not None and int(bits) <= longest)


def _is_date(text: str) -> bool:
    if text.isascii() and text.isdigit():
        return True
    day = _DAY.fullmatch(text)
    return day is not None and 1 <= int(day[1]) <= 12 and (day[2] is None or 1 <= int(day[2]) <= 31)


def _is_base64(text: str) -> bool:
    body = text.rstrip("=")
    return len(text) % 4 == 0 and len(text) - len(body) <= 2 and re.fullmatch(r"[A-Za-z0-9+/]*", body) is not None


_FORMS: dict[str, Callable[[str], bool]] = {
    "Numeric": lambda text: _NUMBER.fullmatch(text) is not None,
    "Date": _is_date,
    "Arn": lambda text: text == "*" or (text.startswith("arn:") and text.count(":") >= 5),
    "Binary": _is_base64,
    "IpAddress": _is_address,
    "NotIpAddress": _is_address,
}
