"""Registries in Regions that are disabled or unknown."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from ecrkeeper_server.aws_errors import AwsError, Permanent, Temporary
from ecrkeeper_server.names import RegistryName

from .conftest import ACCOUNT, World, reason_of

QUAY = {"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io"}
CACHED = {"pull_through_cache_rules": {"rules": [QUAY]}}
OPT_IN, UNKNOWN = RegistryName(ACCOUNT, "me-south-1"), RegistryName(ACCOUNT, "us-east-9")


def fails(error: AwsError) -> Callable[[str], AwsError]:
    return lambda _region: error


async def test_disabled_region_error_explains_how_to_enable_it(world: World) -> None:
    await world.declare(CACHED, registry=OPT_IN)
    row = await world.reconcile(OPT_IN)
    assert reason_of(row, "Ready") == "REGION_NOT_ENABLED"
    error = row.state["error"]
    assert error["code"] == "FAILED_PRECONDITION"
    assert error["metadata"]["aws_code"] == "UnrecognizedClient"
    for part in ("me-south-1", ACCOUNT, "DISABLED", "aws account enable-region --region-name me-south-1"):
        assert part in error["message"]
    assert "this version does not know the Region" not in error["message"]
    assert await world.due_in(OPT_IN) == pytest.approx(60.0)


async def test_registry_reconciles_once_region_is_enabled(world: World) -> None:
    await world.declare(CACHED, registry=OPT_IN)
    await world.reconcile(OPT_IN)
    await world.control("PUT", f"accounts/{ACCOUNT}", {"enabled_regions": ["us-east-1", "me-south-1"]})
    assert reason_of(await world.resync(OPT_IN), "Ready") == "IN_SYNC"
    assert [rule["ecrRepositoryPrefix"] for rule in (await world.present("me-south-1"))["pullThroughCacheRules"]] == [
        "quay"
    ]


async def test_unknown_region_is_reported(world: World) -> None:
    await world.declare(CACHED, registry=UNKNOWN)
    row = await world.reconcile(UNKNOWN)
    assert reason_of(row, "Ready") == "REGION_NOT_ENABLED"
    assert "this version does not know the Region us-east-9" in row.state["error"]["message"]


async def test_unreachable_unknown_region_is_reported(world: World) -> None:
    silent = Temporary("ecr: no answer", reason="AWS_UNREACHABLE")
    world.aws.faults["DescribePullThroughCacheRules"] = fails(silent)
    await world.declare(CACHED, registry=UNKNOWN)
    row = await world.reconcile(UNKNOWN)
    assert reason_of(row, "Ready") == "AWS_UNREACHABLE"
    assert "this version does not know the Region us-east-9" in row.state["error"]["message"]


@pytest.mark.parametrize(
    ("listing", "reason"),
    [
        (Permanent("no", reason="AWS_ACCESS_DENIED"), "the right is missing"),
        (Temporary("later", reason="AWS_UNREACHABLE"), "nobody answers"),
        (Temporary("no", reason="AWS_CREDENTIALS_REJECTED", aws_code="UnrecognizedClient"), "nobody knows us anywhere"),
    ],
)
async def test_rejected_credentials_are_reported_if_regions_are_unreadable(
    world: World, listing: AwsError, reason: str
) -> None:
    world.aws.faults["ListRegions"] = fails(listing)
    await world.declare(CACHED, registry=OPT_IN)
    row = await world.reconcile(OPT_IN)
    assert reason_of(row, "Ready") == "AWS_CREDENTIALS_REJECTED", reason
    assert "check that it is enabled for the account" in row.state["error"]["message"]


async def test_rejected_credentials_are_reported_in_enabled_region(world: World) -> None:
    rejected = Temporary("no", reason="AWS_CREDENTIALS_REJECTED", aws_code="UnrecognizedClient", after=60.0)
    registry = RegistryName(ACCOUNT, "eu-west-1")
    world.aws.faults["DescribePullThroughCacheRules"] = fails(rejected)
    await world.declare(CACHED, registry=registry)
    assert reason_of(await world.reconcile(registry), "Ready") == "AWS_CREDENTIALS_REJECTED"


async def test_healthy_registry_does_not_list_regions(world: World) -> None:
    await world.declare(CACHED)
    await world.reconcile()
    assert "ListRegions" not in {operation for _, operation, _ in world.aws.calls}
