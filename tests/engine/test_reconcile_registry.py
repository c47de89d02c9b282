"""Reconciling a registry."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ecrkeeper_server.aws_errors import AwsError, Permanent, Temporary
from ecrkeeper_server.store import claims

from .conftest import REGISTRY, World, holds, reason_of

QUAY = {"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io"}
K8S = {"ecrRepositoryPrefix": "k8s", "upstreamRegistryUrl": "registry.k8s.io"}
HAND = {"ecrRepositoryPrefix": "by-hand", "upstreamRegistryUrl": "public.ecr.aws"}
RULE = {"destinations": [{"region": "us-west-2", "registryId": "111111111111"}]}
REPLICATED = {"replication_configuration": {"rules": [RULE]}}


def caching(*rules: dict[str, str]) -> dict[str, Any]:
    return {"pull_through_cache_rules": {"rules": list(rules)}}


async def prefixes(world: World) -> set[str]:
    return {rule["ecrRepositoryPrefix"] for rule in (await world.present())["pullThroughCacheRules"]}


async def test_declaration_converges_in_one_attempt(world: World) -> None:
    await world.declare({**caching(QUAY, K8S), **REPLICATED})
    operation = await world.begin("ReconcileRegistry")
    row = await world.reconcile()
    assert await prefixes(world) == {"quay", "k8s"}
    assert len((await world.present())["replicationConfiguration"]["rules"]) == 1
    assert holds(row, "Ready")
    assert holds(row, "Synced")
    assert row.observed_generation == row.generation
    assert row.lease_token is None
    assert (await world.operation(operation)).done
    assert await world.due_in() == pytest.approx(900 * 1.2)


async def test_reconcile_in_sync_writes_nothing(world: World) -> None:
    await world.declare({**caching(QUAY), **REPLICATED})
    await world.reconcile()
    await world.resync()
    assert world.aws.writes == []


async def test_only_declared_settings_are_read(world: World) -> None:
    await world.declare(caching(QUAY))
    await world.reconcile()
    await world.resync()
    # GetRole is for the role that ECR created for the rule.
    assert {operation for _, operation, _ in world.aws.calls} - {"GetRole"} == {"DescribePullThroughCacheRules"}


async def test_out_of_band_change_is_remediated_and_recorded(world: World) -> None:
    await world.declare(caching(QUAY, K8S))
    await world.reconcile()
    assert "remediation" not in (await world.row()).state
    await world.raw("DeletePullThroughCacheRule", ecrRepositoryPrefix="quay")
    row = await world.resync()
    assert await prefixes(world) == {"quay", "k8s"}
    (mended,) = row.state["remediation"]["drift"]
    assert (mended["setting"], mended["key"], mended["kind"]) == ("pull_through_cache_rules", "quay", "MISSING")
    assert row.state["remediation"]["time"] == int(world.seconds * 1_000_000)
    assert row.state["drift"] == []


async def test_new_declaration_is_not_recorded_as_remediation(world: World) -> None:
    await world.declare(caching(QUAY))
    await world.reconcile()
    await world.declare(caching(QUAY, K8S))
    assert "remediation" not in (await world.reconcile()).state


async def test_unmanaged_elements_are_preserved(world: World) -> None:
    await world.raw("CreatePullThroughCacheRule", **HAND)
    await world.declare(caching(QUAY))
    await world.reconcile()
    await world.withdraw()
    row = await world.reconcile()
    assert await prefixes(world) == {"by-hand"}
    assert row.state["applied"] == {}


async def test_unmanaged_elements_are_pruned_on_request(world: World) -> None:
    await world.raw("CreatePullThroughCacheRule", **HAND)
    await world.declare(caching(QUAY))
    await world.set_spec({"unmanaged_elements": "PRUNE"})
    await world.reconcile()
    assert await prefixes(world) == {"quay"}


async def test_prune_ignores_undeclared_settings(world: World) -> None:
    await world.raw("CreatePullThroughCacheRule", **HAND)
    await world.declare(REPLICATED)
    await world.set_spec({"unmanaged_elements": "PRUNE"})
    await world.reconcile()
    await world.withdraw()
    await world.reconcile()
    assert await prefixes(world) == {"by-hand"}


async def test_shared_element_stays_until_both_owners_leave(world: World) -> None:
    await world.declare(caching(QUAY), "team-a")
    await world.declare(caching(QUAY), "team-b")
    await world.reconcile()
    await world.withdraw("team-a")
    await world.reconcile()
    assert await prefixes(world) == {"quay"}
    await world.withdraw("team-b")
    await world.reconcile()
    assert await prefixes(world) == set()


async def test_registry_without_declarations_has_no_conditions(world: World) -> None:
    arn = "arn:aws:secretsmanager:us-east-1:111111111111:secret:ecr-pullthroughcache/hub-AbCdEf"
    await world.seed({"secrets": [{"name": "ecr-pullthroughcache/hub", "arn": arn, "value": "no credentials"}]})
    hub = {"ecrRepositoryPrefix": "hub", "upstreamRegistryUrl": "registry-1.docker.io", "credentialArn": arn}
    elsewhere = {"destinations": [{"region": "us-west-2", "registryId": "222222222222"}]}
    await world.declare({**caching(hub), "replication_configuration": {"rules": [elsewhere]}})
    row = await world.reconcile()
    members = ("checks", "problems", "settled")
    assert all(row.state[key] for key in members), row.state
    await world.set_spec({"abandoned": {name: list(keys) for name, keys in row.state["applied"].items()}})
    await world.withdraw()
    row = await world.reconcile()
    assert world.aws.writes == []
    assert reason_of(row, "Ready") == "UNMANAGED"
    assert not any(row.state[key] for key in members), row.state


async def test_observed_registry_is_read_and_not_written(world: World) -> None:
    await world.declare(caching(QUAY))
    await world.set_spec({"mode": "OBSERVE"})
    row = await world.reconcile()
    assert world.aws.writes == []
    assert [d["key"] for d in row.state["drift"]] == ["quay"]
    assert not holds(row, "Synced")
    assert reason_of(row, "Synced") == "OBSERVE_ONLY"
    assert await prefixes(world) == set()


async def test_paused_registry_is_neither_read_nor_rescheduled(world: World) -> None:
    await world.declare(caching(QUAY))
    await world.set_spec({"mode": "PAUSED"})
    await world.reconcile()
    assert world.aws.calls == []
    assert await world.due_in() is None
    await world.set_spec({"mode": "ENFORCE"})
    await world.reconcile()
    assert await prefixes(world) == {"quay"}


async def test_element_is_replaced_only_if_owner_allows(world: World) -> None:
    await world.declare(caching(QUAY))
    await world.reconcile()
    other = caching({**QUAY, "upstreamRegistryUrl": "public.ecr.aws"})
    await world.declare(other)
    row = await world.reconcile()
    assert world.aws.writes == []
    assert reason_of(row, "Blocked") == "REPLACEMENT_NOT_ALLOWED"
    assert holds(row, "Blocked")
    await world.declare(other, allow_replacement=True)
    row = await world.reconcile()
    assert world.aws.writes == ["DeletePullThroughCacheRule", "CreatePullThroughCacheRule"]
    assert holds(row, "Ready")


async def test_setting_with_unknown_members_is_not_written(world: World) -> None:
    await world.declare(REPLICATED)
    await world.reconcile()
    await world.seed(
        {"unknown_members": {"DescribeRegistry": {"replicationConfiguration.rules[0].newThing": {"on": True}}}}
    )
    two = {**RULE, "repositoryFilters": [{"filter": "a", "filterType": "PREFIX_MATCH"}]}
    await world.declare({"replication_configuration": {"rules": [two]}, **caching(QUAY)})
    row = await world.reconcile()
    assert holds(row, "Degraded")
    assert not holds(row, "Ready")
    assert "newThing" in str(row.state["degraded"])
    assert world.aws.writes == ["CreatePullThroughCacheRule"]
    await world.seed({"unknown_members": {}})
    row = await world.resync()
    assert "PutReplicationConfiguration" in world.aws.writes
    assert not holds(row, "Degraded")


async def test_throttled_registry_backs_off_until_success(world: World) -> None:
    def throttled(_region: str) -> AwsError:
        return Temporary("slow down", reason="AWS_THROTTLED")

    world.aws.faults["DescribePullThroughCacheRules"] = throttled
    await world.declare(caching(QUAY))
    waits = []
    for _ in range(12):
        row = await world.reconcile()
        assert holds(row, "Blocked") is False
        waits.append(await world.due_in())
        world.seconds += (waits[-1] or 0) + 0.01
    assert waits[:4] == pytest.approx([1, 2, 4, 8], abs=0.01)
    assert waits[-1] == pytest.approx(300, abs=0.01)
    del world.aws.faults["DescribePullThroughCacheRules"]
    row = await world.reconcile()
    assert (row.failures, row.state["error"]) == (0, None)
    assert holds(row, "Ready")


async def test_throttled_registry_does_not_block_others(world: World) -> None:
    """The error concerns one Region; other Regions are reconciled."""
    from ecrkeeper_server.names import RegistryName

    other = RegistryName("222222222222", "eu-west-1")
    world.aws.faults["DescribePullThroughCacheRules"] = lambda region: (
        Temporary("slow down", reason="AWS_THROTTLED") if region == "us-east-1" else None
    )
    await world.declare(caching(QUAY))
    await world.set_spec({}, other)
    await world.reconcile()
    assert (await world.row()).failures == 1
    assert (await world.row(other)).observed_generation == (await world.row(other)).generation


async def test_terminal_error_blocks_registry_and_ends_operation(world: World) -> None:
    world.aws.faults["CreatePullThroughCacheRule"] = lambda _: Permanent(
        "too many", reason="AWS_QUOTA_EXCEEDED", grpc_code="RESOURCE_EXHAUSTED", operation="CreatePullThroughCacheRule"
    )
    await world.declare({**caching(QUAY), **REPLICATED})
    operation = await world.begin("ReconcileRegistry")
    row = await world.reconcile()
    assert holds(row, "Blocked")
    assert reason_of(row, "Blocked") == "AWS_QUOTA_EXCEEDED"
    assert "PutReplicationConfiguration" in world.aws.writes, "the other settings are still brought on"
    assert await world.due_in() == pytest.approx(900 * 1.2)
    ended = await world.operation(operation)
    assert ended.error is not None
    assert (ended.error["code"], ended.error["reason"]) == ("RESOURCE_EXHAUSTED", "AWS_QUOTA_EXCEEDED")
    world.aws.faults.clear()
    assert holds(await world.resync(), "Ready"), "AWS does not notify ecrkeeper when somebody unblocks it"


async def test_unexpected_exception_is_retryable(world: World) -> None:
    def broken(_region: str) -> AwsError:
        raise ZeroDivisionError

    world.aws.faults["DescribePullThroughCacheRules"] = broken
    await world.declare(caching(QUAY))
    row = await world.reconcile()
    assert (row.state["error"]["reason"], row.failures) == ("INTERNAL", 1)
    assert row.lease_token is None


async def test_conditions_keep_the_time_of_their_last_transition(world: World) -> None:
    await world.declare(caching(QUAY))
    first = await world.reconcile()
    began = int(world.seconds * 1_000_000)
    second = await world.resync()
    assert [c["since"] for c in second.state["conditions"]] == [began] * 4
    assert first.state["conditions"] == second.state["conditions"]
    world.aws.faults["DescribePullThroughCacheRules"] = lambda _: Temporary("no", reason="AWS_UNAVAILABLE")
    third = await world.resync()
    since = {c["type"]: c["since"] for c in third.state["conditions"]}
    now = int(world.seconds * 1_000_000)
    assert since == {"Ready": now, "Synced": now, "Blocked": began, "Degraded": began}


async def test_no_write_is_sent_after_lease_loss(world: World) -> None:
    await world.declare({**caching(QUAY, K8S), **REPLICATED})

    async def lose() -> None:
        world.seconds += 31
        claimed = await world.db.write(lambda tx: claims.claim(tx, backlog=claims.Capacity(1), lease=30))
        assert len(claimed) == 1

    world.aws.before["DescribePullThroughCacheRules"] = lose
    row = await world.reconcile()
    assert world.aws.writes == []
    assert row.lease_token is not None, "the new holder's lease is not touched"
    assert row.state == {}


async def test_lease_lost_between_writes_stops_the_second(world: World) -> None:
    await world.declare(caching(QUAY, K8S))

    async def lose() -> None:
        world.seconds += 31
        await world.db.write(lambda tx: claims.claim(tx, backlog=claims.Capacity(1), lease=30))

    world.aws.before["CreatePullThroughCacheRule"] = lose
    await world.reconcile()
    assert world.aws.writes == ["CreatePullThroughCacheRule"]


async def test_write_ahead_is_recorded_before_sending(world: World) -> None:
    await world.declare(caching(QUAY))
    recorded: list[Any] = []

    async def record() -> None:
        recorded.append((await world.row()).state["applied"])

    world.aws.before["CreatePullThroughCacheRule"] = record
    await world.reconcile()
    assert list(recorded[0]["pull_through_cache_rules"]) == ["quay"]


async def test_unanswered_write_is_not_repeated_if_effective(world: World) -> None:
    await world.control("POST", "faults", {"kind": "drop_after", "operation": "CreatePullThroughCacheRule", "count": 1})
    await world.declare(caching(QUAY))
    row = await world.reconcile()
    assert row.state["error"]["reason"] == "AWS_UNREACHABLE"
    row = await world.resync()
    assert world.aws.writes == []
    assert holds(row, "Ready")
    await world.withdraw()
    await world.reconcile()
    assert await prefixes(world) == set()


async def test_declaration_withdrawn_during_attempt_leaves_nothing(world: World) -> None:
    await world.declare(caching(QUAY, K8S))
    world.aws.before["CreatePullThroughCacheRule"] = world.withdraw
    row = await world.reconcile()
    assert row.observed_generation < row.generation
    row = await world.reconcile()
    assert await prefixes(world) == set()
    assert row.observed_generation == row.generation


def hide_the_rule_once_it_is_made(world: World) -> None:
    """Hide the rule for `quay` from the read after its creation."""

    async def undo() -> None:
        await world.raw("DeletePullThroughCacheRule", ecrRepositoryPrefix="quay")

    async def arm() -> None:
        world.aws.before["DescribePullThroughCacheRules"] = undo

    world.aws.before["CreatePullThroughCacheRule"] = arm


async def test_late_visible_write_is_polled_soon(world: World) -> None:
    await world.declare(caching(QUAY))
    hide_the_rule_once_it_is_made(world)
    row = await world.reconcile()
    assert row.state["error"]["reason"] == "NOT_VISIBLE_YET"
    assert (await world.due_in() or 900) < 5
    assert holds(await world.resync(), "Ready")


async def test_unwritable_setting_does_not_delay_other_settings(
    world: World,
) -> None:
    unknown = {"DescribeRegistry": {"replicationConfiguration.rules[0].newThing": {"on": True}}}
    await world.declare(REPLICATED)
    await world.reconcile()
    await world.seed({"unknown_members": unknown})
    two = {**RULE, "repositoryFilters": [{"filter": "a", "filterType": "PREFIX_MATCH"}]}
    await world.declare({"replication_configuration": {"rules": [two]}, **caching(QUAY)})
    hide_the_rule_once_it_is_made(world)
    row = await world.reconcile()
    assert row.state["error"]["reason"] == "NOT_VISIBLE_YET"
    assert holds(row, "Degraded")
    assert (await world.due_in() or 900) < 5
    row = await world.resync()
    assert await prefixes(world) == {"quay"}
    assert row.state["error"] is None, "an element that cannot be written needs no early retry"
    assert (await world.due_in() or 0) > 600


async def test_stopped_engine_claims_nothing(world: World) -> None:
    await world.engine.stop(0)
    await world.declare(caching(QUAY))
    assert not await world.engine.claim_once()
    assert (await world.row()).registry == REGISTRY


async def test_policy_deleted_concurrently_is_no_error(world: World) -> None:
    statement = {"Sid": "A", "Effect": "Allow", "Principal": {"AWS": "222222222222"}, "Action": "ecr:ReplicateImage"}
    text = json.dumps({"Version": "2012-10-17", "Statement": [{**statement, "Resource": "*"}]})
    await world.declare({"registry_policy": {"policyText": text}})
    await world.reconcile()
    await world.withdraw()
    world.aws.faults["DeleteRegistryPolicy"] = lambda _: Permanent(
        "no policy", reason="AWS_REJECTED", aws_code="RegistryPolicyNotFound", operation="DeleteRegistryPolicy"
    )

    async def delete() -> None:
        await world.raw("DeleteRegistryPolicy")

    world.aws.before["DeleteRegistryPolicy"] = delete
    row = await world.reconcile()
    assert (row.state["error"], row.state["applied"]) == (None, {})
