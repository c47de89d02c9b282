"""Accounts of the fleet and registry sets as values.

No other module knows the keys of the stored JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Self

from msgspec import Struct

from ecrkeeper_server.json_object import Json


class AccountState(StrEnum):
    """Whether an account of the fleet is written to."""

    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    GONE = "GONE"


class Source(StrEnum):
    """Source of an account of the fleet."""

    DECLARED = "DECLARED"
    ORGANIZATION = "ORGANIZATION"


class Gate(StrEnum):
    """The permission that a wave needs before it begins."""

    NONE = "NONE"
    APPROVAL = "APPROVAL"


class Selector(Struct, frozen=True):
    """Chooses registries by a filter over accounts, Regions, and names to leave out.

    Without Regions, all enabled ones are chosen.
    """

    accounts: str = ""
    regions: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Read a stored selector."""
        return cls(stored.get("accounts", ""), tuple(stored.get("regions", ())), tuple(stored.get("exclude", ())))

    def to_json(self) -> Json:
        """Return the selector as it is stored."""
        return {"accounts": self.accounts, "regions": list(self.regions), "exclude": list(self.exclude)}


class Amount(Struct, frozen=True):
    """A number of targets, or a percentage of them."""

    number: int
    percent: bool = False

    def of(self, total: int, least: int = 0) -> int:
        """Return how many of `total` that is: rounded down, and at least `least`."""
        return max(least, total * self.number // 100 if self.percent else self.number)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any] | None) -> Self | None:
        """Read a stored amount; None if there is none."""
        return None if stored is None else cls(stored["number"], stored["percent"])

    def to_json(self) -> Json:
        """Return the amount as it is stored."""
        return {"number": self.number, "percent": self.percent}


# The default of a wave: a quarter of its targets at a time, and no more than this.
_USUAL_CONCURRENT, _MAX_CONCURRENT = Amount(25, percent=True), 20


class Wave(Struct, frozen=True, kw_only=True):
    """One part of a rollout.

    It takes the targets that its selector matches, a share of the other targets, or the rest.
    """

    selector: Selector | None = None
    share: Amount | None = None
    max_concurrent: Amount | None = None
    failure_tolerance: Amount | None = None
    bake_seconds: int = 0
    gate: Gate = Gate.NONE

    @property
    def rest(self) -> bool:
        """Whether it takes all targets that no other wave takes."""
        return self.selector is None and self.share is None

    def concurrent(self, total: int) -> int:
        """Return how many of the wave's targets may be under way at once."""
        if self.max_concurrent is None:
            return min(_MAX_CONCURRENT, _USUAL_CONCURRENT.of(total, 1))
        return self.max_concurrent.of(total, 1)

    def tolerance(self, total: int) -> int:
        """Return how many of the wave's targets may fail before the rollout halts."""
        return 0 if self.failure_tolerance is None else self.failure_tolerance.of(total)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Read a stored wave."""
        selector = stored.get("selector")
        return cls(
            selector=None if selector is None else Selector.from_json(selector),
            share=Amount.from_json(stored.get("share")),
            max_concurrent=Amount.from_json(stored.get("max_concurrent")),
            failure_tolerance=Amount.from_json(stored.get("failure_tolerance")),
            bake_seconds=stored.get("bake_seconds", 0),
            gate=Gate(stored.get("gate", Gate.NONE)),
        )

    def to_json(self) -> Json:
        """Return the wave as it is stored."""
        amounts = {
            "share": self.share,
            "max_concurrent": self.max_concurrent,
            "failure_tolerance": self.failure_tolerance,
        }
        return {
            **({} if self.selector is None else {"selector": self.selector.to_json()}),
            **{name: amount.to_json() for name, amount in amounts.items() if amount is not None},
            "bake_seconds": self.bake_seconds,
            "gate": str(self.gate),
        }


CAUTIOUS = (Wave(share=Amount(1)), Wave(share=Amount(10, percent=True)), Wave())
"""The waves of a strategy that names none: one target, a tenth, and the rest."""


class Override(Struct, frozen=True):
    """Settings that replace those of the template where a selector matches.

    They replace member by member.
    """

    selector: Selector
    settings: Json


class SetSpec(Struct, frozen=True, kw_only=True):
    """The content of a registry set; `settings` is a template in AWS's shape."""

    selector: Selector
    settings: Json
    overrides: tuple[Override, ...] = ()
    waves: tuple[Wave, ...] = ()
    deletion_policy: str = "REMOVE"
    allow_replacement: bool = False
    max_removals: Amount | None = None

    @property
    def effective_waves(self) -> tuple[Wave, ...]:
        """The waves, or the usual ones."""
        return self.waves or CAUTIOUS

    @property
    def empty(self) -> bool:
        """Whether the template and all overrides declare nothing."""
        return not any(_holds(settings) for settings in (self.settings, *(each.settings for each in self.overrides)))

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Read a stored set."""
        return cls(
            selector=Selector.from_json(stored["selector"]),
            settings=stored["settings"],
            overrides=tuple(
                Override(Selector.from_json(each["selector"]), each["settings"]) for each in stored.get("overrides", ())
            ),
            waves=tuple(map(Wave.from_json, stored.get("waves", ()))),
            deletion_policy=stored["deletion_policy"],
            allow_replacement=stored["allow_replacement"],
            max_removals=Amount.from_json(stored.get("max_removals")),
        )

    def to_json(self) -> Json:
        """Return the set as it is stored."""
        return {
            "selector": self.selector.to_json(),
            "settings": self.settings,
            "overrides": [{"selector": each.selector.to_json(), "settings": each.settings} for each in self.overrides],
            "waves": [wave.to_json() for wave in self.waves],
            "deletion_policy": self.deletion_policy,
            "allow_replacement": self.allow_replacement,
            **({} if self.max_removals is None else {"max_removals": self.max_removals.to_json()}),
        }


def _holds(value: Any) -> bool:
    """Return whether a JSON value holds anything but empty objects and lists."""
    if isinstance(value, Mapping):
        return any(map(_holds, value.values()))
    return any(map(_holds, value)) if isinstance(value, list | tuple) else value is not None
