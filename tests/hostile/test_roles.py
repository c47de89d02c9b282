"""Invalid responses of IAM neither create nor delete a role."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.engine.conftest import ACCOUNT, REGISTRY, ROLE, World, holds, reason_of
from tests.engine.test_reconcile_role import NAME, SERVICE, declared, exists, request_deletion
from tests.hostile.bodies import SECRET, unusable


async def fault(world: World, operation: str, rule: dict[str, Any], **more: Any) -> None:
    await world.control("POST", "faults", {"kind": "answer", "operation": operation, **rule, **more})


@pytest.mark.parametrize(("kind", "rule"), unusable("iam", "GetRole"))
async def test_unusable_observation_creates_no_role(
    world: World, capsys: pytest.CaptureFixture[str], kind: str, rule: dict[str, Any]
) -> None:
    await fault(world, "GetRole", rule)
    await declared(world)
    row = await world.reconcile(ROLE)
    assert reason_of(row, "Synced") == ("WRONG_ACCOUNT" if kind == "another account" else "AWS_ANSWER_INVALID")
    assert world.aws.writes == []
    await world.control("DELETE", "faults")
    row = await world.resync(ROLE)
    assert holds(row, "Ready")
    assert SECRET not in json.dumps(row.state) + "".join(capsys.readouterr())


async def test_response_about_other_role_is_rejected(world: World) -> None:
    await world.raw("CreateServiceLinkedRole", "iam", AWSServiceName=SERVICE)
    body = dict(unusable("iam", "GetRole"))["another account"]["body"].replace("222222222222", ACCOUNT)
    await fault(world, "GetRole", {"body": body.replace(NAME, "AWSServiceRoleForSupport")})
    await declared(world)
    row = await world.reconcile(ROLE)
    assert reason_of(row, "Synced") == "AWS_ANSWER_INVALID"


@pytest.mark.parametrize(("kind", "rule"), unusable("iam", "CreateServiceLinkedRole"))
async def test_role_with_unusable_create_response_is_recognized(world: World, kind: str, rule: dict[str, Any]) -> None:
    now = (await world.control("POST", "clock", {"advance": 0, "frozen": True}))["now"]
    world.seconds = float(now)
    await fault(world, "CreateServiceLinkedRole", rule, kind="answer_after", count=1)
    await declared(world)
    row = await world.reconcile(ROLE)
    assert reason_of(row, "Synced") == ("WRONG_ACCOUNT" if kind == "another account" else "AWS_ANSWER_INVALID")
    row = await world.resync(ROLE)
    assert world.aws.writes == []
    assert row.state["provenance"] == "CREATED"
    assert holds(row, "Ready")


@pytest.mark.parametrize(
    ("operation", "kind", "rule"),
    [
        (operation, *case)
        for operation in ("DeleteServiceLinkedRole", "GetServiceLinkedRoleDeletionStatus")
        for case in unusable("iam", operation)
    ],
)
async def test_deletion_continues_after_unusable_response(
    world: World, operation: str, kind: str, rule: dict[str, Any]
) -> None:
    await declared(world)
    await world.reconcile(ROLE)
    deleting = await request_deletion(world)
    await fault(world, operation, rule, kind="answer_after", count=1 if operation.startswith("Delete") else 3)
    await world.reconcile(ROLE)
    await world.control("PUT", "settings", {"deletion_mode": "time"})
    for _ in range(6):
        if (await world.operation(deleting)).done:
            break
        await world.control("POST", "clock", {"advance": 5})
        world.seconds += 400
        await world.engine.claim_once()
        await world.engine.drain()
    assert (await world.operation(deleting)).error is None
    assert not await exists(world)


@pytest.mark.parametrize(("kind", "rule"), unusable("account", "ListRegions"))
async def test_unknown_regions_prevent_role_deletion(world: World, kind: str, rule: dict[str, Any]) -> None:
    await declared(world)
    await world.reconcile(ROLE)
    deleting = await request_deletion(world)
    await fault(world, "ListRegions", rule)
    row = await world.reconcile(ROLE)
    assert row.state["error"]["reason"] == "AWS_ANSWER_INVALID"
    assert world.aws.writes == []
    assert await exists(world)
    assert not (await world.operation(deleting)).done


@pytest.mark.parametrize(("kind", "rule"), unusable("ecr", "DescribeRegistry"))
async def test_unusable_region_prevents_role_deletion(world: World, kind: str, rule: dict[str, Any]) -> None:
    await declared(world)
    await world.reconcile(ROLE)
    deleting = await request_deletion(world)
    await fault(world, "DescribeRegistry", rule, region=REGISTRY.region)
    await world.reconcile(ROLE)
    assert world.aws.writes == []
    ended = await world.operation(deleting)
    assert ended.error is not None
    assert ended.error["reason"] == "ROLE_IN_USE"
    assert await exists(world)
