"""Reconciling a role."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ecrkeeper_server.aws.call import Call
from ecrkeeper_server.aws_errors import Permanent, Temporary
from ecrkeeper_server.ecr.usage import role_usage
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.roles.catalogue import ROLES
from ecrkeeper_server.store import resources
from ecrkeeper_server.store.rows import Operation
from ecrkeeper_server.store.specs import RoleSpec

from .conftest import ACCOUNT, ROLE, World, holds, reason_of

NAME = "AWSServiceRoleForECRReplication"
SERVICE = "replication.ecr.amazonaws.com"
RULES = {"replicationConfiguration": {"rules": [{"destinations": [{"region": "us-west-2", "registryId": ACCOUNT}]}]}}


async def declared(world: World, **spec: Any) -> None:
    await world.set_spec({"managed": True, **spec}, ROLE)


async def exists(world: World) -> bool:
    return NAME in json.dumps((await world.control("GET", f"accounts/{ACCOUNT}"))["roles"])


async def request_deletion(world: World) -> Operation:
    await world.control("PUT", f"accounts/{ACCOUNT}", {"enabled_regions": ["us-east-1", "eu-west-1"]})
    await world.set_spec({"deletion": {"forced": False}}, ROLE)
    return await world.begin("DeleteServiceLinkedRole", ROLE)


async def test_declared_role_gets_description_and_tags(world: World) -> None:
    await declared(world, description="ours", tags={"team": "a"})
    row = await world.reconcile(ROLE)
    assert world.aws.writes == ["CreateServiceLinkedRole", "TagRole"]
    assert row.state["provenance"] == "CREATED"
    assert row.state["role"]["description"] == "ours"
    assert row.state["role"]["tags"] == {"team": "a"}
    assert holds(row, "Ready")
    await world.resync(ROLE)
    assert world.aws.writes == []


async def test_existing_role_is_adopted_on_declaration(world: World) -> None:
    await world.raw("CreateServiceLinkedRole", "iam", AWSServiceName=SERVICE)
    await declared(world)
    row = await world.reconcile(ROLE)
    assert world.aws.writes == []
    assert row.state["provenance"] == "ADOPTED"


async def test_role_created_concurrently_is_adopted(world: World) -> None:
    async def race() -> None:
        await world.raw("CreateServiceLinkedRole", "iam", AWSServiceName=SERVICE)

    world.aws.before["CreateServiceLinkedRole"] = race
    await declared(world)
    row = await world.reconcile(ROLE)
    assert row.state["provenance"] == "ADOPTED"
    assert holds(row, "Ready")


async def test_unanswered_create_is_recognized_as_created(world: World) -> None:
    await world.control("POST", "clock", {"advance": 0, "frozen": True})
    now = (await world.control("GET", "clock"))["now"]
    world.seconds = float(now)
    await world.control("POST", "faults", {"kind": "drop_after", "operation": "CreateServiceLinkedRole", "count": 1})
    await declared(world)
    row = await world.reconcile(ROLE)
    assert row.state["error"]["reason"] == "AWS_UNREACHABLE"
    assert row.state["create_intended_at"] == int(world.seconds * 1_000_000)
    row = await world.resync(ROLE)
    assert world.aws.writes == []
    assert row.state["provenance"] == "CREATED"


async def test_invisible_role_is_awaited_and_not_recreated(world: World) -> None:
    await world.control("PUT", "settings", {"iam_create_lag_reads": 1})
    await declared(world)
    row = await world.reconcile(ROLE)
    assert row.state["error"]["reason"] == "ROLE_NOT_VISIBLE_YET"
    row = await world.resync(ROLE)
    assert holds(row, "Ready")
    assert world.aws.writes == []


async def test_role_not_found_for_update_is_updated_later(world: World) -> None:
    lags = [Permanent("no such role", reason="AWS_REJECTED", aws_code="NoSuchEntity")]
    world.aws.faults["TagRole"] = lambda _: lags.pop() if lags else None
    await declared(world, tags={"team": "a"})
    row = await world.reconcile(ROLE)
    assert row.state["error"]["reason"] == "ROLE_NOT_VISIBLE_YET"
    assert not holds(row, "Blocked")
    assert (await world.due_in(ROLE) or 900) < 5
    row = await world.resync(ROLE)
    assert world.aws.writes == ["TagRole"]
    assert holds(row, "Ready")
    assert row.state["provenance"] == "CREATED"


async def test_lookalike_role_is_unchanged(world: World) -> None:
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    await world.raw("CreateRole", "iam", RoleName=NAME, AssumeRolePolicyDocument=trust)
    await declared(world, description="ours", tags={"a": "b"})
    row = await world.reconcile(ROLE)
    assert world.aws.writes == []
    assert reason_of(row, "Blocked") == "ROLE_LOOKALIKE"
    assert row.state["role"] is None


async def test_role_deleted_out_of_band_is_recreated_and_recorded(world: World) -> None:
    await declared(world)
    await world.reconcile(ROLE)
    await world.raw("DeleteServiceLinkedRole", "iam", RoleName=NAME)
    await world.control("POST", "clock", {"advance": 60})
    assert not await exists(world)
    row = await world.resync(ROLE)
    assert await exists(world)
    assert [d["kind"] for d in row.state["remediation"]["drift"]] == ["MISSING"]


async def test_only_declared_tags_are_changed_and_removed(world: World) -> None:
    await declared(world, tags={"ours": "1", "gone": "1"})
    await world.reconcile(ROLE)
    await world.raw("TagRole", "iam", RoleName=NAME, Tags=[{"Key": "theirs", "Value": "1"}])
    await declared(world, tags={"ours": "2"})
    row = await world.reconcile(ROLE)
    assert row.state["role"]["tags"] == {"ours": "2", "theirs": "1"}


async def test_observed_role_is_not_created(world: World) -> None:
    await declared(world, mode="OBSERVE")
    row = await world.reconcile(ROLE)
    assert world.aws.writes == []
    assert [d["kind"] for d in row.state["drift"]] == ["MISSING"]
    assert not holds(row, "Ready")


async def test_paused_role_is_not_even_read(world: World) -> None:
    await declared(world, mode="PAUSED")
    await world.reconcile(ROLE)
    assert world.aws.calls == []
    assert await world.due_in(ROLE) is None


async def test_used_role_is_not_deleted_and_stays_declared(world: World) -> None:
    await declared(world)
    await world.reconcile(ROLE)
    await world.seed(RULES, "eu-west-1")
    operation = await request_deletion(world)
    row = await world.reconcile(ROLE)
    assert world.aws.writes == []
    ended = await world.operation(operation)
    assert ended.error is not None
    assert ended.error["reason"] == "ROLE_IN_USE"
    assert [subject for _, subject, _ in ended.error["preconditions"]] == ["eu-west-1"]
    assert "deletion" not in row.spec
    assert await exists(world)


async def test_unreadable_region_counts_as_using_the_role(world: World) -> None:
    await declared(world)
    await world.reconcile(ROLE)
    world.aws.faults["DescribeRegistry"] = lambda region: (
        Temporary("denied", reason="AWS_ACCESS_DENIED") if region == "eu-west-1" else None
    )
    operation = await request_deletion(world)
    await world.reconcile(ROLE)
    ended = await world.operation(operation)
    assert ended.error is not None
    assert [p[:2] for p in ended.error["preconditions"]] == [["REGION_UNREADABLE", "eu-west-1"]]
    assert world.aws.writes == []


async def test_all_known_regions_are_checked_if_unlistable(world: World) -> None:
    await declared(world)
    await world.reconcile(ROLE)
    world.aws.faults["ListRegions"] = lambda _: Permanent("no", reason="AWS_ACCESS_DENIED")
    operation = await request_deletion(world)
    await world.reconcile(ROLE)
    checked = {region for region, name, _ in world.aws.calls if name == "DescribeRegistry"}
    assert checked == set(world.aws.regions("aws"))
    ended = await world.operation(operation)
    assert ended.error is not None, "Regions that are not enabled cannot be read"


# A Region that botocore does not know.
NEW = "us-west-9"
SCANNING = {"registry_scanning_configuration": {"scanType": "BASIC", "rules": []}}


@pytest.mark.parametrize(
    ("settings", "enabled", "blocker", "reason"),
    [
        (None, True, "ROLE_IN_USE", "a Region that is newer than botocore and enabled is looked at"),
        (
            {"replication_configuration": RULES["replicationConfiguration"]},
            False,
            "REGION_UNREADABLE",
            "it is declared",
        ),
        (
            SCANNING,
            False,
            "REGION_UNREADABLE",
            "unmanaged elements may be in a Region where other settings are declared",
        ),
    ],
)
async def test_regions_of_account_and_declarations_are_checked(
    world: World, settings: dict[str, Any] | None, enabled: bool, blocker: str, reason: str
) -> None:
    await declared(world)
    await world.reconcile(ROLE)
    operation = await request_deletion(world)
    regions = ["us-east-1", NEW] if enabled else ["us-east-1"]
    await world.control("PUT", f"accounts/{ACCOUNT}", {"enabled_regions": regions})
    await world.seed(RULES, NEW)
    if settings is not None:
        await world.declare(settings, registry=RegistryName(ACCOUNT, NEW))
    await world.reconcile(ROLE)
    ended = await world.operation(operation)
    assert ended.error is not None, reason
    assert [p[:2] for p in ended.error["preconditions"]] == [[blocker, NEW]], reason
    assert await exists(world)


async def follow(world: World, operation: Operation, steps: int = 12) -> Operation:
    """Reconcile, and advance the simulated IAM, until the operation ends."""
    for _ in range(steps):
        if (stored := await world.operation(operation)).done:
            return stored
        await world.control("POST", "clock", {"advance": 1})
        world.seconds += 20
        world.aws.calls.clear()
        await world.engine.claim_once()
        await world.engine.drain()
    return await world.operation(operation)


async def test_unused_role_is_deleted_and_forgotten(world: World) -> None:
    await declared(world)
    await world.reconcile(ROLE)
    operation = await request_deletion(world)
    row = await world.reconcile(ROLE)
    assert world.aws.writes == ["DeleteServiceLinkedRole"]
    assert row.state["deletion"]["task"]
    ended = await follow(world, operation)
    assert (ended.done, ended.error, ended.metadata["phase"]) == (True, None, "DONE")
    # The result of the check of Regions stays in the operation.
    assert ended.metadata["usage"]
    assert not await exists(world)
    assert await world.db.read(lambda tx: resources.get(tx, str(ROLE))) is None


async def test_rejected_deletion_shows_regions_and_keeps_role(world: World) -> None:
    await declared(world)
    await world.reconcile(ROLE)
    operation = await request_deletion(world)

    async def somebody_replicates() -> None:
        await world.seed(RULES, "us-west-2")

    world.aws.before["DeleteServiceLinkedRole"] = somebody_replicates
    ended = await follow(world, operation)
    assert ended.error is not None
    assert ended.error["reason"] == "ROLE_DELETION_FAILED"
    assert [p[:2] for p in ended.error["preconditions"]] == [["ROLE_IN_USE", "us-west-2"]]
    assert await exists(world)
    row = await world.row(ROLE)
    assert "deletion" not in row.spec
    assert "deletion" not in row.state


async def test_forgotten_task_does_not_fail_deletion(world: World) -> None:
    await world.control("PUT", "settings", {"deletion_task_vanishes": True, "iam_delete_lag_reads": 2})
    await declared(world)
    await world.reconcile(ROLE)
    operation = await request_deletion(world)
    ended = await follow(world, operation)
    assert (ended.done, ended.error) == (True, None)
    assert not await exists(world)


async def test_lost_task_ends_deletion_after_half_an_hour(world: World) -> None:
    await declared(world)
    await world.reconcile(ROLE)
    operation = await request_deletion(world)
    await world.control("PUT", "settings", {"deletion_mode": "manual"})
    await world.reconcile(ROLE)
    world.aws.faults["GetServiceLinkedRoleDeletionStatus"] = lambda _: Permanent(
        "no such task", reason="AWS_REJECTED", aws_code="NoSuchEntity"
    )
    world.seconds += 1000
    await world.reconcile(ROLE)
    assert not (await world.operation(operation)).done
    world.seconds += 1000
    await world.reconcile(ROLE)
    ended = await world.operation(operation)
    assert ended.error is not None
    assert ended.error["reason"] == "DELETION_LOST"


async def test_missing_role_counts_as_deleted(world: World) -> None:
    await declared(world, mode="OBSERVE")
    await world.reconcile(ROLE)
    operation = await request_deletion(world)
    await world.engine.claim_once()
    await world.engine.drain()
    assert await world.db.read(lambda tx: resources.get(tx, str(ROLE))) is None
    ended = await world.operation(operation)
    assert (ended.done, ended.error) == (True, None)


async def test_deletion_forced_during_attempt_deletes_adopted_role(world: World) -> None:
    await world.raw("CreateServiceLinkedRole", "iam", AWSServiceName=SERVICE)
    await declared(world)
    operation = await request_deletion(world)

    async def force() -> None:
        spec = {**(await world.row(ROLE)).spec, "deletion": {"forced": True}}
        await world.db.write(lambda tx: resources.patch(tx, str(ROLE), spec=spec))

    world.aws.before["GetRole"] = force
    ended = await follow(world, operation)
    assert (ended.done, ended.error) == (True, None)
    assert not await exists(world)


async def test_role_deleted_by_others_is_absent_once_invisible(world: World) -> None:
    await declared(world)
    await world.reconcile(ROLE)
    await world.control("PUT", "settings", {"iam_delete_lag_reads": 3})
    operation = await request_deletion(world)
    await world.raw("DeleteServiceLinkedRole", "iam", RoleName=NAME)
    await world.control("POST", "clock", {"advance": 60})
    row = await world.reconcile(ROLE)
    assert world.aws.writes == ["DeleteServiceLinkedRole"]
    assert row.spec["deletion"]
    assert (await world.operation(operation)).metadata["phase"] == "CONFIRMING"
    ended = await follow(world, operation)
    assert (ended.done, ended.error) == (True, None)
    assert await world.db.read(lambda tx: resources.get(tx, str(ROLE))) is None
    assert not await exists(world)


async def test_denied_deletion_ends_after_half_an_hour(world: World) -> None:
    await declared(world)
    await world.reconcile(ROLE)
    operation = await request_deletion(world)
    world.aws.faults["DeleteServiceLinkedRole"] = lambda _: Permanent(
        "no such role", reason="AWS_REJECTED", aws_code="NoSuchEntity"
    )
    await world.reconcile(ROLE)
    assert not (await world.operation(operation)).done
    await world.resync(ROLE)
    ended = await world.operation(operation)
    assert ended.error is not None
    assert ended.error["reason"] == "DELETION_LOST"
    assert "deletion" not in (await world.row(ROLE)).state


async def test_forbidden_deletion_without_task_ends(world: World) -> None:
    await declared(world)
    await world.reconcile(ROLE)
    operation = await request_deletion(world)
    answers = [
        Permanent("no such role", reason="AWS_REJECTED", aws_code="NoSuchEntity"),
        Temporary("denied", reason="AWS_ACCESS_DENIED"),
    ]
    world.aws.faults["DeleteServiceLinkedRole"] = lambda _: answers.pop(0)
    await world.reconcile(ROLE)
    world.seconds += 20
    await world.reconcile(ROLE)
    ended = await world.operation(operation)
    assert ended.error is not None
    assert ended.error["reason"] == "AWS_ACCESS_DENIED"


async def test_invisible_role_is_deleted_once_visible(world: World) -> None:
    await world.control("PUT", "settings", {"iam_create_lag_reads": 3})
    world.seconds = float((await world.control("GET", "clock"))["now"])
    await declared(world)
    row = await world.reconcile(ROLE)
    assert row.state["error"]["reason"] == "ROLE_NOT_VISIBLE_YET"
    operation = await request_deletion(world)
    row = await world.reconcile(ROLE)
    assert reason_of(row, "Ready") == "DELETING"
    assert not (await world.operation(operation)).done
    assert await exists(world)
    ended = await follow(world, operation)
    assert (ended.done, ended.error) == (True, None)
    assert not await exists(world)


async def test_invisible_unowned_role_is_not_deleted(world: World) -> None:
    await world.control("PUT", "settings", {"iam_create_lag_reads": 3})
    await world.raw("CreateServiceLinkedRole", "iam", AWSServiceName=SERVICE)
    world.seconds = float((await world.control("GET", "clock"))["now"]) + 600
    await declared(world)
    await world.reconcile(ROLE)
    operation = await request_deletion(world)
    ended = await follow(world, operation)
    assert ended.error is not None
    assert ended.error["reason"] == "ROLE_ADOPTED"
    assert await exists(world)


async def test_role_missing_a_minute_after_create_was_not_created(world: World) -> None:
    world.aws.faults["CreateServiceLinkedRole"] = lambda _: Temporary("no answer", reason="AWS_UNREACHABLE")
    await declared(world)
    await world.reconcile(ROLE)
    operation = await request_deletion(world)
    await world.reconcile(ROLE)
    assert not (await world.operation(operation)).done
    ended = await follow(world, operation, steps=4)
    assert (ended.done, ended.error) == (True, None)
    assert world.aws.writes == []


async def test_role_redeclared_during_deletion_is_not_auto_created(
    world: World,
) -> None:
    """Replication waits for a role that is being deleted: ECR would recreate it."""
    await declared(world)
    await world.reconcile(ROLE)
    await world.control("PUT", "settings", {"deletion_mode": "manual"})
    await request_deletion(world)
    await world.reconcile(ROLE)
    await world.declare({"replication_configuration": RULES["replicationConfiguration"]})
    row = await world.reconcile()
    assert row.state["error"]["reason"] == "ROLE_BEING_DELETED"
    assert "PutReplicationConfiguration" not in world.aws.writes


async def test_role_created_by_ecr_has_that_provenance(world: World) -> None:
    await world.declare({"replication_configuration": RULES["replicationConfiguration"]})
    await world.reconcile()
    row = await world.reconcile(ROLE)
    assert row.state["provenance"] == "AUTO_CREATED"
    assert row.role_spec == RoleSpec(managed=False)
    assert world.aws.writes == []


async def test_role_recreated_by_others_is_adopted(world: World) -> None:
    await declared(world)
    assert (await world.reconcile(ROLE)).state["provenance"] == "CREATED"
    await world.raw("DeleteServiceLinkedRole", "iam", RoleName=NAME)
    await world.control("POST", "clock", {"advance": 600})
    await world.raw("CreateServiceLinkedRole", "iam", AWSServiceName=SERVICE)
    row = await world.resync(ROLE)
    assert row.state["provenance"] == "ADOPTED"
    operation = await request_deletion(world)
    await world.reconcile(ROLE)
    assert ((await world.operation(operation)).error or {})["reason"] == "ROLE_ADOPTED"
    assert await exists(world)


async def test_role_recreated_by_us_is_created(world: World) -> None:
    await declared(world)
    await world.reconcile(ROLE)
    await world.raw("DeleteServiceLinkedRole", "iam", RoleName=NAME)
    await world.control("POST", "clock", {"advance": 600})
    row = await world.resync(ROLE)
    assert (row.state["provenance"], row.state["remediation"]["drift"][0]["kind"]) == ("CREATED", "MISSING")


ENDLESS = [("SUCCEEDED", "IAM has finished, and the role stays"), ("IN_PROGRESS", "IAM never finishes")]


@pytest.mark.parametrize(("status", "reason"), ENDLESS)
async def test_endless_deletion_is_abandoned(world: World, status: str, reason: str) -> None:
    await declared(world)
    await world.reconcile(ROLE)
    read, send = world.aws.client.call, world.aws.client.write

    async def write(sent: Call) -> Any:
        if sent.operation == "DeleteServiceLinkedRole":
            return {"DeletionTaskId": "task/x"}
        return await send(sent)

    async def call(account: str, region: str, service: str, operation: str, params: Any) -> Any:
        if operation == "GetServiceLinkedRoleDeletionStatus":
            return {"Status": status}
        return await read(account, region, service, operation, params)

    world.aws.client.call, world.aws.client.write = call, write  # type: ignore[method-assign]
    operation = await request_deletion(world)
    for _ in range(4):
        world.seconds += 600
        await world.reconcile(ROLE)
    ended = await world.operation(operation)
    assert ended.done, reason
    assert (ended.error or {})["reason"] == "DELETION_LOST"
    # The role can be declared and changed as before.
    assert "deletion" not in (await world.row(ROLE)).spec


async def test_region_with_unknown_document_may_use_the_role(world: World) -> None:
    await world.seed({"unknown_members": {"DescribeRegistry": {"replicationConfiguration.ruleSets": [{"a": 1}]}}})
    usage = await role_usage(world.aws, ACCOUNT, ROLES["replication"], ["us-east-1", "eu-west-1"], {})
    assert [(each.region, each.state) for each in usage] == [("us-east-1", "UNKNOWN"), ("eu-west-1", "FREE")]
    assert "ruleSets" in usage[0].message


async def test_role_created_earlier_is_adopted_with_equal_clocks(world: World) -> None:
    world.seconds = float((await world.control("GET", "clock"))["now"])

    async def race() -> None:
        await world.raw("CreateServiceLinkedRole", "iam", AWSServiceName=SERVICE)

    world.aws.before["CreateServiceLinkedRole"] = race
    await declared(world)
    assert (await world.reconcile(ROLE)).state["provenance"] == "ADOPTED"


async def test_role_recreated_since_observation_needs_force(world: World) -> None:
    await declared(world)
    assert (await world.reconcile(ROLE)).state["provenance"] == "CREATED"
    await world.raw("DeleteServiceLinkedRole", "iam", RoleName=NAME)
    await world.control("POST", "clock", {"advance": 600})
    await world.raw("CreateServiceLinkedRole", "iam", AWSServiceName=SERVICE)
    operation = await request_deletion(world)
    await world.reconcile(ROLE)
    assert ((await world.operation(operation)).error or {}).get("reason") == "ROLE_ADOPTED"
    assert await exists(world)


async def test_unset_tag_is_not_removed_with_declaration(world: World) -> None:
    def rejection(_: str) -> Permanent:
        return Permanent("no", reason="AWS_REJECTED", aws_code="InvalidInput")

    await world.raw("CreateServiceLinkedRole", "iam", AWSServiceName=SERVICE)
    await world.raw("TagRole", "iam", RoleName=NAME, Tags=[{"Key": "env", "Value": "theirs"}])
    world.aws.faults["TagRole"] = rejection
    await declared(world, tags={"env": "ours"})
    assert holds(await world.reconcile(ROLE), "Blocked")
    await world.set_spec({"tags": {}}, ROLE)
    await world.reconcile(ROLE)
    role = (await world.raw("GetRole", "iam", RoleName=NAME))["Role"]
    assert role["Tags"] == [{"Key": "env", "Value": "theirs"}]


async def test_tag_with_rejected_new_value_is_removed_with_declaration(world: World) -> None:
    def rejection(_: str) -> Permanent:
        return Permanent("no", reason="AWS_REJECTED", aws_code="InvalidInput", operation="TagRole")

    await declared(world, tags={"team": "a"})
    await world.reconcile(ROLE)
    world.aws.faults["TagRole"] = rejection
    await declared(world, tags={"team": "b"})
    await world.reconcile(ROLE)
    del world.aws.faults["TagRole"]
    await declared(world, tags={})
    assert (await world.reconcile(ROLE)).state["role"]["tags"] == {}


async def test_observe_mode_does_not_take_ownership_of_tags(world: World) -> None:
    await world.raw("CreateServiceLinkedRole", "iam", AWSServiceName=SERVICE)
    await world.raw("TagRole", "iam", RoleName=NAME, Tags=[{"Key": "team", "Value": "a"}])
    await declared(world, tags={"team": "a"}, mode="OBSERVE")
    await world.reconcile(ROLE)
    await declared(world, tags={}, mode="ENFORCE")
    assert (await world.reconcile(ROLE)).state["role"]["tags"] == {"team": "a"}


async def test_role_reappearing_after_absence_is_adopted(world: World) -> None:
    await declared(world)
    await world.reconcile(ROLE)
    await declared(world, mode="OBSERVE")
    await world.raw("DeleteServiceLinkedRole", "iam", RoleName=NAME)
    await world.control("POST", "clock", {"advance": 600})
    await world.resync(ROLE)
    await world.raw("CreateServiceLinkedRole", "iam", AWSServiceName=SERVICE)
    assert (await world.resync(ROLE)).state["provenance"] == "ADOPTED"
