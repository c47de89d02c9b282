"""Check types and required members of answers against botocore's shapes; pure.

A check is compiled once for each operation and takes a few microseconds per answer.
Members that the shape does not know pass: settings report them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

Check = Callable[[Any], str]
"""Return the error in a value with its path first; "" if there is none."""

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
    # JSON has seconds; botocore's XML parser returns a datetime.
    "timestamp": ((*_NUMBER, datetime), "a time"),
}


def compile_check(
    shape: Any, members: Iterable[str] = (), sent: Collection[str] = (), *, may_be_empty: bool = False
) -> Check:
    """Return the check for a shape and the paths of required members.

    Without paths, one known member is required, unless the answer `may_be_empty`. `sent`
    are structures that requests also have: AWS stores them only with the members that
    the model requires.
    """
    needed: dict[str, Any] = {}
    for path in members:
        node = needed
        for part in path.replace("[", ".[").split("."):
            node = node.setdefault(part, {})
    check = _Compiler(frozenset(sent)).compile(shape, needed, ())
    if not needed and shape.members and not may_be_empty:
        return _not_empty(check, frozenset(shape.members))
    return check


def describe(violation: str) -> str:
    """Return a violation as a sentence."""
    return "the answer" + violation if violation.startswith(" ") else violation.removeprefix(".")


def _not_empty(check: Check, known: frozenset[str]) -> Check:
    def of_members(value: Any) -> str:
        return check(value) or ("" if known & value.keys() else " has no member of such answers")

    return of_members


def structures_sent(model: Any) -> frozenset[str]:
    """Return the names of all structures in the requests of a service."""
    result: set[str] = set()

    def walk(shape: Any) -> None:
        if shape.type_name == "structure" and shape.name not in result:
            result.add(shape.name)
            for member in shape.members.values():
                walk(member)
        elif shape.type_name in ("list", "map"):
            walk(shape.member if shape.type_name == "list" else shape.value)

    for operation in model.operation_names:
        shape = model.operation_model(operation).input_shape
        if shape is not None:
            walk(shape)
    return frozenset(result)


class _Compiler(Struct, frozen=True):
    sent: frozenset[str]

    def compile(self, shape: Any, needed: _Needed, within: tuple[str, ...]) -> Check:
        kind = shape.type_name
        if kind in _SCALARS:
            return _scalar(*_SCALARS[kind])
        if shape.name in within:
            # A recursive shape: none that is read here is one.
            return lambda _: ""
        within = (*within, shape.name)
        if kind == "structure":
            checks = {
                name: self.compile(member, needed.get(name, {}), within) for name, member in shape.members.items()
            }
            return _structure(checks, tuple(needed), tuple(shape.required_members) if shape.name in self.sent else ())
        if kind == "list":
            items = needed.get(_SOME, needed.get(_ITEM, {}))
            return _list(self.compile(shape.member, items, within), some=_SOME in needed)
        return _map(self.compile(shape.value, {}, within))


def _scalar(types: tuple[type, ...], wanted: str) -> Check:
    def of_scalar(value: Any) -> str:
        return "" if type(value) in types else f" must be {wanted}, got {_kind(value)}"

    return of_scalar


def _structure(checks: Mapping[str, Check], needed: tuple[str, ...], present: tuple[str, ...]) -> Check:
    # For `needed`, an empty text also says nothing; for `present`, it may be a tag's value.
    def of_structure(value: Any) -> str:
        if type(value) is not dict:
            return f" must be an object, got {_kind(value)}"
        for name in needed:
            result = value.get(name)
            if result is None or result == "":
                return f".{name} is missing"
        for name in present:
            if value.get(name) is None:
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
    """Return the JSON type of a value, never the value."""
    names = {str: "text", bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return names.get(type(value), "nothing" if value is None else type(value).__name__)
