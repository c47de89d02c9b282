"""Elements, as the items of a list, and what differs between two sets of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Value = Any
"""A canonical JSON value: two elements have the same meaning if and only if they are equal."""

Elements = Mapping[str, Value]
"""The elements of one setting, by key."""


class ChangeKind(StrEnum):
    """Kind of a change of an element."""

    ADD = "ADD"
    UPDATE = "UPDATE"
    REPLACE = "REPLACE"
    REMOVE = "REMOVE"


class DriftKind(StrEnum):
    """Kind of difference between an observed and a desired element."""

    MISSING = "MISSING"
    CHANGED = "CHANGED"
    UNEXPECTED = "UNEXPECTED"


@dataclass(frozen=True, slots=True)
class Change:
    """One element before and after; None stands for absent."""

    setting: str
    key: str
    kind: ChangeKind
    before: Value | None
    after: Value | None


@dataclass(frozen=True, slots=True)
class Drift:
    """One element whose observed and desired values differ; None stands for absent."""

    setting: str
    key: str
    kind: DriftKind
    desired: Value | None
    observed: Value | None

    def to_json(self) -> dict[str, Any]:
        """Return the stored form."""
        return {
            "setting": self.setting,
            "key": self.key,
            "kind": str(self.kind),
            "desired": self.desired,
            "observed": self.observed,
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """The target elements of one setting, and the changes that lead to them."""

    setting: str
    target: Elements
    changes: tuple[Change, ...]
    unmanaged: Elements
    drift: tuple[Drift, ...]


def diff(
    setting_name: str,
    before: Elements,
    after: Elements,
    replaces: Callable[[Value, Value], Collection[str]] | None = None,
) -> tuple[Change, ...]:
    """Return the changes from one set of elements to another, sorted by key."""
    changes = []
    for key in sorted(before.keys() | after.keys()):
        old, new = before.get(key), after.get(key)
        if old == new:
            continue
        if old is None:
            kind = ChangeKind.ADD
        elif new is None:
            kind = ChangeKind.REMOVE
        else:
            kind = ChangeKind.REPLACE if replaces and replaces(old, new) else ChangeKind.UPDATE
        changes.append(Change(setting_name, key, kind, old, new))
    return tuple(changes)


def split_items(
    member: str, key_of: Callable[[Any], str], value_of: Callable[[Any], Value]
) -> Callable[[Mapping[str, Any]], dict[str, Value]]:
    """Return a function that turns each item of a list into an element."""

    def split(shape: Mapping[str, Any]) -> dict[str, Value]:
        return {key_of(item): value_of(item) for item in shape.get(member) or ()}

    return split


def join_items(member: str, item_of: Callable[[str, Value], Any]) -> Callable[[Elements], dict[str, Any]]:
    """Return a function that turns each element into an item, sorted by key."""

    def join(elements: Elements) -> dict[str, Any]:
        return {member: [item_of(key, value) for key, value in sorted(elements.items())]}

    return join
