"""One owner, setting or error must not affect the others of the registry."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from ecrkeeper_server.aws.call import Call
from ecrkeeper_server.aws_errors import AwsError, Permanent, Temporary
from ecrkeeper_server.names import SettingsName
from ecrkeeper_server.store import declarations, operations, resources
from ecrkeeper_server.store.backfills import BackfillMetadata
from ecrkeeper_server.store.rows import Revision

from .conftest import ACCOUNT, REGISTRY, ROLE, World, holds, reason_of
from .test_reconcile_registry import K8S, QUAY, REPLICATED, caching, prefixes

BY_HAND = {"region": "eu-west-1", "registryId": ACCOUNT}
WEST = {"region": "us-west-2", "registryId": ACCOUNT}
STATEMENT = {
    "Sid": "A",
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::222222222222:root"},
    "Action": ["ecr:ReplicateImage"],
    "Resource": f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/*",
}
POLICY = {
    "registry_policy": {"policyText": json.dumps({"Version": "2012-10-17", "Statement": [STATEMENT]})},
}
OTHER_CACHE = {**QUAY, "upstreamRegistryUrl": "public.ecr.aws"}


def refused_for_good(_: str) -> AwsError:
    return Permanent("no", reason="AWS_REJECTED", aws_code="ValidationException")


def throttled(_: str) -> AwsError:
    return Temporary("slow", reason="AWS_THROTTLED", aws_code="ThrottlingException")


def at_the_second_call(error: AwsError) -> Callable[[str], AwsError | None]:
    calls: list[str] = []

    def fault(region: str) -> AwsError | None:
        calls.append(region)
        return error if len(calls) == 2 else None

    return fault


async def rules(world: World) -> Any:
    return (await world.present())["replicationConfiguration"]["rules"]


async def test_concurrent_addition_to_document_is_preserved(world: World) -> None:
    await world.declare({**caching(QUAY), **REPLICATED})

    async def somebody() -> None:
        await world.raw(
            "PutReplicationConfiguration", replicationConfiguration={"rules": [{"destinations": [BY_HAND]}]}
        )

    world.aws.before["CreatePullThroughCacheRule"] = somebody
    row = await world.reconcile()
    assert row.state["error"]["reason"] == "CHANGED_MEANWHILE"
    assert await rules(world) == [{"destinations": [BY_HAND]}]
    row = await world.resync()
    assert holds(row, "Ready")
    assert {d["region"] for rule in await rules(world) for d in rule["destinations"]} == {"eu-west-1", "us-west-2"}


async def test_terminal_error_does_not_delay_retries(world: World) -> None:
    world.aws.faults |= {"PutRegistryPolicy": refused_for_good, "PutReplicationConfiguration": throttled}
    await world.declare(POLICY, owner="team-a")
    await world.declare(REPLICATED, owner="team-b")
    operation = await world.begin("ReconcileRegistry")
    row = await world.reconcile()
    assert (reason_of(row, "Blocked"), row.failures, row.urgent) == ("AWS_REJECTED", 1, True)
    assert (await world.due_in() or 900) < 5
    assert not (await world.operation(operation)).done
    del world.aws.faults["PutReplicationConfiguration"]
    world.seconds += 5
    row = await world.reconcile()
    assert await rules(world)
    assert (row.failures, await world.due_in()) == (0, pytest.approx(900 * 1.2))
    assert ((await world.operation(operation)).error or {})["reason"] == "AWS_REJECTED"


async def test_backfill_is_polled_despite_terminal_error(world: World) -> None:
    world.aws.faults["PutRegistryPolicy"] = refused_for_good
    await world.declare({**REPLICATED, **POLICY})
    await world.reconcile()

    def start(tx: Any) -> Any:
        row = resources.request(tx, str(REGISTRY))
        return operations.create(tx, "StartReplicationBackfill", row, BackfillMetadata.of(WEST), caller="x")

    await world.db.write(start)
    await world.reconcile()
    assert (await world.due_in() or 900) < 10


UNREADABLE = [
    (refused_for_good, "a Region that does not have it"),
    (lambda _: Temporary("denied", reason="AWS_ACCESS_DENIED", after=60.0), "a policy that does not name it"),
]


@pytest.mark.parametrize(("fault", "reason"), UNREADABLE)
async def test_unreadable_setting_does_not_stop_others(world: World, fault: Any, reason: str) -> None:
    await world.declare({"signing_configuration": {"rules": []}}, owner="team-a")
    await world.reconcile()
    observed = (await world.row()).state["observed"]["signing_configuration"]
    world.aws.faults["GetSigningConfiguration"] = fault
    await world.declare(caching(K8S), owner="team-b")
    row = await world.reconcile()
    assert await prefixes(world) == {"k8s"}, reason
    assert not holds(row, "Ready")
    assert row.state["error"]["reason"] in ("AWS_REJECTED", "AWS_ACCESS_DENIED")
    assert row.state["observed"]["signing_configuration"] == observed
    del world.aws.faults["GetSigningConfiguration"]
    assert holds(await world.resync(), "Ready")


async def test_unreadable_registry_keeps_last_observation(world: World) -> None:
    await world.declare(caching(QUAY))
    before = await world.reconcile()
    world.aws.faults["DescribePullThroughCacheRules"] = refused_for_good
    row = await world.resync()
    assert (row.state["observed"], row.observe_time) == (before.state["observed"], before.observe_time)
    assert reason_of(row, "Blocked") == "AWS_REJECTED"


async def test_forbidden_replacement_blocks_no_other_element(world: World) -> None:
    await world.declare(caching(QUAY), owner="team-a")
    await world.declare(caching({**K8S, "ecrRepositoryPrefix": "old"}), owner="team-b")
    await world.reconcile()
    await world.declare(caching(OTHER_CACHE), owner="team-a")
    await world.declare(caching(K8S), owner="team-b")
    row = await world.reconcile()
    assert await prefixes(world) == {"quay", "k8s"}
    assert reason_of(row, "Blocked") == "REPLACEMENT_NOT_ALLOWED"
    assert world.aws.writes == ["DeletePullThroughCacheRule", "CreatePullThroughCacheRule"]


async def test_irreplaceable_unmanaged_element_stays_unmanaged(world: World) -> None:
    await world.raw("CreatePullThroughCacheRule", **OTHER_CACHE)
    await world.declare(caching(QUAY, K8S))
    row = await world.reconcile()
    assert set(row.state["applied"]["pull_through_cache_rules"]) == {"k8s"}
    await world.withdraw()
    await world.reconcile()
    assert await prefixes(world) == {"quay"}


async def test_removals_are_written_when_additions_exceed_quota(world: World) -> None:
    await world.declare(caching(QUAY), owner="team-a")
    await world.declare(caching(K8S), owner="team-b")
    await world.reconcile()
    for i in range(48):
        await world.raw("CreatePullThroughCacheRule", ecrRepositoryPrefix=f"f{i}", upstreamRegistryUrl="quay.io")
    more = [{"ecrRepositoryPrefix": f"n{i}", "upstreamRegistryUrl": "quay.io"} for i in range(3)]
    await world.declare(caching(QUAY, *more), owner="team-a")
    await world.withdraw("team-b")
    row = await world.reconcile()
    assert reason_of(row, "Blocked") == "UNMANAGED_ELEMENTS_EXCEED_QUOTA"
    assert world.aws.writes == ["DeletePullThroughCacheRule"]
    assert "k8s" not in await prefixes(world)


async def test_existing_element_is_owned_despite_blocked_setting(world: World) -> None:
    await world.raw("CreatePullThroughCacheRule", **QUAY)
    world.aws.faults["PutRegistryPolicy"] = refused_for_good
    await world.declare(POLICY, owner="team-b")
    await world.declare(caching(QUAY), owner="team-a")
    await world.reconcile()
    await world.raw("DeletePullThroughCacheRule", ecrRepositoryPrefix="quay")
    row = await world.resync()
    assert [d["key"] for d in row.state["remediation"]["drift"]] == ["quay"]
    await world.withdraw("team-a")
    await world.reconcile()
    assert await prefixes(world) == set()


FAILING_READS = [
    (Permanent("x", reason="AWS_REJECTED"), "terminal error"),
    (Temporary("x", reason="AWS_ACCESS_DENIED", after=60.0), "retryable error"),
    (Temporary("x", reason="AWS_UNREACHABLE"), "without an answer"),
]


@pytest.mark.parametrize(("error", "reason"), FAILING_READS)
async def test_written_elements_are_owned_if_re_read_fails(world: World, error: AwsError, reason: str) -> None:
    world.aws.faults["DescribePullThroughCacheRules"] = at_the_second_call(error)
    await world.declare(caching(QUAY))
    await world.reconcile()
    assert await prefixes(world) == {"quay"}
    await world.withdraw()
    await world.reconcile()
    assert await prefixes(world) == set(), reason


async def test_created_elements_are_owned_before_they_are_visible(
    world: World,
) -> None:
    reads: list[int] = []
    read, send = world.aws.client.call, world.aws.client.write

    async def write(sent: Call) -> Any:
        if sent.operation == "CreatePullThroughCacheRule" and sent.params["ecrRepositoryPrefix"] == "quay":
            assert sent.fence is not None
            await sent.fence()
            raise Permanent("no", reason="AWS_REJECTED", aws_code="InvalidParameter", operation=sent.operation)
        return await send(sent)

    async def call(account: str, region: str, service: str, operation: str, params: Any) -> Any:
        answer = await read(account, region, service, operation, params)
        if operation == "DescribePullThroughCacheRules":
            reads.append(1)
            return answer if len(reads) != 2 else {**answer, "pullThroughCacheRules": []}
        return answer

    world.aws.client.call, world.aws.client.write = call, write  # type: ignore[method-assign]
    await world.declare(caching(QUAY, K8S))
    row = await world.reconcile()
    assert set(row.state["applied"]["pull_through_cache_rules"]) == {"k8s"}
    await world.withdraw()
    await world.reconcile()
    assert await prefixes(world) == set()


CHANGES_OF_MODE = [
    ({"mode": "PAUSED"}, "nothing is to be touched"),
    ({"mode": "OBSERVE"}, "nothing is to be written"),
    ({"unmanaged_elements": "PRUNE"}, "something else is to be written"),
]


@pytest.mark.parametrize(("spec", "reason"), CHANGES_OF_MODE)
async def test_attempt_stops_writing_after_mode_change(world: World, spec: dict[str, Any], reason: str) -> None:
    await world.declare({**caching(QUAY, K8S), **REPLICATED})

    async def change() -> None:
        await world.set_spec(spec)

    world.aws.before["CreatePullThroughCacheRule"] = change
    row = await world.reconcile()
    # The rule is in the simulated AWS after the hook, which runs before the call and its fence.
    assert await prefixes(world) == set(), reason
    assert not await rules(world)
    assert row.state["error"]["reason"] == "MODE_CHANGED"
    assert (await world.due_in() or 0) <= 0
    assert not row.state["applied"]


async def test_prune_stops_when_set_to_preserve(world: World) -> None:
    await world.raw("CreatePullThroughCacheRule", ecrRepositoryPrefix="by-hand", upstreamRegistryUrl="quay.io")
    await world.declare(caching(QUAY))
    await world.reconcile()
    await world.set_spec({"unmanaged_elements": "PRUNE"})

    async def regret() -> None:
        await world.set_spec({"unmanaged_elements": "PRESERVE"})

    world.aws.before["DeletePullThroughCacheRule"] = regret
    await world.reconcile()
    assert holds(await world.reconcile(), "Ready")
    assert await prefixes(world) == {"quay", "by-hand"}


async def test_original_excludes_other_owners_declarations(world: World) -> None:
    await world.raw("CreatePullThroughCacheRule", ecrRepositoryPrefix="by-hand", upstreamRegistryUrl="quay.io")
    await world.declare(caching(K8S), owner="team-b")
    await world.reconcile()
    await world.declare(caching(QUAY), owner="team-a")
    await world.reconcile()
    original = await world.db.read(lambda tx: declarations.get_revision(tx, SettingsName(REGISTRY, "team-a"), 0))
    assert original is not None
    rules = original.settings["pull_through_cache_rules"]["rules"] if original.settings else []
    assert [rule["ecrRepositoryPrefix"] for rule in rules] == ["by-hand"]
    # Returning to it and leaving it again keeps the original.
    assert original.deletion_policy == "ABANDON"


def shown_of(revision: Revision | None) -> dict[str, list[str]]:
    rules = (
        revision and revision.settings and revision.settings.get("pull_through_cache_rules", {}).get("rules")
    ) or []
    replicated = (revision and revision.settings and revision.settings.get("replication_configuration")) or {}
    regions = [each["region"] for rule in replicated.get("rules", []) for each in rule["destinations"]]
    return {"rules": [rule["ecrRepositoryPrefix"] for rule in rules], "regions": regions}


async def test_original_gains_settings_declared_later(world: World) -> None:
    async def original() -> dict[str, list[str]]:
        return shown_of(
            await world.db.read(lambda tx: declarations.get_revision(tx, SettingsName(REGISTRY, "team-a"), 0))
        )

    await world.raw("CreatePullThroughCacheRule", ecrRepositoryPrefix="by-hand", upstreamRegistryUrl="quay.io")
    await world.raw("PutReplicationConfiguration", replicationConfiguration={"rules": [{"destinations": [BY_HAND]}]})
    await world.declare(caching(QUAY), owner="team-a")
    await world.reconcile()
    assert await original() == {"rules": ["by-hand"], "regions": []}
    await world.declare({**caching(QUAY), **REPLICATED}, owner="team-a")
    await world.reconcile()
    assert await original() == {"rules": ["by-hand"], "regions": ["eu-west-1"]}
    # Owned elements are not part of the original, whether they are changed or declared again.
    for spec in ({**caching(K8S), **REPLICATED}, caching(K8S), {**caching(K8S), **REPLICATED}):
        await world.declare(spec, owner="team-a")
        await world.reconcile()
    assert await original() == {"rules": ["by-hand"], "regions": ["eu-west-1"]}


async def test_unready_role_is_polled_despite_terminal_error(world: World) -> None:
    world.aws.faults |= {"PutRegistryPolicy": refused_for_good, "CreateServiceLinkedRole": throttled}
    await world.set_spec({"managed": True}, ROLE)
    await world.declare(POLICY, owner="team-a")
    await world.declare(REPLICATED, owner="team-b")
    await world.reconcile()
    assert (await world.due_in() or 900) < 5
