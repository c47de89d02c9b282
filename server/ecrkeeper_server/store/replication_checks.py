"""Stored checks of replication destinations; only here are their JSON keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

from msgspec import Struct
from msgspec.structs import replace

from ecrkeeper_server.json_object import Json
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.settings.arrivals import Arrival
from ecrkeeper_server.settings.replication_access import Check
from ecrkeeper_server.settings.setting import Warning

BROKEN, UNKNOWN, CONDITIONAL = "BROKEN", "UNKNOWN", "CONDITIONAL"
# A rule may have a hundred filters, and a registry 25 rules.
_FILTERS = 20


class StoredArrival(Struct, frozen=True):
    """One outcome with some of its filters; `omitted` counts the others."""

    outcome: str
    whole: Sequence[str] = ()
    partial: Sequence[str] = ()
    omitted: int = 0
    example: str = ""

    @classmethod
    def of(cls, arrival: Arrival) -> Self:
        """Return the stored form of an outcome, in bounded space."""
        omitted = max(0, len(arrival.whole) - _FILTERS) + max(0, len(arrival.partial) - _FILTERS)
        return cls(
            arrival.outcome.value, arrival.whole[:_FILTERS], arrival.partial[:_FILTERS], omitted, arrival.example
        )

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Parse a stored outcome; missing members are empty."""
        return cls(
            stored["outcome"],
            tuple(stored.get("whole", ())),
            tuple(stored.get("partial", ())),
            stored.get("omitted", 0),
            stored.get("example", ""),
        )

    def to_json(self) -> Json:
        """Return the stored form, without empty members."""
        members = {
            "whole": list(self.whole),
            "partial": list(self.partial),
            "omitted": self.omitted,
            "example": self.example,
        }
        return {"outcome": self.outcome, **{name: value for name, value in members.items() if value}}


class StoredCheck(Struct, frozen=True):
    """The check of one replication destination; `time` is in microseconds."""

    destination: RegistryName
    result: str
    findings: Sequence[Warning]
    arrivals: Sequence[StoredArrival]
    time: int

    @classmethod
    def of(cls, destination: RegistryName, check: Check, now: int) -> Self:
        """Return the stored form of a check, in bounded space."""
        return cls(destination, check.result, check.findings, tuple(map(StoredArrival.of, check.arrivals)), now)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Parse a stored check; one of 0.1.0 has no arrivals."""
        where = stored["destination"]
        return cls(
            RegistryName(where["registryId"], where["region"]),
            CONDITIONAL if stored.get("conditional") else stored["result"],
            tuple(
                Warning(each["reason"], each.get("subject", ""), each.get("message", ""))
                for each in stored.get("findings", ())
            ),
            tuple(map(StoredArrival.from_json, stored.get("arrivals", ()))),
            stored.get("time", 0),
        )

    def to_json(self) -> Json:
        """Return the stored form."""
        conditional = self.result == CONDITIONAL
        return {
            "destination": {"registryId": self.destination.account, "region": self.destination.region},
            # A replica of an older version may read this during an upgrade, and knows only this word.
            "result": UNKNOWN if conditional else self.result,
            **({"conditional": True} if conditional else {}),
            "findings": [{"reason": f.reason, "subject": f.subject, "message": f.message} for f in self.findings],
            "arrivals": [each.to_json() for each in self.arrivals],
            "time": self.time,
        }

    @property
    def message(self) -> str:
        """The message of the first finding; empty without findings."""
        return self.findings[0].message if self.findings else ""

    def unless_same(self, before: Self | None) -> Self:
        """Return the check, or the one before if only its time differs."""
        return self if before is None or replace(before, time=self.time) != self else before


def worst_result(stored: Sequence[Mapping[str, Any]]) -> str | None:
    """Return BROKEN or UNKNOWN if a stored check has that result, the worse one first."""
    results = {each.get("result") for each in stored}
    return next((result for result in (BROKEN, UNKNOWN) if result in results), None)
