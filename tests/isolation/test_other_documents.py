"""Isolation in all documents, and errors of collections with element and owner."""

from __future__ import annotations

from typing import Any

import pytest
from ecrkeeper_server.aws.call import Call
from ecrkeeper_server.aws_errors import AwsError, Permanent, Temporary
from ecrkeeper_server.store import resources
from ecrkeeper_server.store.tables import schedule
from sqlalchemy import update

from tests.engine.conftest import ACCOUNT, REGISTRY, ROLE, World, holds

from .conftest import own, puts

PROFILES = [f"arn:aws:signer:us-east-1:{ACCOUNT}:/signing-profiles/p{i}" for i in range(2)]


def replicated(region: str, *prefixes: str) -> dict[str, Any]:
    rule = {
        "destinations": [{"region": region, "registryId": ACCOUNT}],
        "repositoryFilters": [{"filter": each, "filterType": "PREFIX_MATCH"} for each in prefixes],
    }
    return {"replication_configuration": {"rules": [rule]}}


def signed(profile: str) -> dict[str, Any]:
    return {"signing_configuration": {"rules": [{"signingProfileArn": profile}]}}


def scanned(pattern: str) -> dict[str, Any]:
    filters = [{"filter": pattern, "filterType": "WILDCARD"}]
    return {"scanning_configuration": {"rules": [{"scanFrequency": "SCAN_ON_PUSH", "repositoryFilters": filters}]}}


# text that AWS rejects anywhere in a request, two owners' settings, operation, shape in AWS, metadata
DOCUMENTS = [
    (
        "eu-west-2", replicated("eu-west-2", "aa", "bb", "cc"), replicated("eu-west-1", "aa"),
        "PutReplicationConfiguration", "replicationConfiguration", ("destination", f"{ACCOUNT}/eu-west-2"),
    ),
    (
        PROFILES[0], signed(PROFILES[0]), signed(PROFILES[1]),
        "PutSigningConfiguration", "signing", ("signing_profile", PROFILES[0]),
    ),
    (
        "bad*", scanned("bad*"), scanned("good*"),
        "PutRegistryScanningConfiguration", "scanning", ("key", "SCAN_ON_PUSH:bad*"),
    ),
]  # fmt: skip


def refuse(world: World, operation: str, text: str) -> None:
    """Reject every request of an operation that contains a text."""
    inner = world.aws.client.write

    async def write(call: Call) -> Any:
        if call.operation == operation and text in str(call.params):
            assert call.ready is not None
            await call.ready()
            assert call.fence is not None
            await call.fence()
            raise Permanent(f"no {text}", reason="AWS_REJECTED", aws_code="InvalidParameter", operation=operation)
        return await inner(call)

    world.aws.client.write = write  # type: ignore[method-assign]


@pytest.mark.parametrize(
    ("text", "bad", "good", "operation", "member", "fact"), DOCUMENTS, ids=[d[3] for d in DOCUMENTS]
)
async def test_rejected_document_element_blocks_only_its_owner(
    world: World, text: str, bad: Any, good: Any, operation: str, member: str, fact: tuple[str, str]
) -> None:
    refuse(world, operation, text)
    await world.declare(bad, owner="bad")
    await world.declare(good, owner="good")
    row = await world.reconcile()
    assert text not in str((await world.present())[member])
    assert (await world.present())[member] not in (None, {"rules": []})
    assert own(row, "good")["Ready"] == ("TRUE", "IN_SYNC")
    assert own(row, "bad")["Blocked"] == ("TRUE", "AWS_REJECTED")
    metadata = row.state["error"]["metadata"]
    assert (metadata["owner"], metadata[fact[0]]) == ("bad", fact[1])
    assert holds(row, "Blocked")
    # It is a suspect now: the next change takes one call.
    before = len(await puts(world, operation))
    await world.declare({**good, "pull_time_update_exclusions": {}}, owner="good")
    await world.reconcile()
    assert len(await puts(world, operation)) == before


async def test_rejected_destination_is_isolated(world: World) -> None:
    refuse(world, "PutReplicationConfiguration", "eu-west-2")
    many = [f"p{i}" for i in range(90)]
    await world.declare(replicated("eu-west-2", *many), owner="bad")
    await world.declare(replicated("eu-west-1", *many), owner="good")
    row = await world.reconcile()
    assert own(row, "good")["Ready"][0] == "TRUE"
    assert len(row.state["suspects"]["replication_configuration"]) == 1
    rejected = [name for name in world.aws.writes if name == "PutReplicationConfiguration"]
    assert len(rejected) <= 3


