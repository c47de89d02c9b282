"""Compose the declarations of all owners, and plan changes of AWS.

All functions are pure and total, and contain no rule of any one setting.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain

from msgspec import Struct

from ecrkeeper_server.settings.claims import claiming, gathering
from ecrkeeper_server.settings.element_sets import merged, of_same_rights, values_among, without
from ecrkeeper_server.settings.elements import (
    Change,
    ChangeKind,
    Elements,
    Keys,
    Value,
    any_paired,
    diffing,
    gather,
    grouping,
    keys_of,
)
from ecrkeeper_server.settings.plan import Drift, DriftKind, Plan
from ecrkeeper_server.settings.setting import Setting, Shape
from ecrkeeper_server.turns import STEP, Steps, finish


class Conflict(Struct, frozen=True):
    """Elements that several owners declare with different values.

    Each owner declares one value for all of the elements.
    """

    setting: str
    keys: Keys
    owners: Mapping[str, Value]


class Composition(Struct, frozen=True):
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

    def grouping_by_owners(self, setting: str, keys: Keys) -> Steps[list[tuple[Keys, tuple[str, ...]]]]:
        """Return groups of elements with the owners who declare them, in steps.

        All elements of a group have the same owners, or none.
        """
        owners = self.owners.get(setting, {})
        if not any_paired(owners, keys):
            return [(frozenset((key,)), owners.get(key) or ()) for key in sorted(keys)]
        groups = yield from grouping(keys, of_same_rights(owners, keys))
        return [(group, declarers or ()) for group, (declared, declarers) in groups if declared]

    def owners_of_any(self, setting: str, keys: Keys) -> frozenset[str]:
        """Return everybody who declares any of the elements."""
        return frozenset(chain.from_iterable(values_among(self.owners.get(setting, {}), keys)))


def splitting(setting: Setting, shape: Shape) -> Steps[Elements]:
    """Return the elements of a shape, in steps."""
    if setting.prepare is not None:
        yield from setting.prepare(shape, None)
    elements = setting.split(shape)
    yield
    return elements


class _Union:
    """The union of one setting's elements in the declarations of its owners."""

    def __init__(self, setting: str, claims: Mapping[str, Elements]) -> None:
        self.setting = setting
        self.claims = claims
        self.conflicts: list[Conflict] = []
        self.desired: Elements = {}
        # The owners of each element.
        self.owners: Elements = {}
        if len(claims) == 1:
            [(owner, self.desired)] = claims.items()
            self.owners = gather([(keys_of(self.desired), (owner,))])

    def uniting(self) -> Steps[None]:
        """Unite the elements of several owners in steps.

        In a conflict, the value of the first owner counts.
        """
        chosen: list[tuple[Keys, Value]] = []
        owners: list[tuple[Keys, Value]] = []
        for at, (keys, values) in enumerate((yield from claiming(self.claims))):
            if at % STEP == STEP - 1:
                yield
            first = next(iter(values.values()))
            chosen.append((keys, first))
            owners.append((keys, tuple(values)))
            if len(values) > 1 and any(value != first for value in values.values()):
                self.conflicts.append(Conflict(self.setting, keys, values))
        yield
        self.desired = yield from gathering(chosen)
        self.owners = yield from gathering(owners)


def compose(declarations: Mapping[str, Mapping[str, Elements]]) -> Composition:
    """Return the union of `owner -> setting -> elements`, in any order of owners."""
    unions = _unions(declarations)
    for union in unions:
        if len(union.claims) > 1:
            finish(union.uniting())
    return _composition(unions)


def composing(declarations: Mapping[str, Mapping[str, Elements]]) -> Steps[Composition]:
    """Return the same in steps."""
    unions = _unions(declarations)
    for union in unions:
        yield
        if len(union.claims) > 1:
            yield from union.uniting()
    return _composition(unions)


def _unions(declarations: Mapping[str, Mapping[str, Elements]]) -> list[_Union]:
    """Return a union for each setting, in order; the owners are in order, too."""
    claims: dict[str, dict[str, Elements]] = {}
    for owner in sorted(declarations):
        for setting, elements in declarations[owner].items():
            claims.setdefault(setting, {})[owner] = elements
    return [_Union(setting, claims[setting]) for setting in sorted(claims)]


def _composition(unions: Sequence[_Union]) -> Composition:
    return Composition(
        {union.setting: union.desired for union in unions},
        {union.setting: union.owners for union in unions},
        tuple(conflict for union in unions for conflict in union.conflicts),
    )


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
    undeclared = without(observed, keys_of(desired) | keys_of(applied))
    unmanaged = without(undeclared, [key for key in defaults if key in undeclared and undeclared[key] == defaults[key]])
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
