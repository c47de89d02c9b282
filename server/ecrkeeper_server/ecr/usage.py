"""Find the Regions of an account that use a service-linked role."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping
from operator import or_

from msgspec import Struct, field

from ecrkeeper_server.aws.client import Aws
from ecrkeeper_server.aws_errors import AwsError
from ecrkeeper_server.ecr.observe import observe_setting
from ecrkeeper_server.ecr.regions import enabled_regions
from ecrkeeper_server.names import RegistryName, partition_of
from ecrkeeper_server.roles.catalogue import RoleKind
from ecrkeeper_server.roles.usage import RegionUsage
from ecrkeeper_server.settings.algebra import splitting
from ecrkeeper_server.settings.element_sets import NO_KEYS, first_keys
from ecrkeeper_server.settings.elements import CHARACTERS, Keys, keys_of
from ecrkeeper_server.settings.table import SETTINGS
from ecrkeeper_server.store import declarations
from ecrkeeper_server.store.database import Database
from ecrkeeper_server.store.declarations import DeclaredSetting
from ecrkeeper_server.store.json_columns import reading_json
from ecrkeeper_server.turns import Steps, work

_REGIONS_AT_ONCE = 8
_LISTED, _MESSAGE_CHARACTERS = 50, 1_000


class Declared(Struct):
    """The declared elements of a Region that need a role, and their owners."""

    owners: list[str] = field(default_factory=list)
    keys: Keys = NO_KEYS


async def usage_of(db: Database, aws: Aws, account: str, home_region: str, kind: RoleKind) -> list[RegionUsage]:
    """Return the usage of the role in enabled Regions and in those with declarations."""
    rows = await db.read_in_turns(lambda tx: declarations.reading_setting(tx, account, kind.setting))
    declared = await work().charged(declaring(kind, rows), sum(len(row.shape or "") for row in rows) // CHARACTERS)
    enabled = await enabled_regions(aws, account, home_region, partition_of(home_region) or "aws")
    # A disabled Region keeps its registry, which still uses the role.
    regions = sorted({*enabled, *(row.region for row in rows)})
    return await role_usage(aws, account, kind, regions, declared)


def declaring(kind: RoleKind, rows: Iterable[DeclaredSetting]) -> Steps[dict[str, Declared]]:
    """Return the elements in the rows by Region, in steps."""
    declared: dict[str, Declared] = {}
    for row in rows:
        yield
        if row.shape is not None:
            elements = yield from splitting(SETTINGS[kind.setting], (yield from reading_json(row.shape)))
            yield
            if elements:
                of_region = declared.setdefault(row.region, Declared())
                of_region.owners.append(row.owner)
                # United at once: the keys of all owners apart may be millions of pairs.
                of_region.keys = of_region.keys | keys_of(elements)
    return declared


async def role_usage(
    aws: Aws, account: str, kind: RoleKind, regions: Iterable[str], declared: Mapping[str, Declared]
) -> list[RegionUsage]:
    """Return the usage of the role in the given Regions."""
    capacity = asyncio.Semaphore(_REGIONS_AT_ONCE)

    async def check(region: str) -> RegionUsage:
        owned = declared.get(region, Declared())
        async with capacity:
            try:
                observed = await observe_setting(aws, RegistryName(account, region), SETTINGS[kind.setting])
            except AwsError as error:
                return _bounded(region, "UNKNOWN", owned.owners, message=error.message)
        keys = await work().step(or_, keys_of(observed.elements), owned.keys)
        if observed.unknown and not keys:
            text = f"AWS has members that this version does not know: {', '.join(observed.unknown)}"
            return _bounded(region, "UNKNOWN", owned.owners, message=text)
        return _bounded(region, "IN_USE" if keys else "FREE", owned.owners, keys)

    return list(await asyncio.gather(*(check(region) for region in regions)))


def _bounded(region: str, state: str, owners: Collection[str], keys: Keys = NO_KEYS, message: str = "") -> RegionUsage:
    """Return the usage cut to the first keys and owners.

    A registry may replicate 62,500 pairs.
    """
    return RegionUsage(
        region, state, tuple(first_keys(keys, _LISTED)), tuple(sorted(owners)[:_LISTED]), message[:_MESSAGE_CHARACTERS],
        omitted_resources=max(0, len(keys) - _LISTED), omitted_owners=max(0, len(owners) - _LISTED),
    )  # fmt: skip
