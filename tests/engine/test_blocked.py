"""Terminal errors of every kind block a resource."""

from __future__ import annotations

import pytest
from ecrkeeper.v1.role_pb2 import ServiceLinkedRole
from ecrkeeper_server.api.messages.operation import operation_message
from ecrkeeper_server.aws_errors import AwsError, Permanent, Temporary
from ecrkeeper_server.names import RegistryName

from .conftest import ACCOUNT, REGISTRY, ROLE, World, holds, reason_of

CACHED = {"pull_through_cache_rules": {"rules": [{"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io"}]}}
REPLICATED = {
    "replication_configuration": {"rules": [{"destinations": [{"region": "us-west-2", "registryId": ACCOUNT}]}]}
}
ERRORS = [
    (Permanent("no", reason="AWS_REJECTED"), True, "AWS rejects it"),
    (Permanent("no", reason="AWS_QUOTA_EXCEEDED"), True, "a quota is used up"),
    (Permanent("no", reason="BLOCKED_BY_ORGANIZATION_POLICY"), True, "the organization forbids it"),
    (Temporary("no", reason="AWS_ACCESS_DENIED"), True, "somebody has to grant the right"),
    (Temporary("no", reason="REGION_NOT_ENABLED"), True, "somebody has to enable the Region"),
    (Temporary("no", reason="SECRET_UNUSABLE"), True, "somebody has to mend the secret"),
    (Temporary("no", reason="AWS_THROTTLED"), False, "it passes"),
    (Temporary("no", reason="REGION_BEING_ENABLED"), False, "AWS enables the Region"),
]


@pytest.mark.parametrize(("error", "blocked", "reason"), ERRORS)
async def test_registry_is_blocked_by_terminal_errors(
    world: World, error: AwsError, blocked: bool, reason: str
) -> None:
    world.aws.faults["CreatePullThroughCacheRule"] = lambda _: error
    await world.declare(CACHED)
    row = await world.reconcile()
    assert holds(row, "Blocked") is blocked, reason
    assert not holds(row, "Synced") and not holds(row, "Ready")


async def test_registry_in_disabled_region_is_blocked(world: World) -> None:
    name = RegistryName(ACCOUNT, "me-south-1")
    await world.declare(CACHED, registry=name)
    assert reason_of(await world.reconcile(name), "Blocked") == "REGION_NOT_ENABLED"


async def test_registry_is_blocked_with_its_declared_role(world: World) -> None:
    denied = Temporary("not allowed", reason="AWS_ACCESS_DENIED", after=60)
    world.aws.faults["CreateServiceLinkedRole"] = lambda _: denied
    await world.set_spec({"managed": True}, ROLE)
    assert holds(await world.reconcile(ROLE), "Blocked")
    await world.declare(REPLICATED)
    row = await world.reconcile()
    assert reason_of(row, "Blocked") == "ROLE_BLOCKED"
    assert "not allowed" in row.state["error"]["message"]
    del world.aws.faults["CreateServiceLinkedRole"]
    await world.resync(ROLE)
    assert reason_of(await world.resync(), "Ready") == "IN_SYNC"


async def test_operation_stores_registry_at_its_end(world: World) -> None:
    await world.declare(CACHED)
    operation = await world.begin("ReconcileRegistry")
    await world.reconcile()
    ended = await world.operation(operation)
    assert ended.done and ended.response is not None
    assert ended.response["name"] == str(REGISTRY)
    assert ended.response["element_counts"] == [["pull_through_cache_rules", "IN_SYNC", 1]]
    (status,) = ended.response["declarations"]
    assert status["observed_generation"] == status["generation"]
    await world.declare({}, owner="team-a")
    await world.reconcile()
    assert (await world.operation(operation)).response == ended.response


async def test_role_operation_stores_role(world: World) -> None:
    await world.set_spec({"managed": True, "tags": {"team": "a"}}, ROLE)
    operation = await world.begin("ReconcileServiceLinkedRole", ROLE)
    await world.reconcile(ROLE)
    message = operation_message("aws", await world.operation(operation))
    role = ServiceLinkedRole()
    assert message.response.Unpack(role)
    assert (role.name, role.state, dict(role.tags)) == (str(ROLE), ServiceLinkedRole.ACTIVE, {"team": "a"})
