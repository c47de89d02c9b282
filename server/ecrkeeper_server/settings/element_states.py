"""Derive the state of each element from the composition and the registry; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ecrkeeper_server.settings.algebra import Composition
from ecrkeeper_server.settings.elements import Value
from ecrkeeper_server.settings.table import SETTINGS, split_all


@dataclass(frozen=True, slots=True)
class ElementState:
    """One element that is desired or observed; None stands for absent."""

    setting: str
    key: str
    state: str
    owners: tuple[str, ...]
    desired: Value | None
    observed: Value | None
    problem: str = ""

    @property
    def value(self) -> Value | None:
        """The desired value if there is one, else the observed value."""
        return self.observed if self.desired is None else self.desired


class KnownElements(Protocol):
    """The observations and writes of a registry's attempts, by setting."""

    @property
    def observed(self) -> Mapping[str, Mapping[str, Any]]:
        """The shapes that AWS returned."""

    @property
    def applied(self) -> Mapping[str, Mapping[str, Any]]:
        """The elements that were written."""

    @property
    def problems(self) -> Mapping[str, Mapping[str, str]]:
        """The reasons why AWS cannot use accepted elements."""


def element_states(state: KnownElements, composition: Composition) -> Iterator[ElementState]:
    """Yield every desired or observed element, by setting and key.

    An undesired element with its default value is omitted.
    """
    reported, applied, problems = split_all(state.observed), state.applied, state.problems
    for name, setting in SETTINGS.items():
        desired, observed = composition.desired.get(name, {}), reported.get(name, {})
        for key in sorted({*desired, *observed}):
            current = observed.get(key, setting.defaults.get(key))
            if key in desired:
                status = "IN_SYNC" if current == desired[key] else "OUT_OF_SYNC"
            elif setting.defaults.get(key) == current:
                continue
            else:
                status = "REMOVING" if key in applied.get(name, {}) else "UNMANAGED"
            yield ElementState(
                name, key, status, composition.owners.get((name, key), ()), desired.get(key), current,
                problems.get(name, {}).get(key, ""),
            )  # fmt: skip
