"""The Regions that use a role, and the violations that block its deletion."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

from msgspec import Struct

from ecrkeeper_server.errors import PreconditionViolation


class RegionUsage(Struct, frozen=True):
    """The use of a role in one Region: `IN_USE`, `FREE` or `UNKNOWN`."""

    region: str
    state: str
    resources: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    message: str = ""
    omitted_resources: int = 0
    omitted_owners: int = 0

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Parse a stored usage; missing members are empty."""
        return cls(
            stored["region"], stored["state"],
            tuple(stored.get("resources", ())), tuple(stored.get("owners", ())), stored.get("message", ""),
            omitted_resources=stored.get("omitted_resources", 0), omitted_owners=stored.get("omitted_owners", 0),
        )  # fmt: skip

    def to_json(self) -> dict[str, Any]:
        """Return the stored form."""
        return {
            "region": self.region,
            "state": self.state,
            "resources": list(self.resources),
            "owners": list(self.owners),
            "message": self.message,
            "omitted_resources": self.omitted_resources,
            "omitted_owners": self.omitted_owners,
        }


def blockers(role: str, usage: Iterable[RegionUsage]) -> list[PreconditionViolation]:
    """Return a violation for each Region that uses the role or cannot be read.

    The role can be deleted if there are none.
    """
    return [_blocker(role, region) for region in usage if region.state != "FREE"]


def _blocker(role: str, usage: RegionUsage) -> PreconditionViolation:
    if usage.state == "UNKNOWN":
        return PreconditionViolation(
            "REGION_UNREADABLE",
            usage.region,
            f"{usage.region} could not be read, so the {role} role counts as in use there: {usage.message}",
        )
    owners = f"; declared by {_few(usage.owners, usage.omitted_owners)}" if usage.owners else "; not declared here"
    return PreconditionViolation(
        "ROLE_IN_USE", usage.region, f"{usage.region} uses it: {_few(usage.resources, usage.omitted_resources)}{owners}"
    )


def _few(listed: Sequence[str], omitted: int, limit: int = 5) -> str:
    shown, more = ", ".join(listed[:limit]), max(0, len(listed) - limit) + omitted
    return f"{shown} and {more} more" if more else shown
