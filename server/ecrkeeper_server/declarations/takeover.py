"""Take over elements that other owners declare with other values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ecrkeeper_server.settings.algebra import Conflict
from ecrkeeper_server.settings.element_sets import union, without
from ecrkeeper_server.settings.elements import Keys, Value
from ecrkeeper_server.settings.table import SETTINGS
from ecrkeeper_server.store.specs import DeclarationSpec
from ecrkeeper_server.turns import STEP, Steps


class Takeover(Struct, frozen=True):
    """Elements that another owner loses, and its value for all of them."""

    owner: str
    setting: str
    keys: Keys
    value: Value


def taking_over(owner: str, conflicts: Iterable[Conflict]) -> Steps[tuple[Takeover, ...]]:
    """Return all elements that `owner` takes over, by setting and in steps."""
    taken: list[Takeover] = []
    processed = 0
    for conflict in sorted(conflicts, key=lambda each: each.setting):
        taken += [
            Takeover(other, conflict.setting, conflict.keys, value)
            for other, value in conflict.owners.items()
            if other != owner
        ]
        processed += len(conflict.owners)
        if processed >= STEP:
            yield
            processed = 0
    return tuple(taken)


def reducing_specs(
    specs: Mapping[str, DeclarationSpec], taken: Sequence[Takeover]
) -> Steps[dict[str, DeclarationSpec]]:
    """Return the specs of owners who lose elements, without these, in steps."""
    taken_over: dict[str, dict[str, list[Keys]]] = {}
    for at, each in enumerate(taken):
        if at % STEP == STEP - 1:
            yield
        taken_over.setdefault(each.owner, {}).setdefault(each.setting, []).append(each.keys)
    reduced = {}
    for other, keys in taken_over.items():
        yield
        reduced[other] = replace(specs[other], settings=(yield from _without(specs[other].settings, keys)))
    return reduced


def _without(settings: Mapping[str, Any], taken_over: Mapping[str, Iterable[Keys]]) -> Steps[dict[str, Any]]:
    changed = dict(settings)
    for name, keys in taken_over.items():
        elements = SETTINGS[name].split(changed[name])
        yield
        changed[name] = yield from SETTINGS[name].joining(without(elements, union(keys)))
    return changed
