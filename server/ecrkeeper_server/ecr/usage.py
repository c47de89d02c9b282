"""Find the Regions of an account that use a service-linked role."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from ecrkeeper_server.aws.client import Aws
from ecrkeeper_server.aws_errors import AwsError
from ecrkeeper_server.ecr.observe import observe_setting
from ecrkeeper_server.ecr.regions import enabled_regions
from ecrkeeper_server.names import RegistryName, partition_of
from ecrkeeper_server.roles.catalogue import RoleKind
from ecrkeeper_server.roles.usage import RegionUsage
from ecrkeeper_server.settings.element_sets import NO_KEYS, first_keys, union
from ecrkeeper_server.settings.elements import Keys, keys_of
from ecrkeeper_server.settings.table import SETTINGS, split_all
from ecrkeeper_server.store import declarations
from ecrkeeper_server.store.database import Database
from ecrkeeper_server.store.rows import Declaration

_REGIONS_AT_ONCE = 8
_LISTED, _MESSAGE_CHARACTERS = 50, 1_000


async def usage_of(db: Database, aws: Aws, account: str, home_region: str, kind: RoleKind) -> list[RegionUsage]:
    """Return the usage of the role in enabled Regions and in those with declarations."""
    declared = await db.read(lambda tx: declarations.of_account(tx, account))
    enabled = await enabled_regions(aws, account, home_region, partition_of(home_region) or "aws")
    # A disabled Region keeps its registry, which still uses the role.
    regions = sorted({*enabled, *(declaration.region for declaration in declared)})
    return await role_usage(aws, account, kind, regions, owners_by_region(kind, declared))


def owners_by_region(kind: RoleKind, declared: list[Declaration]) -> dict[str, dict[str, list[str]]]:
    """Return the declarers of elements that need the role, by Region and key."""
    declared_keys: dict[str, dict[str, list[str]]] = {}
    for declaration in declared:
        for key in split_all(declaration.settings).get(kind.setting, {}):
            declared_keys.setdefault(declaration.region, {}).setdefault(key, []).append(declaration.owner)
    return declared_keys


async def role_usage(
    aws: Aws, account: str, kind: RoleKind, regions: Iterable[str], owners: dict[str, dict[str, list[str]]]
) -> list[RegionUsage]:
    """Return the usage of the role in the given Regions.

    `owners` are the declarers of elements that need it, by Region and key.
    """
    capacity = asyncio.Semaphore(_REGIONS_AT_ONCE)

    async def check(region: str) -> RegionUsage:
        declared = owners.get(region, {})
        async with capacity:
            try:
                observed = await observe_setting(aws, RegistryName(account, region), SETTINGS[kind.setting])
            except AwsError as error:
                return _bounded(region, "UNKNOWN", declared, message=error.message)
        keys = union((keys_of(observed.elements), frozenset(declared)))
        if observed.unknown and not keys:
            text = f"AWS has members that this version does not know: {', '.join(observed.unknown)}"
            return _bounded(region, "UNKNOWN", declared, message=text)
        return _bounded(region, "IN_USE" if keys else "FREE", declared, keys)

    return list(await asyncio.gather(*(check(region) for region in regions)))


def _bounded(
    region: str, state: str, declared: dict[str, list[str]], keys: Keys = NO_KEYS, message: str = ""
) -> RegionUsage:
    """Return the usage cut to the first keys and owners.

    A registry may replicate 62,500 pairs.
    """
    owners = sorted({owner for owners in declared.values() for owner in owners})
    return RegionUsage(
        region, state, tuple(first_keys(keys, _LISTED)), tuple(owners[:_LISTED]), message[:_MESSAGE_CHARACTERS],
        omitted_resources=max(0, len(keys) - _LISTED), omitted_owners=max(0, len(owners) - _LISTED),
    )  # fmt: skip
