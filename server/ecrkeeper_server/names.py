"""Resource names, accounts, Regions and partitions; pure, no I/O."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, ClassVar, Self

from ecrkeeper_files.plain_text import shown as shown  # noqa: PLC0414 - most messages take it from here
from msgspec import Struct

from ecrkeeper_server.errors import InvalidArgument, Violation

WILDCARD = "-"
_KINDS: dict[type, str] = {list: "a list", dict: "a mapping", int: "a number of more than 19 digits"}
ROLE_IDS = ("replication", "pull-through-cache", "repository-creation-template")

_ACCOUNT = re.compile(r"[0-9]{12}")
_BACKFILL = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_AUDIT_EVENT = re.compile(r"auditEvents/([1-9][0-9]{0,17})")
_OPERATION = re.compile(r"operations/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
_OWNER = re.compile(r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")

# Partition by the pattern of the Region's name, as in botocore's partitions.json, so that Regions
# newer than the installed botocore still resolve.
_PARTITIONS = (
    ("aws-cn", re.compile(r"cn-[a-z]+-[0-9]+")),
    ("aws-us-gov", re.compile(r"us-gov-[a-z]+-[0-9]+")),
    ("aws-iso", re.compile(r"us-iso-[a-z]+-[0-9]+")),
    ("aws-iso-b", re.compile(r"us-isob-[a-z]+-[0-9]+")),
    ("aws-iso-e", re.compile(r"eu-isoe-[a-z]+-[0-9]+")),
    ("aws-iso-f", re.compile(r"us-isof-[a-z]+-[0-9]+")),
    ("aws-eusc", re.compile(r"eusc-de-[a-z]+-[0-9]+")),
    ("aws", re.compile(r"(?:us|eu|ap|sa|ca|me|af|il|mx)-[a-z]+-[0-9]+")),
)
PARTITIONS = tuple(sorted(name for name, _ in _PARTITIONS))


@lru_cache(maxsize=1024)
def partition_of(region: str) -> str | None:
    """Return the partition of a Region; None if no partition's pattern matches."""
    if len(region) > 25:
        return None
    return next((name for name, shape in _PARTITIONS if shape.fullmatch(region)), None)


def region_shapes() -> list[tuple[str, str]]:
    """Return each partition with the pattern of its Regions."""
    return [(name, shape.pattern) for name, shape in _PARTITIONS]


def is_account(text: str) -> bool:
    """Return whether the text is a 12-digit account id."""
    return _ACCOUNT.fullmatch(text) is not None


def _parts(name: str, pattern: str, field: str) -> list[str]:
    """Return the variable segments of a name.

    `pattern` is for example `accounts/{}/registries/{}`.
    """
    expected, segments = pattern.split("/"), name.split("/")
    if len(segments) != len(expected) or any(w != g for w, g in zip(expected, segments, strict=True) if w != "{}"):
        shape = pattern.replace("{}", "…")
        raise InvalidArgument([Violation(field, f"must look like `{shape}`, got {shown(name)}")])
    return [g for w, g in zip(expected, segments, strict=True) if w == "{}"]


def shown_value(value: Any) -> str:
    """Return a value for an error message; only its type if it may be large or nested."""
    if value is None:
        return "nothing"
    if isinstance(value, str):
        return shown(value)
    if isinstance(value, float) or (isinstance(value, int) and abs(value) < 2**64):
        return repr(value)
    return _KINDS.get(type(value)) or f"a value of type {type(value).__name__}"


def _check(field: str, **segments: tuple[str, bool, str]) -> None:
    errors = [
        Violation(field, f"{segment} {rule}, got {shown(value)}")
        for segment, (value, ok, rule) in segments.items()
        if not ok
    ]
    if errors:
        raise InvalidArgument(errors)


_ACCOUNT_RULE = "must be 12 digits"
_REGION_RULE = "must be an AWS Region such as `us-east-1`"
_OWNER_RULE = (
    "must be 1 to 63 lower-case letters, digits and hyphens, begin with a letter and not end with a hyphen, such as"
    " `team-a`"
)


class RegistryName(Struct, frozen=True, order=True):
    """The private registry of one account in one Region."""

    account: str
    region: str
    kind: ClassVar[str] = "registry"

    @classmethod
    def parse(cls, name: str, field: str = "name") -> Self:
        """Parse `accounts/{account}/registries/{region}`; InvalidArgument names `field`."""
        account, region = _parts(name, "accounts/{}/registries/{}", field)
        _check(
            field,
            account=(account, is_account(account), _ACCOUNT_RULE),
            region=(region, partition_of(region) is not None, _REGION_RULE),
        )
        return cls(account, region)

    @property
    def partition(self) -> str:
        """The partition of the Region."""
        return partition_of(self.region) or "aws"

    def __str__(self) -> str:
        return f"accounts/{self.account}/registries/{self.region}"


