"""Stored differences of a state: their form, number and keys."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from ecrkeeper_server.settings.elements import apart
from ecrkeeper_server.settings.plan import Drift
from ecrkeeper_server.store.stored_drift import StoredDrift
from ecrkeeper_server.turns import Steps

# Differences of a step.
_PER_STEP = 50


def storing_drift(differences: Iterable[tuple[Drift, Sequence[str] | None]]) -> Steps[list[StoredDrift]]:
    """Return differences as they are stored, in steps.

    Each comes with the owners of its elements.
    """
    parts: list[StoredDrift] = []
    for at, (drift, owners) in enumerate(differences):
        if at % _PER_STEP == _PER_STEP - 1:
            yield
        stored = StoredDrift.of(drift, owners)
        parts += [replace(stored, key=key, pairs=pairs) for key, pairs in apart(drift.keys)]
    return parts


def drift_count(drift: Iterable[StoredDrift]) -> int:
    """Return how many elements differ."""
    return sum(len(each.keys) for each in drift)


class DriftKeys(Struct, frozen=True):
    """The keys of all elements that differ."""

    drift: Sequence[StoredDrift]

    def __contains__(self, key: object) -> bool:
        return any(key in each.keys for each in self.drift)
