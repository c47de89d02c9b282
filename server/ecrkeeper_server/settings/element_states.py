"""How each element of a registry stands; pure, by the composition and the state of the registry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ecrkeeper_server.settings.algebra import Composition
from ecrkeeper_server.settings.elements import Value
from ecrkeeper_server.settings.table import SETTINGS, split_all


@dataclass(frozen=True, slots=True)
class ElementState:
    """One element that is desired or was observed; `desired` and `observed` are None where it is absent."""

    setting: str
    key: str
    state: str
    owners: tuple[str, ...]
    desired: Value | None
    observed: Value | None
    problem: str = ""

    @property
    def value(self) -> Value | None:
        """The desired value, or else the observed one."""
        return self.observed if self.desired is None else self.desired


class KnownElements(Protocol):
    """What attempts have found of the elements of a registry, by setting."""

    @property
    def observed(self) -> Mapping[str, Mapping[str, Any]]:
        """The shapes that AWS returned."""

    @property
    def applied(self) -> Mapping[str, Mapping[str, Any]]:
        """The elements that were written."""

    @property
    def problems(self) -> Mapping[str, Mapping[str, str]]:
        """Why AWS cannot use elements that it accepted."""


def element_states(state: KnownElements, composition: Composition) -> Iterator[ElementState]:
    """Yield every element that is desired or was observed, by setting and key; defaults that nobody wants are none."""
    seen, applied, problems = split_all(state.observed), state.applied, state.problems
    for name, setting in SETTINGS.items():
        desired, observed = composition.desired.get(name, {}), seen.get(name, {})
        for key in sorted({*desired, *observed}):
            found = observed.get(key, setting.defaults.get(key))
            if key in desired:
                status = "IN_SYNC" if found == desired[key] else "OUT_OF_SYNC"
            elif setting.defaults.get(key) == found:
                continue
            else:
                status = "REMOVING" if key in applied.get(name, {}) else "UNMANAGED"
            yield ElementState(
                name, key, status, composition.owners.get((name, key), ()), desired.get(key), found,
                problems.get(name, {}).get(key, ""),
            )  # fmt: skip