class SettingsName(Struct, frozen=True, order=True):
    """The declaration of one owner for one registry."""

    registry: RegistryName
    owner: str

    @classmethod
    def parse(cls, name: str, field: str = "name") -> Self:
        """Parse `accounts/{account}/registries/{region}/settings/{owner}`."""
        account, region, owner = _parts(name, "accounts/{}/registries/{}/settings/{}", field)
        _check(
            field,
            account=(account, is_account(account), _ACCOUNT_RULE),
            region=(region, partition_of(region) is not None, _REGION_RULE),
            owner=(owner, _OWNER.fullmatch(owner) is not None, _OWNER_RULE),
        )
        return cls(RegistryName(account, region), owner)

    @classmethod
    def of(cls, registry: RegistryName, owner: str, field: str) -> Self:
        """Return the name of an owner's declaration; InvalidArgument for an invalid owner."""
        _check(field, owner=(owner, _OWNER.fullmatch(owner) is not None, _OWNER_RULE))
        return cls(registry, owner)

    def __str__(self) -> str:
        return f"{self.registry}/settings/{self.owner}"


class RoleName(Struct, frozen=True, order=True):
    """One of ECR's three service-linked roles in one account."""

    account: str
    role: str
    kind: ClassVar[str] = "role"

    @classmethod
    def parse(cls, name: str, field: str = "name") -> Self:
        """Parse `accounts/{account}/serviceLinkedRoles/{role}`."""
        account, role = _parts(name, "accounts/{}/serviceLinkedRoles/{}", field)
        return cls.of(account, role, field)

    @classmethod
    def of(cls, account: str, role: str, field: str) -> Self:
        """Return the name of a role; InvalidArgument names `field`."""
        _check(
            field,
            account=(account, is_account(account), _ACCOUNT_RULE),
            role=(role, role in ROLE_IDS, "must be one of " + ", ".join(ROLE_IDS)),
        )
        return cls(account, role)

    def __str__(self) -> str:
        return f"accounts/{self.account}/serviceLinkedRoles/{self.role}"


class BackfillName(Struct, frozen=True, order=True):
    """One replication backfill."""

    registry: RegistryName
    backfill: str

    @classmethod
    def parse(cls, name: str, field: str = "name") -> Self:
        """Parse `accounts/{account}/registries/{region}/replicationBackfills/{id}`."""
        account, region, backfill = _parts(name, "accounts/{}/registries/{}/replicationBackfills/{}", field)
        _check(
            field,
            account=(account, is_account(account), _ACCOUNT_RULE),
            region=(region, partition_of(region) is not None, _REGION_RULE),
            backfill=(backfill, _BACKFILL.fullmatch(backfill) is not None, "must be a UUID"),
        )
        return cls(RegistryName(account, region), backfill)

    def __str__(self) -> str:
        return f"{self.registry}/replicationBackfills/{self.backfill}"


def parse_operation(name: str, field: str = "name") -> str:
    """Parse `operations/{uuid}`; InvalidArgument names `field`."""
    match = _OPERATION.fullmatch(name)
    if match is None:
        raise InvalidArgument([Violation(field, f"must look like `operations/{{uuid}}`, got {shown(name)}")])
    return match[1]


def parse_audit_event(name: str, field: str = "name") -> int:
    """Parse `auditEvents/{number}`; InvalidArgument names `field`."""
    match = _AUDIT_EVENT.fullmatch(name)
    if match is None:
        raise InvalidArgument([Violation(field, f"must look like `auditEvents/{{number}}`, got {shown(name)}")])
    return int(match[1])


def parse_account(name: str, field: str = "parent", *, wildcard: bool = False) -> str:
    """Parse `accounts/{account}`; with `wildcard`, return `-` for `accounts/-`."""
    (account,) = _parts(name, "accounts/{}", field)
    if not (wildcard and account == WILDCARD):
        _check(field, account=(account, is_account(account), _ACCOUNT_RULE))
    return account


def parse_registry_pattern(name: str, field: str = "parent") -> tuple[str, str]:
    """Parse `accounts/{account}/registries/{region}`, either of which may be `-`."""
    account, region = _parts(name, "accounts/{}/registries/{}", field)
    _check(
        field,
        account=(account, account == WILDCARD or is_account(account), _ACCOUNT_RULE + " or `-`"),
        region=(region, region == WILDCARD or partition_of(region) is not None, _REGION_RULE + " or `-`"),
    )
    return account, region
