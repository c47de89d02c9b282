"""Take over elements that other owners declare with other values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ecrkeeper_server.settings.algebra import Conflict
from ecrkeeper_server.settings.element_sets import union, without
from ecrkeeper_server.settings.elements import Keys, Value
from ecrkeeper_server.settings.table import SETTINGS
from ecrkeeper_server.store.specs import DeclarationSpec


class Takeover(Struct, frozen=True):
    """Elements that another owner loses, and its value for all of them."""

    owner: str
    setting: str
    keys: Keys
    value: Value


def takeovers(owner: str, conflicts: Iterable[Conflict]) -> tuple[Takeover, ...]:
    """Return all elements that `owner` takes over, by setting."""
    return tuple(
        Takeover(other, conflict.setting, conflict.keys, value)
        for conflict in sorted(conflicts, key=lambda each: each.setting)
        for other, value in conflict.owners.items()
        if other != owner
    )


def reduced_specs(
    owner: str, specs: Mapping[str, DeclarationSpec], conflicts: Iterable[Conflict]
) -> dict[str, DeclarationSpec]:
    """Return the specs of owners who lose elements to `owner`, without these."""
    taken_over: dict[str, dict[str, list[Keys]]] = {}
    for conflict in conflicts:
        for other in conflict.owners:
            if other != owner:
                taken_over.setdefault(other, {}).setdefault(conflict.setting, []).append(conflict.keys)
    return {
        other: replace(specs[other], settings=_without(specs[other].settings, keys))
        for other, keys in taken_over.items()
    }


def _without(settings: Mapping[str, Any], taken_over: Mapping[str, Iterable[Keys]]) -> dict[str, Any]:
    changed = dict(settings)
    for name, keys in taken_over.items():
        elements = SETTINGS[name].split(changed[name])
        changed[name] = SETTINGS[name].join(without(elements, union(keys)))
    return changed
