"""Determine the managed settings of a registry and the owned elements; pure."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import Protocol

from ecrkeeper_server.settings import algebra
from ecrkeeper_server.settings.algebra import Composition
from ecrkeeper_server.settings.element_sets import differing, restricted, without
from ecrkeeper_server.settings.elements import Elements, Keys, keys_of
from ecrkeeper_server.settings.plan import Drift, Plan
from ecrkeeper_server.settings.setting import Shape
from ecrkeeper_server.settings.table import SETTINGS, splitting_all
from ecrkeeper_server.turns import Steps, finish

Applied = dict[str, Elements]
"""The elements that were written, or found as declared, by setting and key."""

Unconfirmed = dict[str, Keys]
"""The keys of elements whose first write was recorded and may never have happened."""


class Declared(Protocol):
    """The settings that one owner declares."""

    @property
    def owner(self) -> str:
        """The owner."""

    @property
    def settings(self) -> Mapping[str, Shape]:
        """The settings, by name."""


def composition_of(declared: Iterable[Declared]) -> Composition:
    """Compose the declarations of all owners."""
    return finish(composing(declared))


def composing(declared: Iterable[Declared]) -> Steps[Composition]:
    """Return the composition in steps."""
    by_owner: dict[str, dict[str, Elements]] = {}
    for each in declared:
        by_owner[each.owner] = yield from splitting_all(each.settings)
    return (yield from algebra.composing(by_owner))


def owned_elements(
    applied: Mapping[str, Elements], abandoned: Mapping[str, Keys], desired: Mapping[str, Elements]
) -> Applied:
    """Return the applied elements, without those that an owner relinquished.

    An element that another owner still desires stays owned.
    """
    return {
        name: without(elements, abandoned[name] - keys_of(desired.get(name, {}))) if name in abandoned else elements
        for name, elements in applied.items()
    }


def managed(desired: Container[str], applied: Mapping[str, Elements]) -> list[str]:
    """Return the settings that are declared or hold owned elements, in table order.

    `desired` has the names of the declared settings.
    """
    return [name for name in SETTINGS if name in desired or applied.get(name)]


def verified(
    applied: Mapping[str, Elements], unconfirmed: Mapping[str, Keys], observed: Mapping[str, Elements]
) -> tuple[Applied, Unconfirmed]:
    """Split recorded ownership into verified and still unverified elements.

    If AWS has another value under the key of a first write, that write had no
    effect and somebody else owns the element. If AWS has no element under it,
    the write may still become visible.
    """
    owned, open_ = dict(applied), {}
    for name, keys in unconfirmed.items():
        written, present = applied.get(name, {}), observed.get(name, {})
        others = keys & keys_of(present) & differing(present, written)
        owned[name] = without(written, others)
        open_[name] = (keys & keys_of(owned[name])) - keys_of(present)
    return owned, {name: keys for name, keys in open_.items() if keys}


def plans(
    desired: Mapping[str, Elements],
    applied: Mapping[str, Elements],
    observed: Mapping[str, Elements],
    *,
    prune: bool,
) -> dict[str, Plan]:
    """Return the plans of the observed settings.

    Unmanaged elements stay unless `prune` is set.
    """
    return finish(planning(desired, applied, observed, prune=prune))


def planning(
    desired: Mapping[str, Elements],
    applied: Mapping[str, Elements],
    observed: Mapping[str, Elements],
    *,
    prune: bool,
) -> Steps[dict[str, Plan]]:
    """Return the plans in steps, one for each setting."""
    plans = {}
    for name, elements in observed.items():
        plans[name] = yield from algebra.planning(
            SETTINGS[name],
            desired.get(name, {}),
            applied.get(name, {}),
            elements,
            # Only a declared setting is pruned. Otherwise, deleting the last owner would empty it.
            prune=prune and name in desired,
        )
        yield
    return plans


def finding_drift(planned: Mapping[str, Plan], composition: Composition) -> Steps[list[tuple[Drift, list[str]]]]:
    """Return the differences of plans in steps, each with the owners of its elements."""
    differing: list[tuple[Drift, list[str]]] = []
    for drift in (drift for each in planned.values() for drift in each.drift):
        yield
        for keys, owners in (yield from composition.grouping_by_owners(drift.setting, drift.keys)):
            yield
            differing += ((part, sorted(owners)) for part in restricted([drift], keys))
    return differing
