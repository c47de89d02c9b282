"""Parse JSON documents in string members safely, and write them canonically."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from typing import Any, NoReturn

from ecrkeeper_server.names import shown

MAX_DEPTH = 32
"""Deeper than any policy, and far below the interpreter's recursion limit."""

MAX_CHARACTERS = 65_536
"""Twice the longest document in AWS's models; takes a few milliseconds at worst to parse."""

# Matches a string, terminated or not. Brackets in it do not count, and no position is read twice.
_STRING = re.compile(r'"(?:[^"\\]|\\.)*(?:"|\\?\Z)', re.DOTALL)
_BRACKETS = dict.fromkeys(range(128)) | {ord(a): ord(b) for a, b in ("[[", "{[", "]]", "}]")}

_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


class NotJson(ValueError):
    """The text is not an unambiguous JSON document; the message says why."""


def parse(text: str) -> Any:
    """Return the document.

    Raises NotJson if the text is malformed, ambiguous, too long or nested too deeply:
    JSON does not define repeated members, and AWS does not know NaN.
    """
    if len(text) > MAX_CHARACTERS:
        raise NotJson(f"is longer than {MAX_CHARACTERS:,} characters")
    # Few brackets cannot nest deeply, so only texts with more are counted.
    if text.count("[") + text.count("{") > MAX_DEPTH:
        _check_depth(text)
    try:
        document = json.loads(text, object_pairs_hook=_unambiguous, parse_constant=_reject, parse_float=_finite)
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
        # Python does not parse an integer of thousands of digits.
        raise NotJson("is not JSON: a number is out of range") from None


def _check_depth(text: str) -> None:
    brackets = _STRING.sub("", text).translate(_BRACKETS)
    # Each round removes the innermost brackets. Unclosed ones are not JSON, and count as levels.
    for _ in range(MAX_DEPTH):
        brackets = brackets.replace("[]", "")
    if brackets.count("[") > MAX_DEPTH or "[]" in brackets:
        raise NotJson(f"is nested deeper than {MAX_DEPTH} levels")


def _unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = next(name for name, count in counts.items() if count > 1)
        raise NotJson(f"repeats the member {shown(twice)} in one object")
    return members


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise NotJson("is not JSON: a number is out of range")
    return number


def _reject(constant: str) -> NoReturn:
    raise NotJson(f"is not JSON: {constant} is not a JSON value")


def dump(value: Any) -> str:
    """Return the shortest text of a value, which is the same for equal values."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def write(value: Any) -> str:
    """Return the text of a value, with its members in the given order."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def scalar(value: Any) -> Any:
    """Return a scalar as IAM compares it: numbers and booleans as text."""
    return value if isinstance(value, str) else dump(value)


def many(value: Any) -> list[Any]:
    """Return one or many scalars as a sorted list without duplicates.

    IAM accepts either form.
    """
    return sorted({scalar(v) for v in (value if isinstance(value, list) else [value])})
