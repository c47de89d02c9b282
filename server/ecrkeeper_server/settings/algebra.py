"""Compose the declarations of all owners, and plan changes of AWS.

All functions are pure and total, and contain no rule of any one setting.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ecrkeeper_server.settings.element_sets import merged, only, without
from ecrkeeper_server.settings.elements import (
    Change,
    ChangeKind,
    Drift,
    DriftKind,
    Elements,
    Keys,
    Plan,
    Value,
    alike,
    diffing,
    gather,
    grouping,
    keys_of,
)
from ecrkeeper_server.settings.setting import Setting, Shape
from ecrkeeper_server.turns import STEP, Steps, finish


@dataclass(frozen=True, slots=True)
class Conflict:
    """Elements that several owners declare with different values.

    Each owner declares one value for all of the elements.
    """

    setting: str
    keys: Keys
    owners: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Composition:
    """The union of all owners' declarations.

    A managed, empty setting is present in `desired` with no elements. If owners
    conflict over an element, `desired` has the value of the owner first by name.
    The values of `owners` are the owners of each element, by setting.
    """

    desired: Mapping[str, Elements]
    owners: Mapping[str, Elements]
    conflicts: tuple[Conflict, ...]

    def owners_of(self, setting: str, key: str) -> tuple[str, ...]:
        """Return the owners who declare an element."""
        owners: tuple[str, ...] = self.owners.get(setting, {}).get(key, ())
        return owners

    def by_owners(self, setting: str, keys: Keys) -> Iterator[tuple[Keys, tuple[str, ...]]]:
        """Yield groups of elements with the owners who declare them.

        All elements of a group have the same owners, or none.
        """
        for group, (declared, owners) in alike(keys, only(self.owners.get(setting, {}), keys)):
            if declared:
                yield group, owners or ()

    def owners_of_any(self, setting: str, keys: Keys) -> frozenset[str]:
        """Return everybody who declares any of the elements."""
        return frozenset(owner for _, owners in self.by_owners(setting, keys) for owner in owners)


def splitting(setting: Setting, shape: Shape) -> Steps[Elements]:
    """Return the elements of a shape, in steps."""
    if setting.prepare is not None:
        yield from setting.prepare(shape, None)
    elements = setting.split(shape)
    yield
    return elements


def compose(declarations: Mapping[str, Mapping[str, Elements]]) -> Composition:
    """Return the union of `owner -> setting -> elements`, in any order of owners."""
    return finish(composing(declarations))


def composing(declarations: Mapping[str, Mapping[str, Elements]]) -> Steps[Composition]:
    """Return the same in steps."""
    claims: dict[str, dict[str, Elements]] = {}
    for owner in sorted(declarations):
        for setting, elements in declarations[owner].items():
            claims.setdefault(setting, {})[owner] = elements
    desired: dict[str, Elements] = {}
    owners: dict[str, Elements] = {}
    conflicts: list[Conflict] = []
    for setting in sorted(claims):
        yield
        desired[setting], owners[setting], clashes = yield from _composed(setting, claims[setting])
        conflicts += clashes
    return Composition(desired, owners, tuple(conflicts))


def _composed(setting: str, claims: Mapping[str, Elements]) -> Steps[tuple[Elements, Elements, list[Conflict]]]:
    if len(claims) == 1:
        [(owner, elements)] = claims.items()
        return elements, gather([(keys_of(elements), (owner,))]), []
    chosen, owners, conflicts, seen = [], [], [], 0
    found = yield from grouping(*claims.values())
    for keys, values in found:
        declared = {owner: value for owner, value in zip(claims, values, strict=True) if value is not None}
        first = next(iter(declared.values()))
        chosen.append((keys, first))
        owners.append((keys, tuple(declared)))
        if any(value != first for value in declared.values()):
            conflicts.append(Conflict(setting, keys, declared))
        seen += len(claims)
        if seen >= STEP:
            yield
            seen = 0
    return gather(chosen), gather(owners), conflicts


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
    return finish(planning(setting, desired, applied, observed, prune=prune))


def planning(
    setting: Setting, desired: Elements, applied: Elements, observed: Elements, *, prune: bool = False
) -> Steps[Plan]:
    """Return the same in steps."""
    defaults = setting.defaults
    left = without(observed, keys_of(desired) | keys_of(applied))
    unmanaged = without(left, [key for key in defaults if key in left and left[key] == defaults[key]])
    retained: Elements = unmanaged if not prune else {}
    if not setting.removable:
        retained = observed
    yield
    target = merged(retained, desired)
    yield
    changes = yield from diffing(setting.name, merged(defaults, observed), merged(defaults, target), setting.replaces)
    return Plan(setting.name, target, changes, unmanaged, tuple(_drift(change, target) for change in changes))


def _drift(change: Change, target: Elements) -> Drift:
    if change.key not in target:
        kind = DriftKind.UNEXPECTED
    else:
        kind = DriftKind.MISSING if change.kind is ChangeKind.ADD else DriftKind.CHANGED
    return Drift(change.setting, change.key, kind, change.after, change.before, change.pairs)
