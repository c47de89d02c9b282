"""List an account's enabled Regions, and explain errors of disabled ones."""

from __future__ import annotations

from typing import Any

from ecrkeeper_server.aws.client import Aws
from ecrkeeper_server.aws_errors import AwsError, Temporary
from ecrkeeper_server.ecr.paging import read_list
from ecrkeeper_server.names import RegistryName

_USABLE = ("ENABLED", "ENABLED_BY_DEFAULT")
# A disabled Region rejects the account's credentials as unknown.
_REJECTED = frozenset({"UnrecognizedClient", "InvalidClientTokenId"})
_RETRY_SECONDS = 60.0
_UNKNOWN = "this version does not know the Region {region}; ListSupportedRegions lists known ones"


async def enabled_regions(aws: Aws, account: str, home: str, partition: str) -> list[str]:
    """Return the account's enabled Regions, even those unknown to botocore.

    If the account may not list its Regions, return all Regions of the partition:
    disabled ones then appear as unreadable.
    """
    try:
        return await listed_regions(aws, account, home)
    except AwsError as error:
        if error.reason not in ("AWS_ACCESS_DENIED", "AWS_REJECTED"):
            raise
        return aws.regions(partition)


async def listed_regions(aws: Aws, account: str, home: str) -> list[str]:
    """Return the enabled Regions as AWS lists them; AwsError if it does not."""
    return sorted(await _statuses(aws, account, home, [*_USABLE, "ENABLING", "DISABLING"]))


async def explained(aws: Aws, registry: RegistryName, home: str, error: AwsError) -> AwsError:
    """Return the error to show for a failed read, with regard to its Region.

    A disabled Region has an error of its own. This costs a call in the `home`
    Region, where the account's Regions are listed. If that call fails, the error
    of the read is returned.
    """
    if error.reason == "AWS_UNREACHABLE" and registry.region not in aws.regions(registry.partition):
        text = f"{error.message} ({_UNKNOWN.format(region=registry.region)})"
        return _instead_of(error, text, reason=error.reason)
    if not home or home == registry.region or error.aws_code not in _REJECTED:
        return error
    try:
        statuses = await _statuses(aws, registry.account, home, [])
    except AwsError:
        return error
    status = statuses.get(registry.region, "not listed")
    if status in _USABLE:
        return error
    if status == "ENABLING":
        text = f"{registry.region} is still being enabled for account {registry.account}"
        return _instead_of(error, text, reason="REGION_BEING_ENABLED", after=_RETRY_SECONDS)
    unknown = "" if registry.region in statuses else f" ({_UNKNOWN.format(region=registry.region)})"
    text = (
        f"{registry.region} is not enabled for account {registry.account}: its status is {status}{unknown}; enable it"
        f" (`aws account enable-region --region-name {registry.region}`), or delete what is declared there"
    )
    return _instead_of(error, text, reason="REGION_NOT_ENABLED", after=_RETRY_SECONDS)


def _instead_of(error: AwsError, message: str, *, reason: str, after: float | None = None) -> Temporary:
    other = Temporary(
        message,
        reason=reason,
        after=after,
        aws_code=error.aws_code,
        operation=error.operation,
        grpc_code=error.grpc_code,
    )
    other.aws_request_id = error.aws_request_id
    return other


async def _statuses(aws: Aws, account: str, home: str, wanted: list[str]) -> dict[str, str]:
    """Return the opt-in status of the account's Regions, or of the given ones."""
    params: dict[str, Any] = {"RegionOptStatusContains": wanted} if wanted else {}
    listed = await read_list(aws, account, home, "account", "ListRegions", params, items="Regions", cursor="NextToken")
    return {region["RegionName"]: region.get("RegionOptStatus", "") for region in listed}
