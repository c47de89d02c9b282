"""Errors of a resource have the right cause and code, while they last."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from ecrkeeper_server.api.messages import registry_settings as render
from ecrkeeper_server.api.messages import role as role_message
from ecrkeeper_server.aws_errors import AwsError, Permanent, Temporary
from ecrkeeper_server.store import declarations
from google.rpc import code_pb2

from .conftest import ACCOUNT, REGION, REGISTRY, ROLE, World, holds, reason_of

QUAY = {"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io"}
RULES = {"replicationConfiguration": {"rules": [{"destinations": [{"region": "us-west-2", "registryId": ACCOUNT}]}]}}
V1_ONLY, BEYOND_V1 = "ecr:ReplicateImage", "ecr:BatchGetImage"


def caching(*rules: dict[str, str]) -> dict[str, Any]:
    return {"pull_through_cache_rules": {"rules": list(rules)}}


def policy(action: str) -> dict[str, Any]:
    statement = {
        "Sid": "X", "Effect": "Allow", "Principal": {"AWS": "222222222222"}, "Action": action,
        "Resource": f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/*",
    }  # fmt: skip
    return {"registry_policy": {"policyText": json.dumps({"Version": "2012-10-17", "Statement": [statement]})}}


SCOPE_V2 = {"account_settings": {"settings": [{"name": "REGISTRY_POLICY_SCOPE", "value": "V2"}]}}
GENERIC = {
    "kind": "error", "operation": "PutRegistryPolicy", "code": "InvalidParameterException", "status": 400,
    "message": "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid registry policy provided'",
}  # fmt: skip
# scope in AWS, declared, reason of the error, its code, whether it names the scope, reason
REJECTED = [
    ("V2", policy(BEYOND_V1), "AWS_REJECTED", "INVALID_ARGUMENT", False, "under V2 the scope is not to blame"),
    ("V2", policy(BEYOND_V1) | SCOPE_V2, "AWS_REJECTED", "INVALID_ARGUMENT", False, "the scope is known already"),
    ("V1", policy(BEYOND_V1), "REGISTRY_POLICY_REJECTED", "FAILED_PRECONDITION", True, "V1 does not take the action"),
    ("V1", policy(V1_ONLY), "AWS_REJECTED", "INVALID_ARGUMENT", False, "V1 takes this action: it is something else"),
    ("V1", policy(BEYOND_V1) | SCOPE_V2, "AWS_REJECTED", "INVALID_ARGUMENT", False, "V2 was written first"),
]


@pytest.mark.parametrize(("scope", "declared", "name", "code", "blamed", "reason"), REJECTED)
async def test_rejected_policy_blames_scope_only_with_v1(
    world: World, scope: str, declared: dict[str, Any], name: str, code: str, blamed: bool, reason: str
) -> None:
    await world.seed({"scope": scope})
    await world.control("POST", "faults", GENERIC)
    await world.declare(declared)
    row = await world.reconcile()
    assert reason_of(row, "Blocked") == name, reason
    assert row.state["error"]["code"] == code
    assert ("SCOPE" in row.state["error"]["message"]) is blamed
    assert "Invalid registry policy provided" in row.state["error"]["message"]
    assert row.state["error"]["metadata"]["aws_code"] == "InvalidParameter"


async def test_unreadable_scope_is_not_blamed(world: World) -> None:
    await world.seed({"scope": "V1"})
    world.aws.faults["GetAccountSetting"] = lambda _: Temporary("no", reason="AWS_UNAVAILABLE")
    await world.declare(policy(BEYOND_V1))
    row = await world.reconcile()
    assert row.state["error"]["reason"] == "AWS_REJECTED"
    assert "SCOPE" not in row.state["error"]["message"]


async def test_scope_is_not_read_if_policy_is_accepted(world: World) -> None:
    await world.declare(policy(V1_ONLY))
    assert holds(await world.reconcile(), "Ready")
    assert "GetAccountSetting" not in {operation for _, operation, _ in world.aws.calls}


def denied(reason: str) -> AwsError:
    return Temporary("no", reason=reason, after=60.0, grpc_code="FAILED_PRECONDITION")


BLOCKING = [
    (denied("AWS_ACCESS_DENIED"), True, "somebody must grant it"),
    (denied("AWS_NO_CREDENTIALS"), True, "somebody must give credentials"),
    (denied("AWS_CREDENTIALS_REJECTED"), True, "somebody must enable the Region, or set the clock"),
    (denied("SECRET_UNUSABLE"), True, "somebody must create the secret"),
    (Permanent("no", reason="AWS_REJECTED"), True, "somebody must declare something else"),
    (Temporary("no", reason="AWS_THROTTLED"), False, "it passes"),
    (Temporary("no", reason="AWS_UNREACHABLE"), False, "it passes"),
    (Temporary("no", reason="AWS_UNAVAILABLE"), False, "it passes"),
]


@pytest.mark.parametrize(("error", "blocked", "reason"), BLOCKING)
async def test_terminal_error_sets_blocked(world: World, error: AwsError, blocked: bool, reason: str) -> None:
    world.aws.faults["CreatePullThroughCacheRule"] = lambda _: error
    await world.declare(caching(QUAY))
    operation = await world.begin("ReconcileRegistry")
    row = await world.reconcile()
    assert holds(row, "Blocked") is blocked, reason
    assert reason_of(row, "Blocked") == (error.reason if blocked else "NOT_BLOCKED")
    assert not holds(row, "Ready") and not holds(row, "Synced")
    # A waiting call is answered at once; a generation that only waits is not finished.
    assert (await world.operation(operation)).done is blocked
    assert (row.observed_generation == row.generation) is blocked
    if isinstance(error, Temporary):
        assert 0 < (await world.due_in() or 0) <= 120, "it is tried again all the same"
    del world.aws.faults["CreatePullThroughCacheRule"]
    row = await world.resync()
    assert holds(row, "Ready") and reason_of(row, "Blocked") == "NOT_BLOCKED"


BESIDE: list[tuple[Sequence[AwsError], str, float, str]] = [
    ([denied("AWS_ACCESS_DENIED"), Temporary("x", reason="CHANGED_MEANWHILE")], "AWS_ACCESS_DENIED", 10, "soon for the other"),
    ([denied("AWS_ACCESS_DENIED"), Permanent("x", reason="AWS_REJECTED")], "AWS_REJECTED", 120, "as slowly as the denied one"),
    ([Temporary("x", reason="CHANGED_MEANWHILE"), Permanent("x", reason="AWS_REJECTED")], "AWS_REJECTED", 10, "soon for the other"),
]  # fmt: skip


@pytest.mark.parametrize(("errors", "shown", "soon", "reason"), BESIDE)
async def test_worst_error_is_shown_and_earliest_retry_used(
    world: World, errors: Sequence[AwsError], shown: str, soon: float, reason: str
) -> None:
    world.aws.faults["CreatePullThroughCacheRule"] = lambda _: errors[0]
    world.aws.faults["PutRegistryPolicy"] = lambda _: errors[1]
    await world.declare({**caching(QUAY), **policy(V1_ONLY)})
    row = await world.reconcile()
    assert reason_of(row, "Blocked") == row.state["error"]["reason"] == shown
    assert 0 < (await world.due_in() or 0) <= soon, reason


HUB = {
    "ecrRepositoryPrefix": "hub", "upstreamRegistryUrl": "registry-1.docker.io",
    "credentialArn": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:ecr-pullthroughcache/hub-AbCdEf",
}  # fmt: skip
# before, after, the members that ECR cannot change in place, reason
REPLACED = [
    (QUAY, {**QUAY, "upstreamRegistryUrl": "public.ecr.aws"}, ["upstreamRegistryUrl"], "another host"),
    (QUAY, {**QUAY, "upstreamRepositoryPrefix": "team"}, ["upstreamRepositoryPrefix"], "another prefix there"),
    (
        QUAY, {**QUAY, "upstreamRegistryUrl": "public.ecr.aws", "upstreamRepositoryPrefix": "team"},
        ["upstreamRegistryUrl", "upstreamRepositoryPrefix"], "both",
    ),
    (
        {**HUB, "ecrRepositoryPrefix": "quay"}, QUAY,
        ["upstreamRegistryUrl", "credentialArn"], "a credential can be set, not unset",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "members", "reason"), REPLACED)
async def test_forbidden_replacement_names_members(
    world: World, before: dict[str, str], after: dict[str, str], members: list[str], reason: str
) -> None:
    await world.seed({"pullThroughCacheRules": [before]})
    await world.declare(caching(after))
    error = (await world.reconcile()).state["error"]
    assert error["reason"] == "REPLACEMENT_NOT_ALLOWED"
    assert f"cannot change {', '.join(members)} of quay in place" in error["message"], reason
    assert "allow_replacement" in error["message"] and "team-a" in error["message"]
    assert [row[1] for row in error["preconditions"]] == [f"pull_through_cache_rules quay {m}" for m in members]


async def test_contradicting_unmanaged_element_is_a_conflict(world: World) -> None:
    filters = [{"filter": "*", "filterType": "WILDCARD"}]
    unmanaged = {"scanFrequency": "CONTINUOUS_SCAN", "repositoryFilters": filters}
    await world.seed({"scanning": {"scanType": "ENHANCED", "rules": [unmanaged]}})
    await world.declare({"scanning_configuration": {"scanType": "BASIC", "rules": []}})
    error = (await world.reconcile()).state["error"]
    assert (error["code"], error["reason"]) == ("FAILED_PRECONDITION", "UNMANAGED_ELEMENTS_EXCEED_QUOTA")
    assert [row[1] for row in error["preconditions"]] == ["scanning_configuration CONTINUOUS_SCAN:*"]


async def test_unmanaged_elements_exceeding_quota_are_reported(world: World) -> None:
    await world.seed({"pullThroughCacheRules": [{**QUAY, "ecrRepositoryPrefix": f"f{i}"} for i in range(50)]})
    await world.declare(caching(QUAY))
    row = await world.reconcile()
    shown = render.settings((await declared(world)), row).last_error
    assert shown.code == code_pb2.RESOURCE_EXHAUSTED
    assert [detail.type_url.rpartition(".")[2] for detail in shown.details] == ["ErrorInfo", "QuotaFailure"]
    assert "51 with 50 unmanaged ones, and AWS allows 50" in shown.message


async def declared(world: World) -> Any:
    (declaration,) = await world.db.read(lambda tx: declarations.of_registry(tx, REGISTRY))
    return declaration


async def refuse_deletion(world: World) -> None:
    await world.control("PUT", f"accounts/{ACCOUNT}", {"enabled_regions": ["us-east-1", "us-west-2"]})
    await world.set_spec({"managed": True}, ROLE)
    await world.reconcile(ROLE)
    await world.seed(RULES, "us-east-1")
    await world.set_spec({"deletion": {"forced": False}}, ROLE)
    await world.begin("DeleteServiceLinkedRole", ROLE)
    await world.reconcile(ROLE)


async def last_error(world: World) -> Any:
    return role_message.role(await world.row(ROLE), "aws").last_error


async def test_rejected_deletion_stays_visible_over_resyncs(world: World) -> None:
    await refuse_deletion(world)
    for _ in range(3):
        row = await world.row(ROLE)
        shown = await last_error(world)
        assert shown.code == code_pb2.FAILED_PRECONDITION
        assert [detail.type_url.rpartition(".")[2] for detail in shown.details] == ["ErrorInfo", "PreconditionFailure"]
        assert reason_of(row, "Ready") == "ROLE_IN_USE" and "still in use" in shown.message
        # The role is as declared, and no error prevents that.
        assert holds(row, "Ready") and not holds(row, "Blocked")
        await world.resync(ROLE)


async def test_rejected_deletion_is_cleared_by_new_declaration(world: World) -> None:
    await refuse_deletion(world)
    await world.set_spec({"description": "new"}, ROLE)
    assert not (await last_error(world)).code, "at once"
    row = await world.reconcile(ROLE)
    assert not (await last_error(world)).code
    assert reason_of(row, "Ready") == "IN_SYNC"


async def test_rejected_deletion_is_cleared_by_next_attempt(world: World) -> None:
    await refuse_deletion(world)
    await world.seed({"replicationConfiguration": {"rules": []}}, "us-east-1")
    await world.set_spec({"deletion": {"forced": False}}, ROLE)
    await world.begin("DeleteServiceLinkedRole", ROLE)
    await world.reconcile(ROLE)
    assert not (await last_error(world)).code


async def test_denied_deletion_stays_visible(world: World) -> None:
    await world.set_spec({"managed": True}, ROLE)
    await world.reconcile(ROLE)
    await world.control("PUT", f"accounts/{ACCOUNT}", {"enabled_regions": ["us-east-1"]})
    world.aws.faults["DeleteServiceLinkedRole"] = lambda _: denied("AWS_ACCESS_DENIED")
    await world.set_spec({"deletion": {"forced": False}}, ROLE)
    await world.begin("DeleteServiceLinkedRole", ROLE)
    await world.reconcile(ROLE)
    await world.resync(ROLE)
    assert (await last_error(world)).message == "no"
    assert reason_of(await world.row(ROLE), "Ready") == "AWS_ACCESS_DENIED"


async def test_unknown_service_principal_is_not_a_permission_error(world: World) -> None:
    text = "replication.ecr.amazonaws.com is not a valid AWS service name (Service Principal)"
    fault = {"kind": "error", "operation": "CreateServiceLinkedRole", "code": "AccessDenied", "status": 403}
    await world.control("POST", "faults", {**fault, "message": text})
    await world.set_spec({"managed": True}, ROLE)
    row = await world.reconcile(ROLE)
    assert reason_of(row, "Blocked") == "SERVICE_PRINCIPAL_UNKNOWN"
    assert text in row.state["error"]["message"] and "needs iam" not in row.state["error"]["message"]
