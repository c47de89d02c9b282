"""Compose the declarations of all owners, and plan changes of AWS.

All functions are pure and total, and contain no rule of any one setting.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ecrkeeper_server.settings.elements import Change, ChangeKind, Drift, DriftKind, Elements, Plan, Value, diff
from ecrkeeper_server.settings.setting import Setting


@dataclass(frozen=True, slots=True)
class Conflict:
    """An element that several owners declare with different values."""

    setting: str
    key: str
    owners: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Composition:
    """The union of all owners' declarations.

    A managed, empty setting is present in `desired` with no elements. If owners
    conflict over an element, `desired` has the value of the owner first by name.
    """

    desired: Mapping[str, Elements]
    owners: Mapping[tuple[str, str], tuple[str, ...]]
    conflicts: tuple[Conflict, ...]


def compose(declarations: Mapping[str, Mapping[str, Elements]]) -> Composition:
    """Return the union of `owner -> setting -> elements`, in any order of owners."""
    claims: dict[str, dict[str, dict[str, Value]]] = {}
    for owner in sorted(declarations):
        for setting, elements in declarations[owner].items():
            keys = claims.setdefault(setting, {})
            for key, value in elements.items():
                keys.setdefault(key, {})[owner] = value
    desired: dict[str, Elements] = {}
    owners: dict[tuple[str, str], tuple[str, ...]] = {}
    conflicts = []
    for setting in sorted(claims):
        chosen = {}
        for key, values in sorted(claims[setting].items()):
            first = next(iter(values.values()))
            chosen[key] = first
            owners[setting, key] = tuple(values)
            if any(value != first for value in values.values()):
                conflicts.append(Conflict(setting, key, values))
        desired[setting] = chosen
    return Composition(desired, owners, tuple(conflicts))


def plan(
    setting: Setting,
    desired: Elements,
    applied: Elements,
    observed: Elements,
    *,
    prune: bool = False,
) -> Plan:
    """Plan the changes that make AWS match the desired elements.

    The plan adds desired elements and removes applied ones that nobody desires
    any more. An element that AWS cannot unset stays, and an absent element
    equals its default. A second plan after the first was applied is empty.
    """
    defaults = setting.defaults
    unmanaged = {
        key: value
        for key, value in sorted(observed.items())
        if key not in desired and key not in applied and not (key in defaults and defaults[key] == value)
    }
    retained: Elements = unmanaged if not prune else {}
    if not setting.removable:
        retained = observed
    target = dict(sorted({**retained, **desired}.items()))
    changes = diff(setting.name, {**defaults, **observed}, {**defaults, **target}, setting.replaces)
    return Plan(setting.name, target, changes, unmanaged, tuple(_drift(change, target) for change in changes))


def _drift(change: Change, target: Elements) -> Drift:
    if change.key not in target:
        kind = DriftKind.UNEXPECTED
    else:
        kind = DriftKind.MISSING if change.kind is ChangeKind.ADD else DriftKind.CHANGED
    return Drift(change.setting, change.key, kind, change.after, change.before)
