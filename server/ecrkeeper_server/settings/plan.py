"""The plan of one setting: its target, the changes, and the drift."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from ecrkeeper_server.settings.elements import Change, Elements, Keys, Value
from ecrkeeper_server.settings.pair_keys import PairKeys


class DriftKind(StrEnum):
    """Kind of difference between an observed and a desired element."""

    MISSING = "MISSING"
    CHANGED = "CHANGED"
    UNEXPECTED = "UNEXPECTED"


class Drift(Struct, frozen=True):
    """Elements whose observed value is not the desired one; None stands for absent.

    If a difference is of a group of pairs, `pairs` are their keys, and `key` is the first of them.
    """

    setting: str
    key: str
    kind: DriftKind
    desired: Value | None
    observed: Value | None
    pairs: PairKeys | None = None

    @property
    def keys(self) -> Keys:
        """The keys of the elements."""
        return frozenset((self.key,)) if self.pairs is None else self.pairs


class Plan(Struct, frozen=True):
    """The target elements of one setting, and the changes that lead to them."""

    setting: str
    target: Elements
    changes: tuple[Change, ...]
    unmanaged: Elements
    drift: tuple[Drift, ...]
