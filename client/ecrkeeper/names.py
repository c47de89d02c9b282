"""Names of resources: made of their parts, and taken apart. Without gRPC."""

from __future__ import annotations

import re
from dataclasses import dataclass

ROLES = ("replication", "pull-through-cache", "repository-creation-template")
_ACCOUNT, _REGION, _OWNER = r"[0-9]{12}", r"[a-z]{2,}(?:-[a-z]+)+-[0-9]+", r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?"
_FULL = re.compile(
    rf"accounts/(?P<account>{_ACCOUNT})(?:/registries/(?P<region>{_REGION})(?:/settings/(?P<owner>{_OWNER}))?"
    rf"|/serviceLinkedRoles/(?P<role>[a-z-]+))?"
)
_SHORT = re.compile(
    rf"(?P<account>{_ACCOUNT})(?:/(?:(?P<role>{'|'.join(ROLES)})|(?P<region>{_REGION})(?:/(?P<owner>{_OWNER}))?))?"
)
_URI = re.compile(
    rf"(?:https://)?(?P<account>{_ACCOUNT})\.dkr[.-]ecr(?:-fips)?\.(?P<region>{_REGION})\.[a-z0-9.-]+/"
    r"(?P<repository>[^:@]+)(?:[:@].*)?"
)


@dataclass(frozen=True, slots=True)
class Name:
    """The parts of a name; those that it does not have are empty."""

    account: str
    region: str = ""
    owner: str = ""
    role: str = ""

    @property
    def kind(self) -> str:
        """`RegistrySettings`, `Registry`, `ServiceLinkedRole` or `Account`."""
        if self.role:
            return "ServiceLinkedRole"
        return "RegistrySettings" if self.owner else "Registry" if self.region else "Account"

    def __str__(self) -> str:
        if self.role:
            return role(self.account, self.role)
        if self.owner:
            return settings(self.account, self.region, self.owner)
        return registry(self.account, self.region) if self.region else account(self.account)

    @property
    def short(self) -> str:
        """The name as people write it: `111111111111/us-east-1/team-a`."""
        return "/".join(filter(None, (self.account, self.region, self.owner, self.role)))


def account(account: str) -> str:
    """Return the name of an account."""
    return f"accounts/{account}"


def registry(account: str, region: str) -> str:
    """Return the name of the registry of an account in a Region."""
    return f"accounts/{account}/registries/{region}"


def settings(account: str, region: str, owner: str) -> str:
    """Return the name of what one owner declares for a registry."""
    return f"accounts/{account}/registries/{region}/settings/{owner}"


def role(account: str, role: str) -> str:
    """Return the name of a service-linked role, such as `replication`."""
    return f"accounts/{account}/serviceLinkedRoles/{role}"


def parse(text: str) -> Name:
    """Return the parts of a full or short name.

    A short name is one such as `111111111111/us-east-1/team-a`. ValueError for any other text.
    """
    parts = _FULL.fullmatch(text) or _SHORT.fullmatch(text)
    if parts is None:
        raise ValueError(
            f"must be a name such as accounts/111111111111/registries/us-east-1, or short 111111111111/us-east-1, "
            f"got {text[:200]!r}"
        )
    return Name(**{part: value or "" for part, value in parts.groupdict().items()})


def parse_uri(text: str) -> tuple[Name, str]:
    """Return the registry and the repository of an image's URI; ValueError."""
    parts = _URI.fullmatch(text)
    if parts is None:
        raise ValueError(
            "must be the URI of a repository, such as "
            f"111111111111.dkr.ecr.us-east-1.amazonaws.com/payments/api, got {text[:200]!r}"
        )
    return Name(parts["account"], parts["region"]), parts["repository"]
