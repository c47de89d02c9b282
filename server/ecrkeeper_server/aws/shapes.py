"""Checks of an answer against botocore's shape of it: types, and the members that must be there; pure.

A check is compiled once for each operation and costs a few microseconds an
answer. Members that the shape does not know pass: settings report them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

Check = Callable[[Any], str]
"""Return what is wrong with a value, its path first; "" if nothing is."""

_ITEM, _SOME = "[]", "[+]"
_Needed = Mapping[str, Any]

_NUMBER = (int, float)
_SCALARS: Mapping[str, tuple[tuple[type, ...], str]] = {
    "string": ((str,), "text"),
    "blob": ((str, bytes), "text"),
    "boolean": ((bool,), "true or false"),
    "integer": ((int,), "a whole number"),
    "long": ((int,), "a whole number"),
    "float": (_NUMBER, "a number"),
    "double": (_NUMBER, "a number"),
    # JSON has seconds; botocore's parser of XML makes a datetime.
    "timestamp": ((*_NUMBER, datetime), "a time"),
}


def compile_check(shape: Any, members: Iterable[str] = ()) -> Check:
    """Return the check for a shape of botocore and the paths of the members that must be there.

    Without any paths, one known member must be there: an empty answer says nothing.
    """
    needed: dict[str, Any] = {}
    for path in members:
        node = needed
        for part in path.replace("[", ".[").split("."):
            node = node.setdefault(part, {})
    check = _compile(shape, needed, ())
    if not needed and shape.members:
        return _not_empty(check, frozenset(shape.members))
    return check


def describe(violation: str) -> str:
    """Return a violation as a sentence."""
    return "the answer" + violation if violation.startswith(" ") else violation.removeprefix(".")


def _not_empty(check: Check, known: frozenset[str]) -> Check:
    def of_members(value: Any) -> str:
        return check(value) or ("" if known & value.keys() else " has no member of such answers")

    return of_members


def _compile(shape: Any, needed: _Needed, within: tuple[str, ...]) -> Check:
    kind = shape.type_name
    if kind in _SCALARS:
        return _scalar(*_SCALARS[kind])
    if shape.name in within:
        # A shape that holds itself: none that is read here does.
        return lambda _: ""
    within = (*within, shape.name)
    if kind == "structure":
        checks = {name: _compile(member, needed.get(name, {}), within) for name, member in shape.members.items()}
        return _structure(checks, tuple(needed))
    if kind == "list":
        items = needed.get(_SOME, needed.get(_ITEM, {}))
        return _list(_compile(shape.member, items, within), some=_SOME in needed)
    return _map(_compile(shape.value, {}, within))


def _scalar(types: tuple[type, ...], wanted: str) -> Check:
    def of_scalar(value: Any) -> str:
        return "" if type(value) in types else f" must be {wanted}, got {_kind(value)}"

    return of_scalar


def _structure(checks: Mapping[str, Check], needed: tuple[str, ...]) -> Check:
    def of_structure(value: Any) -> str:
        if type(value) is not dict:
            return f" must be an object, got {_kind(value)}"
        for name in needed:
            found = value.get(name)
            if found is None or found == "":
                return f".{name} is missing"
        for name, member in value.items():
            check = checks.get(name)
            if check is not None and member is not None and (violation := check(member)):
                return f".{name}{violation}"
        return ""

    return of_structure


def _list(check: Check, *, some: bool) -> Check:
    def of_list(value: Any) -> str:
        if type(value) is not list:
            return f" must be a list, got {_kind(value)}"
        if some and not value:
            return " is empty"
        for i, item in enumerate(value):
            if violation := check(item):
                return f"[{i}]{violation}"
        return ""

    return of_list


def _map(check: Check) -> Check:
    def of_map(value: Any) -> str:
        if type(value) is not dict:
            return f" must be an object, got {_kind(value)}"
        for member in value.values():
            if violation := check(member):
                return f".*{violation}"
        return ""

    return of_map


def _kind(value: Any) -> str:
    """Name the type of a value of JSON, never the value."""
    names = {str: "text", bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return names.get(type(value), "nothing" if value is None else type(value).__name__)