async def test_suspect_is_not_retried_during_role_deletion(world: World) -> None:
    refuse(world, "PutReplicationConfiguration", "eu-west-2")
    await world.declare(replicated("eu-west-2", "aa"), owner="bad")
    await world.reconcile()
    await world.set_spec({"deletion": {"operation": "x"}}, ROLE)
    # Without the role, its deletion would end, perhaps before the registry is looked at.
    postponed = update(schedule).where(schedule.c.name == str(ROLE)).values(due_at=2**60)
    await world.db.write(lambda tx: tx.conn.execute(postponed))
    await world.db.write(lambda tx: resources.request(tx, str(REGISTRY)))
    world.seconds += 2000
    before = len(await puts(world, "PutReplicationConfiguration"))
    world.aws.calls.clear()
    await world.begin("ReconcileRegistry")
    assert await world.engine.claim_once()
    await world.engine.drain()
    assert len(await puts(world, "PutReplicationConfiguration")) == before
    assert "PutReplicationConfiguration" not in world.aws.writes


def refusing(prefix: str, error: type[AwsError]) -> Any:
    def fault(_: str) -> AwsError | None:
        return error("no", reason="AWS_REJECTED", aws_code="Validation", operation="CreatePullThroughCacheRule")

    return fault


@pytest.mark.parametrize("error", [Permanent, Temporary])
async def test_rejected_collection_element_names_key_and_owner(world: World, error: type[AwsError]) -> None:
    world.aws.faults["CreatePullThroughCacheRule"] = refusing("quay", error)
    rule = {"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io"}
    await world.declare({"pull_through_cache_rules": {"rules": [rule]}}, owner="bad")
    await world.declare({"pull_time_update_exclusions": {}}, owner="good")
    row = await world.reconcile()
    metadata = row.state["error"]["metadata"]
    assert (metadata["setting"], metadata["key"], metadata["owner"]) == ("pull_through_cache_rules", "quay", "bad")
    assert own(row, "good")["Ready"][0] == "TRUE"
    assert own(row, "bad")["Synced"] == ("FALSE", "AWS_REJECTED")


async def test_forbidden_replacement_names_key_and_owner(world: World) -> None:
    rules = [{"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": url} for url in ("quay.io", "public.ecr.aws")]
    await world.declare({"pull_time_update_exclusions": {}}, owner="good")
    for rule in rules:
        await world.declare({"pull_through_cache_rules": {"rules": [rule]}}, owner="bad")
        row = await world.reconcile()
    metadata = row.state["error"]["metadata"]
    assert (metadata["setting"], metadata["key"], metadata["owner"]) == ("pull_through_cache_rules", "quay", "bad")
    assert own(row, "bad")["Blocked"] == ("TRUE", "REPLACEMENT_NOT_ALLOWED")
    assert own(row, "good")["Ready"] == ("TRUE", "IN_SYNC")


async def test_unreadable_setting_affects_its_declarers(world: World) -> None:
    world.aws.faults["GetSigningConfiguration"] = lambda _: Permanent("no", reason="AWS_REJECTED")
    await world.declare(signed(PROFILES[0]), owner="bad")
    await world.declare(scanned("good*"), owner="good")
    row = await world.reconcile()
    assert own(row, "bad")["Blocked"] == ("TRUE", "AWS_REJECTED")
    assert own(row, "good")["Ready"] == ("TRUE", "IN_SYNC")


async def test_registry_error_affects_all_owners(world: World) -> None:
    world.aws.faults["GetSigningConfiguration"] = lambda _: Temporary("slow", reason="AWS_THROTTLED")
    await world.declare(signed(PROFILES[0]), owner="one")
    await world.declare(scanned("good*"), owner="two")
    row = await world.reconcile()
    for owner in ("one", "two"):
        assert own(row, owner)["Synced"] == ("FALSE", "AWS_THROTTLED")


async def test_owner_keeps_its_ready_time(world: World) -> None:
    await world.declare(scanned("good*"), owner="good")
    first = await world.reconcile()
    since = {c["type"]: c["since"] for c in first.state["conditions"]}["Ready"]
    refuse(world, "PutSigningConfiguration", PROFILES[0])
    world.seconds += 10
    await world.declare(signed(PROFILES[0]), owner="bad")
    await world.reconcile()
    world.seconds += 10
    await world.withdraw("bad")
    row = await world.reconcile()
    assert holds(row, "Ready")
    conditions = row.state["owners"]["good"]["conditions"]
    assert {c["type"]: c["since"] for c in conditions}["Ready"] == since
