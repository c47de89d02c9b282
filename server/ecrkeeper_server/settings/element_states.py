"""Derive the state of each element from the composition and the registry; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from operator import attrgetter
from typing import Protocol

from msgspec import Struct

from ecrkeeper_server.settings.algebra import Composition
from ecrkeeper_server.settings.elements import Elements, Keys, Value, first_of, gather, grouping, keys_of
from ecrkeeper_server.settings.setting import Setting, Shape
from ecrkeeper_server.settings.table import SETTINGS, splitting_all
from ecrkeeper_server.turns import Steps, finish

# Elements of a step.
_AT_ONCE = 200


class ElementState(Struct, frozen=True):
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
    yield from finish(collecting_states(state, composition))


def collecting_states(state: Known, composition: Composition) -> Steps[list[ElementState]]:
    """Return the same in steps."""
    observed = yield from splitting_all(state.observed)
    applied, problems = state.applied, state.problems
    states: list[ElementState] = []
    for name, setting in SETTINGS.items():
        desired = composition.desired.get(name, {})
        if not desired and not observed.get(name):
            continue
        yield
        members = (desired, observed.get(name, {}), composition.owners.get(name, {}), problems.get(name, {}))
        groups = yield from grouping(*members, keys_of(applied.get(name, {})))
        for at, (keys, values) in enumerate(groups):
            if at % _AT_ONCE == _AT_ONCE - 1:
                yield
            if (element := _state(setting, keys, values)) is not None:
                states.append(element)
    return states


def _state(setting: Setting, keys: Keys, values: tuple[Value | None, ...]) -> ElementState | None:
    """Return the state of elements.

    None if they have their default value, and nobody desires them.
    """
    desired, observed, owners, problem, owned = values
    default = setting.defaults.get(first_of(keys)) if setting.defaults else None
    observed = default if observed is None else observed
    if desired is not None:
        status = "IN_SYNC" if observed == desired else "OUT_OF_SYNC"
    elif observed == default:
        return None
    else:
        status = "REMOVING" if owned else "UNMANAGED"
    return ElementState(setting.name, keys, status, owners or (), desired, observed, problem or "")


def keying(states: Iterable[ElementState]) -> Steps[dict[str, Elements]]:
    """Return the state of each element by setting and key, one setting in a step."""
    by_setting: dict[str, Elements] = {}
    for setting, each in groupby(states, key=attrgetter("setting")):
        yield
        by_setting[setting] = gather((state.keys, state) for state in each)
    return by_setting
