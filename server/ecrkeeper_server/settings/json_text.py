"""JSON documents inside string members: read safely, written canonically."""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

MAX_DEPTH = 32
"""Deeper than any policy, and far from the interpreter's recursion limit."""

# A string, finished or not: its brackets do not count, and no position is read twice.
_STRING = re.compile(r'"(?:[^"\\]|\\.)*(?:"|\\?\Z)', re.DOTALL)
_BRACKETS = dict.fromkeys(range(128)) | {ord(a): ord(b) for a, b in ("[[", "{[", "]]", "}]")}

_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


class NotJson(ValueError):
    """The text is not a JSON document that can be taken literally; says why."""


def parse(text: str) -> Any:
    """The document, or NotJson if it is malformed, ambiguous or too deeply nested.

    JSON leaves open what a duplicate member means, and AWS knows no NaN.
    """
    # Few brackets cannot be nested deeply; where there are more, they are counted.
    if text.count("[") + text.count("{") > MAX_DEPTH:
        _check_depth(text)
    try:
        document = json.loads(text, object_pairs_hook=_unambiguous, parse_constant=_refuse, parse_float=_finite)
        if "\\u" in text:
            written = dump(document)
            written.encode()
            if _NUL.search(written):
                raise NotJson("has a NUL character")
        return document
    except NotJson:
        raise
    except json.JSONDecodeError as error:
        raise NotJson(f"is not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except UnicodeEncodeError:
        raise NotJson("is not JSON: it escapes half of a surrogate pair") from None
    except ValueError:
        # An integer of thousands of digits.
        raise NotJson("is not JSON: a number is out of range") from None


def _check_depth(text: str) -> None:
    brackets = _STRING.sub("", text).translate(_BRACKETS)
    # Each round takes away the innermost ones; what is not closed is no JSON, and counts as deep where it is.
    for _ in range(MAX_DEPTH):
        brackets = brackets.replace("[]", "")
    if brackets.count("[") > MAX_DEPTH or "[]" in brackets:
        raise NotJson(f"is nested deeper than {MAX_DEPTH} levels")


def _unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise NotJson(f"has the member {twice!r} twice in one object")
    return members


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise NotJson("is not JSON: a number is out of range")
    return number


def _refuse(constant: str) -> NoReturn:
    raise NotJson(f"is not JSON: {constant} is not a JSON value")


def dump(value: Any) -> str:
    """The shortest text of a value, the same for equal values."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def write(value: Any) -> str:
    """The text of a value with its members in the order given."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def scalar(value: Any) -> Any:
    """A scalar as IAM compares it: numbers and booleans are their text."""
    return value if isinstance(value, str) else dump(value)


def many(value: Any) -> list[Any]:
    """One or many scalars, as IAM lets one write either, as a sorted list without duplicates."""
    return sorted({scalar(v) for v in (value if isinstance(value, list) else [value])})
