"""Take over elements that other owners declare with other values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ecrkeeper_server.settings.algebra import Conflict
from ecrkeeper_server.settings.table import SETTINGS


def without_conflicts(
    owner: str, settings: Mapping[str, Mapping[str, Any]], conflicts: Iterable[Conflict]
) -> dict[str, dict[str, Any]]:
    """Return the settings of owners who lose elements to `owner`, without these."""
    lost: dict[str, dict[str, set[str]]] = {}
    for conflict in conflicts:
        for other in conflict.owners:
            if other != owner:
                lost.setdefault(other, {}).setdefault(conflict.setting, set()).add(conflict.key)
    return {other: _without(settings[other], keys) for other, keys in lost.items()}


def _without(settings: Mapping[str, Any], lost: Mapping[str, set[str]]) -> dict[str, Any]:
    changed = dict(settings)
    for name, keys in lost.items():
        elements = SETTINGS[name].split(changed[name])
        changed[name] = SETTINGS[name].join({k: v for k, v in elements.items() if k not in keys})
    return changed
