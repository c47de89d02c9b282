"""Owned elements in AWS, which may be removed, unlike all others."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ecrkeeper_server.aws_errors import AwsError, Permanent
from ecrkeeper_server.names import SettingsName
from ecrkeeper_server.settings.ownership import verified
from ecrkeeper_server.store import declarations
from ecrkeeper_server.store.tables import declarations as table
from sqlalchemy import update

from tests import declaring

from .conftest import ACCOUNT, REGISTRY, World, holds
from .test_reconcile_registry import K8S, QUAY, caching, prefixes

OWNED, THEIRS = "222222222222", "333333333333"
RULES = "pull_through_cache_rules"


def statement(account: str, sid: str = "A") -> dict[str, Any]:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
        "Action": ["ecr:ReplicateImage"],
        "Resource": f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/*",
    }


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"registry_policy": {"policyText": json.dumps({"Version": "2012-10-17", "Statement": statements})}}


async def put(world: World, *statements: dict[str, Any]) -> None:
    await world.raw("PutRegistryPolicy", policyText=policy(*statements)["registry_policy"]["policyText"])


async def original(world: World, owner: str) -> dict[str, Any]:
    revision = await world.db.read(lambda tx: declarations.get_revision(tx, SettingsName(REGISTRY, owner), 0))
    assert revision is not None
    return revision.settings or {}


def rejection(_: str) -> AwsError:
    return Permanent("no", reason="AWS_REJECTED", aws_code="ValidationException", operation="PutRegistryPolicy")


# applied, observed, owned, unverified, reason
OBSERVATIONS = [
    ({"a": 1}, {"a": 1}, {"a": 1}, [], "the write had its effect"),
    ({"a": 1}, {"a": 2}, {}, [], "something else is there: the write never had its effect"),
    ({"a": 1}, {}, {"a": 1}, ["a"], "the write may still show"),
    ({"a": 1, "b": 1}, {"a": 1, "b": 2}, {"a": 1, "b": 1}, [], "an element stays owned, with any value"),
]


@pytest.mark.parametrize(("applied", "observed", "verified_elements", "still_open", "reason"), OBSERVATIONS)
def test_first_write_is_owned_if_aws_shows_it(
    applied: dict[str, int],
    observed: dict[str, int],
    verified_elements: dict[str, int],
    still_open: list[str],
    reason: str,
) -> None:
    owned = verified({RULES: applied}, {RULES: {"a"}}, {RULES: observed})
    assert owned == ({RULES: verified_elements}, {RULES: set(still_open)} if still_open else {}), reason
    assert verified({RULES: applied}, {RULES: {"a"}}, {}) == ({RULES: applied}, {RULES: {"a"}}), "not read"


async def test_unknown_write_leaves_unreplaced_element_unowned(world: World) -> None:
    await put(world, statement(THEIRS), statement(THEIRS, "B"))
    await world.declare(policy(statement(OWNED)))
    fault = {"kind": "error", "operation": "PutRegistryPolicy", "count": 10, "status": 500, "code": "ServerException"}
    await world.control("POST", "faults", fault)
    row = await world.reconcile()
    assert row.state["unconfirmed"] == {"registry_policy": ["A"]}
    await world.control("DELETE", "faults")
    world.aws.faults["PutRegistryPolicy"] = rejection
    await world.resync()
    del world.aws.faults["PutRegistryPolicy"]
    await world.withdraw()
    row = await world.reconcile()
    assert THEIRS in (await world.present())["policyText"]
    assert "unconfirmed" not in row.state or row.state["unconfirmed"] == {}


async def test_unknown_write_that_took_effect_is_owned(world: World) -> None:
    async def killed() -> None:
        await put(world, statement(OWNED))
        raise RuntimeError("killed after the call")

    world.aws.before["PutRegistryPolicy"] = killed
    await world.declare(policy(statement(OWNED)))
    await world.reconcile()
    await world.withdraw()
    await world.reconcile()
    assert not (await world.present()).get("policyText")


async def test_declaration_in_sync_after_rejection_is_converged(
    world: World,
) -> None:
    async def carried_out() -> bool:
        declaration = await world.db.read(lambda tx: declaring.get(tx, SettingsName(REGISTRY, "team-a")))
        assert declaration is not None
        return declaration.observed_generation == declaration.generation

    world.aws.faults["PutRegistryPolicy"] = rejection
    await world.declare(policy(statement(OWNED)))
    assert holds(await world.reconcile(), "Blocked")
    del world.aws.faults["PutRegistryPolicy"]
    assert holds(await world.resync(), "Ready")
    assert await carried_out()
    await world.set_spec({"mode": "OBSERVE"})
    await world.declare({**policy(statement(OWNED)), **caching(QUAY)})
    await world.reconcile()
    assert not await carried_out()
    await world.raw("CreatePullThroughCacheRule", **QUAY)
    assert holds(await world.resync(), "Ready")
    assert await carried_out()


async def test_observe_mode_does_not_take_ownership_of_elements(world: World) -> None:
    await world.raw("CreatePullThroughCacheRule", **QUAY)
    await world.set_spec({"mode": "OBSERVE"})
    await world.declare(caching(QUAY))
    assert holds(await world.reconcile(), "Ready")
    await world.withdraw()
    await world.reconcile()
    await world.declare(caching(K8S), owner="team-b")
    await world.set_spec({"mode": "ENFORCE"})
    await world.reconcile()
    assert await prefixes(world) == {"quay", "k8s"}


async def test_owners_of_same_attempt_share_the_original(world: World) -> None:
    await put(world, statement(THEIRS))
    for owner in ("team-a", "team-b"):
        await world.declare(policy(statement(OWNED)), owner=owner)
    await world.reconcile()
    for owner in ("team-a", "team-b"):
        assert THEIRS in (await original(world, owner))["registry_policy"]["policyText"]


async def test_original_excludes_just_withdrawn_elements(world: World) -> None:
    await world.declare(caching(QUAY), owner="team-b")
    await world.reconcile()
    await world.declare(caching(K8S), owner="team-a")
    await world.withdraw("team-b")
    await world.reconcile()
    assert await original(world, "team-a") == caching()


async def test_original_of_matching_setting_is_itself(world: World) -> None:
    await world.raw("CreatePullThroughCacheRule", **QUAY)
    await world.declare(caching(QUAY))
    await world.reconcile()
    await world.declare(caching(K8S))
    await world.reconcile()
    (rule,) = (await original(world, "team-a"))[RULES]["rules"]
    assert rule["ecrRepositoryPrefix"] == "quay"


async def test_element_recreated_in_observe_mode_is_not_owned(world: World) -> None:
    await world.declare(caching(QUAY))
    await world.reconcile()
    await world.set_spec({"mode": "OBSERVE"})
    await world.raw("DeletePullThroughCacheRule", ecrRepositoryPrefix="quay")
    await world.withdraw()
    await world.reconcile()
    row = await world.resync()
    assert (row.state["applied"], row.due_at) == ({}, None)
    await world.raw("CreatePullThroughCacheRule", **QUAY)
    await world.set_spec({"mode": "ENFORCE"})
    await world.reconcile()
    assert await prefixes(world) == {"quay"}


async def test_unverified_element_stays_owned_after_redeclaration(world: World) -> None:
    await world.control("POST", "faults", {"kind": "drop_after", "operation": "CreatePullThroughCacheRule", "count": 1})
    await world.declare(caching(QUAY))
    await world.reconcile()
    call = world.aws.client.call

    async def lagging(account: str, region: str, service: str, operation: str, params: Any, **more: Any) -> Any:
        answer = await call(account, region, service, operation, params, **more)
        return {**answer, "pullThroughCacheRules": []} if operation == "DescribePullThroughCacheRules" else answer

    world.aws.client.call = lagging  # type: ignore[method-assign]
    await world.declare(caching({**QUAY, "upstreamRegistryUrl": "public.ecr.aws"}), allow_replacement=True)
    world.seconds += 5
    await world.reconcile()
    world.aws.client.call = call  # type: ignore[method-assign]
    await world.withdraw()
    await world.reconcile()
    assert await prefixes(world) == set()


async def test_original_includes_later_declared_existing_setting(world: World) -> None:
    await put(world, statement(THEIRS))
    await world.declare(caching(QUAY))
    await world.reconcile()
    await world.declare({**caching(QUAY), **policy(statement(THEIRS))})
    await world.reconcile()
    assert world.aws.writes == []
    await world.declare(caching(QUAY))
    await world.reconcile()
    assert not (await world.present()).get("policyText")
    assert THEIRS in (await original(world, "team-a"))["registry_policy"]["policyText"]


async def test_original_excludes_elements_of_other_owners(world: World) -> None:
    for owner in ("team-b", "team-a"):
        await world.declare(caching(QUAY), owner=owner)
        await world.reconcile()
    await world.withdraw("team-b")
    await world.reconcile()
    await world.declare(caching(K8S), owner="team-a")
    await world.reconcile()
    assert await original(world, "team-a") == caching()


async def test_unmarked_declaration_of_older_version_is_marked(world: World) -> None:
    await world.declare(caching(QUAY))
    await world.reconcile()
    await world.resync()
    await world.db.write(lambda tx: tx.conn.execute(update(table).values(observed_generation=0)) and None)
    await world.resync()
    declaration = await world.db.read(lambda tx: declaring.get(tx, SettingsName(REGISTRY, "team-a")))
    assert declaration is not None
    assert declaration.observed_generation == declaration.generation
