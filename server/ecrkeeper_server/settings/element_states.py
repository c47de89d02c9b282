"""Derive the state of each element from the composition and the registry; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from ecrkeeper_server.settings.algebra import Composition
from ecrkeeper_server.settings.elements import Elements, Keys, Value, alike, first_of, gather, keys_of
from ecrkeeper_server.settings.setting import Shape
from ecrkeeper_server.settings.table import SETTINGS, split_all


@dataclass(frozen=True, slots=True)
class ElementState:
    """Desired or observed elements with equal values; None stands for absent."""

    setting: str
    keys: Keys
    state: str
    owners: tuple[str, ...]
    desired: Value | None
    observed: Value | None
    problem: str = ""

    @property
    def key(self) -> str:
        """The first of the keys."""
        return first_of(self.keys)

    @property
    def value(self) -> Value | None:
        """The desired value if there is one, else the observed value."""
        return self.observed if self.desired is None else self.desired


class Known(Protocol):
    """The observations and writes of a registry's attempts, by setting."""

    @property
    def observed(self) -> Mapping[str, Shape]:
        """The shapes that AWS returned."""

    @property
    def applied(self) -> Mapping[str, Elements]:
        """The elements that were written, or found as they are declared."""

    @property
    def problems(self) -> Mapping[str, Mapping[str, str]]:
        """The reasons why AWS cannot use accepted elements."""


def element_states(state: Known, composition: Composition) -> Iterator[ElementState]:
    """Yield every desired or observed element, by setting and key.

    An undesired element with its default value is omitted.
    """
    seen, applied, problems = split_all(state.observed), state.applied, state.problems
    for name, setting in SETTINGS.items():
        desired = composition.desired.get(name, {})
        if not desired and not seen.get(name):
            continue
        members = (desired, seen.get(name, {}), composition.owners.get(name, {}), problems.get(name, {}))
        for keys, values in alike(*members, keys_of(applied.get(name, {}))):
            wanted, found, owners, problem, ours = values
            default = setting.defaults.get(first_of(keys)) if setting.defaults else None
            found = default if found is None else found
            if wanted is not None:
                status = "IN_SYNC" if found == wanted else "OUT_OF_SYNC"
            elif found == default:
                continue
            else:
                status = "REMOVING" if ours else "UNMANAGED"
            yield ElementState(name, keys, status, owners or (), wanted, found, problem or "")


def states_by_key(states: Iterable[ElementState]) -> dict[str, Elements]:
    """Return the state of each element, by setting and key."""
    found: dict[str, list[ElementState]] = {}
    for state in states:
        found.setdefault(state.setting, []).append(state)
    return {setting: gather((state.keys, state) for state in each) for setting, each in found.items()}
