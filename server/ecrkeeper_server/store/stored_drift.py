"""Stored drift; only this module knows its JSON keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Self

from msgspec import Struct
from msgspec.structs import replace

from ecrkeeper_server.json_object import Json
from ecrkeeper_server.roles.plan import RoleDrift
from ecrkeeper_server.settings.elements import Keys, apart
from ecrkeeper_server.settings.pair_keys import PairKeys
from ecrkeeper_server.settings.plan import Drift
from ecrkeeper_server.settings.stored_elements import pairs_json, pairs_of
from ecrkeeper_server.store.causes import StoredCause
from ecrkeeper_server.turns import STEP, Steps

MAX_OWNERS = 20
"""The owners that are stored of an element that differs."""

# Differences of a step.
_AT_ONCE = 250


MANY = ""
"""Stands for many pairs that differ alike: a resource with it may have any element."""


def count_in(stored: Iterable[Json]) -> int:
    """Return how many elements differ, without parsing the differences.

    The products of their pairs are disjoint.
    """
    return sum(_size(each["pairs"]) if "pairs" in each else 1 for each in stored)


def _size(products: Iterable[tuple[Sequence[str], Sequence[str]]]) -> int:
    return sum(len(lefts) * len(rights) for lefts, rights in products)


def finding_elements(stored: Iterable[Json]) -> Steps[set[tuple[str, str]]]:
    """Return the setting and key of each difference in steps, without parsing it."""
    elements: set[tuple[str, str]] = set()
    remaining = iter(stored)
    while some := list(islice(remaining, STEP)):
        elements.update((each["setting"], MANY if "pairs" in each else each["key"]) for each in some)
        yield
    return elements


def finding_beyond(stored: Iterable[Json], known: Iterable[Json]) -> Steps[list[StoredDrift]]:
    """Return the differences whose settings and first keys are not known, in steps.

    The rest is not parsed: most drift is known from the attempt before.
    """
    keys: set[tuple[str, str]] = set()
    remaining = iter(known)
    while some := list(islice(remaining, STEP)):
        keys.update((each["setting"], each["key"]) for each in some)
        yield
    beyond: list[StoredDrift] = []
    for at, each in enumerate(stored):
        if at % _AT_ONCE == _AT_ONCE - 1:
            yield
        if (each["setting"], each["key"]) not in keys:
            beyond.append(StoredDrift.from_json(each))
    return beyond


class StoredDrift(Struct, frozen=True):
    """Elements that differ from the desired ones; None stands for absent.

    If the difference is of many pairs, `pairs` are their keys, and `key` is the first of them. `owners` declare the
    elements; None for a role. `since` is the time of the first observation with the difference, in microseconds.
    `cause` is who caused the drift, where that is known; `findings` stores it. `omitted_owners` counts the owners that
    are not stored.
    """

    setting: str
    key: str
    kind: str
    desired: Any
    observed: Any
    owners: Sequence[str] | None = None
    since: int | None = None
    pairs: PairKeys | None = None
    cause: StoredCause | None = None
    omitted_owners: int = 0

    @classmethod
    def of(cls, drift: Drift | RoleDrift, owners: Sequence[str] | None = None) -> Self:
        """Return the stored form of a difference."""
        stored = cls(drift.setting, drift.key, str(drift.kind), drift.desired, drift.observed, owners)
        if owners is None or len(owners) <= MAX_OWNERS:
            return stored
        return replace(stored, owners=owners[:MAX_OWNERS], omitted_owners=len(owners) - MAX_OWNERS)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Parse a stored difference."""
        return cls(
            stored["setting"], stored["key"], stored["kind"], stored.get("desired"), stored.get("observed"),
            stored.get("owners"), stored.get("since"), pairs_of(stored), omitted_owners=stored.get("omitted_owners", 0),
        )  # fmt: skip

    def to_json(self) -> Json:
        """Return the stored form."""
        return {
            "setting": self.setting,
            "key": self.key,
            "kind": self.kind,
            "desired": self.desired,
            "observed": self.observed,
            **({} if self.owners is None else {"owners": list(self.owners)}),
            **({} if self.since is None else {"since": self.since}),
            **({"omitted_owners": self.omitted_owners} if self.omitted_owners else {}),
            **pairs_json(self.pairs),
        }

    @property
    def keys(self) -> Keys:
        """The keys of the elements."""
        return frozenset((self.key,)) if self.pairs is None else self.pairs

    def among(self, keys: Keys) -> Iterator[Self]:
        """Yield the parts of the difference that have these keys.

        A part is of one element, or of many pairs.
        """
        if self.pairs is not None:
            yield from (replace(self, key=key, pairs=pairs) for key, pairs in apart(self.pairs & keys))
        elif self.key in keys:
            yield self

    @property
    def identity(self) -> tuple[str, str, str]:
        """The element and the kind of its difference."""
        return self.setting, self.key, self.kind


def encoding_drift(drift: Iterable[StoredDrift]) -> Steps[list[Json]]:
    """Return the stored form of differences in steps."""
    stored: list[Json] = []
    for each in drift:
        stored.append(each.to_json())
        if len(stored) % _AT_ONCE == 0:
            yield
    return stored


class Remediation(Struct, frozen=True):
    """The differences that were last removed, and the time in microseconds."""

    time: int
    drift: Sequence[StoredDrift]

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Parse a stored remediation."""
        return cls(stored["time"], [StoredDrift.from_json(each) for each in stored["drift"]])

    def to_json(self) -> Json:
        """Return the stored form."""
        return {"time": self.time, "drift": [each.to_json() for each in self.drift]}
