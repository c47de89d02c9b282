"""Compose the declarations of all owners, and plan changes of AWS.

All functions are pure and total, and know nothing of any one setting.
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

    A setting that is managed and empty is present in `desired` with no
    elements. Of an element in conflict, the owner first by name is desired.
    """

    desired: Mapping[str, Elements]
    owners: Mapping[tuple[str, str], tuple[str, ...]]
    conflicts: tuple[Conflict, ...]


def compose(declarations: Mapping[str, Mapping[str, Elements]]) -> Composition:
    """The union of `owner -> setting -> elements`, whatever the order of the owners."""
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
    """Plan changes that add desired elements and remove applied ones that nobody desires any more.

    An element that AWS cannot unset stays, and an absent element equals its
    default. Planning again after the plan was carried out changes nothing.
    """
    defaults = setting.defaults
    unmanaged = {
        key: value
        for key, value in sorted(observed.items())
        if key not in desired and key not in applied and not (key in defaults and defaults[key] == value)
    }
    kept: Elements = unmanaged if not prune else {}
    if not setting.removable:
        kept = observed
    target = dict(sorted({**kept, **desired}.items()))
    changes = diff(setting.name, {**defaults, **observed}, {**defaults, **target}, setting.replaces)
    return Plan(setting.name, target, changes, unmanaged, tuple(_drift(change, target) for change in changes))


def _drift(change: Change, target: Elements) -> Drift:
    if change.key not in target:
        kind = DriftKind.UNEXPECTED
    else:
        kind = DriftKind.MISSING if change.kind is ChangeKind.ADD else DriftKind.CHANGED
    return Drift(change.setting, change.key, kind, change.after, change.before)
