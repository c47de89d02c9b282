"""Which settings of a registry are managed, and what of them is ours; pure, by what the row of the registry says."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Protocol

from ecrkeeper_server.settings.algebra import Composition, compose, plan
from ecrkeeper_server.settings.elements import Elements, Plan, Value
from ecrkeeper_server.settings.setting import Shape
from ecrkeeper_server.settings.table import SETTINGS, split_all

Applied = dict[str, dict[str, Value]]
"""What was written, or found as it was declared, by setting and key."""

Unconfirmed = dict[str, list[str]]
"""The keys of what was about to be written for the first time, and may never have been."""


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
    """What was applied, less what an owner left behind on purpose and nobody else wants."""
    return {
        name: {
            key: value
            for key, value in elements.items()
            if key in desired.get(name, {}) or key not in abandoned.get(name, ())
        }
        for name, elements in applied.items()
    }


def managed(desired: Mapping[str, Elements], applied: Mapping[str, Elements]) -> list[str]:
    """The settings that somebody declares, or of which something of ours is left, in the order of the table."""
    return [name for name in SETTINGS if name in desired or applied.get(name)]


def confirmed(
    applied: Mapping[str, Elements], unconfirmed: Mapping[str, Collection[str]], observed: Mapping[str, Elements]
) -> tuple[Applied, Unconfirmed]:
    """Split recorded ownership into verified and still unverified elements.

    Where AWS has something else under the key of a first write, that write never had its effect: it is somebody
    else's. Where it has nothing, the write may still show.
    """
    others = {
        (name, key)
        for name, keys in unconfirmed.items()
        for key in keys
        if key in observed.get(name, {}) and observed[name][key] != applied.get(name, {}).get(key)
    }
    mine = {
        name: {key: value for key, value in elements.items() if (name, key) not in others}
        for name, elements in applied.items()
    }
    open_ = {
        name: [key for key in keys if key in mine.get(name, {}) and key not in observed.get(name, {})]
        for name, keys in unconfirmed.items()
    }
    return mine, {name: keys for name, keys in open_.items() if keys}


def plans(
    desired: Mapping[str, Elements],
    applied: Mapping[str, Elements],
    observed: Mapping[str, Elements],
    *,
    prune: bool,
) -> dict[str, Plan]:
    """The plans of the settings that were observed; unmanaged elements stay unless the registry prunes them."""
    return {
        name: plan(
            SETTINGS[name],
            desired.get(name, {}),
            applied.get(name, {}),
            elements,
            # Only a setting that somebody manages is pruned: else the last owner's deletion would empty it.
            prune=prune and name in desired,
        )
        for name, elements in observed.items()
    }
