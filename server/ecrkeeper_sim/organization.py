"""An organization: accounts in units, with tags.

The unit of an account is a path such as `/workloads/prod`.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import Any

ROOT = "r-sim0"
_MEMBERS = frozenset({"name", "unit", "tags", "state"})


@dataclass(slots=True)
class Member:
    """An account of the organization; `unit` is a path such as `/workloads/prod`."""

    account: str
    name: str = ""
    unit: str = "/"
    tags: dict[str, str] = field(default_factory=dict)
    state: str = "ACTIVE"


@dataclass(slots=True)
class Organization:
    """The accounts, and the account that may ask for them.

    Both are empty without an organization.
    """

    management: str = ""
    members: dict[str, Member] = field(default_factory=dict)

    def units(self) -> dict[str, str]:
        """Return the path of each organizational unit by its id."""
        paths = {path for member in self.members.values() for path in _ancestors(member.unit)}
        return {unit_id(path): path for path in paths}


def _ancestors(path: str) -> list[str]:
    """Return a path and the paths above it, without the root."""
    parts = [part for part in path.split("/") if part]
    return ["/" + "/".join(parts[: number + 1]) for number in range(len(parts))]


def unit_id(path: str) -> str:
    """Return the id of the unit at a path, the root included."""
    return ROOT if path == "/" else f"ou-sim0-{hashlib.sha256(path.encode()).hexdigest()[:8]}"


def organization_of(body: dict[str, Any]) -> Organization:
    """Return the organization that a control request describes.

    Raise KeyError for unknown members.
    """
    members = {}
    for account, attributes in body.get("accounts", {}).items():
        for name in attributes:
            if name not in _MEMBERS:
                raise KeyError(name)
        if not re.fullmatch(r"[0-9]{12}", account):
            raise ValueError(f"{account!r} is not an account")
        members[account] = Member(account, **attributes)
    return Organization(body["management"], members)


def shown_organization(organization: Organization) -> dict[str, Any]:
    """Return an organization as `organization_of` takes it."""
    shown = {
        each.account: {"name": each.name, "unit": each.unit, "tags": each.tags, "state": each.state}
        for each in organization.members.values()
    }
    return {"management": organization.management, "accounts": shown}
