"""Determine the managed settings of a registry and the owned elements; pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Protocol

from ecrkeeper_server.settings.algebra import Composition, compose, plan
from ecrkeeper_server.settings.elements import Elements, Plan, Value
from ecrkeeper_server.settings.setting import Shape
from ecrkeeper_server.settings.table import SETTINGS, split_all

Applied = dict[str, dict[str, Value]]
"""The elements that were written, or found as declared, by setting and key."""

Unconfirmed = dict[str, list[str]]
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
    return compose({each.owner: split_all(each.settings) for each in declared})


def ours(
    applied: Mapping[str, Elements], abandoned: Mapping[str, Collection[str]], desired: Mapping[str, Elements]
) -> Applied:
    """Return the applied elements, without those that an owner relinquished.

    An element that another owner still desires stays owned.
    """
    return {
        name: {
            key: value
            for key, value in elements.items()
            if key in desired.get(name, {}) or key not in abandoned.get(name, ())
        }
        for name, elements in applied.items()
    }


def managed(desired: Mapping[str, Elements], applied: Mapping[str, Elements]) -> list[str]:
    """Return the settings that are declared or hold owned elements, in table order."""
    return [name for name in SETTINGS if name in desired or applied.get(name)]


def confirmed(
    applied: Mapping[str, Elements], unconfirmed: Mapping[str, Collection[str]], observed: Mapping[str, Elements]
) -> tuple[Applied, Unconfirmed]:
    """Split recorded ownership into verified and still unverified elements.

    If AWS has another value under the key of a first write, that write had no
    effect and somebody else owns the element. If AWS has no element under it,
    the write may still become visible.
    """
    others = {
        (name, key)
        for name, keys in unconfirmed.items()
        for key in keys
        if key in observed.get(name, {}) and observed[name][key] != applied.get(name, {}).get(key)
    }
    owned = {
        name: {key: value for key, value in elements.items() if (name, key) not in others}
        for name, elements in applied.items()
    }
    open_ = {
        name: [key for key in keys if key in owned.get(name, {}) and key not in observed.get(name, {})]
        for name, keys in unconfirmed.items()
    }
    return owned, {name: keys for name, keys in open_.items() if keys}


def plans(
    desired: Mapping[str, Elements],
    applied: Mapping[str, Elements],
    observed: Mapping[str, Elements],
    *,
    prune: bool,
) -> dict[str, Plan]:
    """Plan each observed setting; unmanaged elements stay unless `prune` is set."""
    return {
        name: plan(
            SETTINGS[name],
            desired.get(name, {}),
            applied.get(name, {}),
            elements,
            # Only a declared setting is pruned. Otherwise, deleting the last owner would empty it.
            prune=prune and name in desired,
        )
        for name, elements in observed.items()
    }
