"""What counts as ours in AWS, and so may be removed: never what somebody else has put there."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ecrkeeper_server.aws_errors import AwsError, Permanent
from ecrkeeper_server.names import SettingsName
from ecrkeeper_server.settings.ownership import confirmed
from ecrkeeper_server.store import declarations
from ecrkeeper_server.store.tables import declarations as table
from sqlalchemy import update

from tests import declaring

from .conftest import ACCOUNT, REGISTRY, World, holds
from .test_registry_steps import K8S, QUAY, caching, prefixes

OURS, THEIRS = "222222222222", "333333333333"
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
    found = await world.db.read(lambda tx: declarations.get_revision(tx, SettingsName(REGISTRY, owner), 0))
    assert found is not None
    return found.settings or {}


def refused(_: str) -> AwsError:
    return Permanent("no", reason="AWS_REJECTED", aws_code="ValidationException", operation="PutRegistryPolicy")


# what was applied, what AWS has, what is ours, what is not to be told yet, why
LOOKS = [
    ({"a": 1}, {"a": 1}, {"a": 1}, [], "the write had its effect"),
    ({"a": 1}, {"a": 2}, {}, [], "something else is there: the write never had its effect"),
    ({"a": 1}, {}, {"a": 1}, ["a"], "the write may still show"),
    ({"a": 1, "b": 1}, {"a": 1, "b": 2}, {"a": 1, "b": 1}, [], "what was ours before is ours whatever it is now"),
]


@pytest.mark.parametrize(("applied", "observed", "mine", "still_open", "reason"), LOOKS)
def test_a_first_write_counts_by_what_aws_shows_afterwards(
    applied: dict[str, int], observed: dict[str, int], mine: dict[str, int], still_open: list[str], reason: str
) -> None:
    found = confirmed({RULES: applied}, {RULES: ["a"]}, {RULES: observed})
    assert found == ({RULES: mine}, {RULES: still_open} if still_open else {}), reason
    assert confirmed({RULES: applied}, {RULES: ["a"]}, {}) == ({RULES: applied}, {RULES: ["a"]}), "not read"


async def test_what_a_write_of_unknown_outcome_did_not_replace_stays_somebody_elses(world: World) -> None:
    await put(world, statement(THEIRS), statement(THEIRS, "B"))
    await world.declare(policy(statement(OURS)))
    fault = {"kind": "error", "operation": "PutRegistryPolicy", "count": 10, "status": 500, "code": "ServerException"}
    await world.control("POST", "faults", fault)
    row = await world.step()
    assert row.state["unconfirmed"] == {"registry_policy": ["A"]}
    await world.control("DELETE", "faults")
    world.aws.faults["PutRegistryPolicy"] = refused
    await world.resync()
    del world.aws.faults["PutRegistryPolicy"]
    await world.withdraw()
    row = await world.step()
    assert THEIRS in (await world.present())["policyText"]
    assert "unconfirmed" not in row.state or row.state["unconfirmed"] == {}


async def test_what_a_write_of_unknown_outcome_has_written_is_ours(world: World) -> None:
    async def killed() -> None:
        await put(world, statement(OURS))
        raise RuntimeError("killed after the call")

    world.aws.before["PutRegistryPolicy"] = killed
    await world.declare(policy(statement(OURS)))
    await world.step()
    await world.withdraw()
    await world.step()
    assert not (await world.present()).get("policyText")


async def test_a_declaration_that_is_in_sync_without_a_write_after_a_refusal_counts_as_carried_out(
    world: World,
) -> None:
    async def carried_out() -> bool:
        found = await world.db.read(lambda tx: declaring.get(tx, SettingsName(REGISTRY, "team-a")))
        assert found is not None
        return found.observed_generation == found.generation

    world.aws.faults["PutRegistryPolicy"] = refused
    await world.declare(policy(statement(OURS)))
    assert holds(await world.step(), "Blocked")
    del world.aws.faults["PutRegistryPolicy"]
    assert holds(await world.resync(), "Ready")
    assert await carried_out()
    await world.wish({"mode": "OBSERVE"})
    await world.declare({**policy(statement(OURS)), **caching(QUAY)})
    await world.step()
    assert not await carried_out()
    await world.raw("CreatePullThroughCacheRule", **QUAY)
    assert holds(await world.resync(), "Ready")
    assert await carried_out()


async def test_what_a_mode_that_only_looks_finds_as_declared_does_not_become_ours(world: World) -> None:
    await world.raw("CreatePullThroughCacheRule", **QUAY)
    await world.wish({"mode": "OBSERVE"})
    await world.declare(caching(QUAY))
    assert holds(await world.step(), "Ready")
    await world.withdraw()
    await world.step()
    await world.declare(caching(K8S), owner="team-b")
    await world.wish({"mode": "ENFORCE"})
    await world.step()
    assert await prefixes(world) == {"quay", "k8s"}


async def test_owners_who_declare_an_element_in_one_step_both_keep_what_it_was(world: World) -> None:
    await put(world, statement(THEIRS))
    for owner in ("team-a", "team-b"):
        await world.declare(policy(statement(OURS)), owner=owner)
    await world.step()
    for owner in ("team-a", "team-b"):
        assert THEIRS in (await original(world, owner))["registry_policy"]["policyText"]


async def test_the_original_leaves_out_what_another_owner_has_just_withdrawn(world: World) -> None:
    await world.declare(caching(QUAY), owner="team-b")
    await world.step()
    await world.declare(caching(K8S), owner="team-a")
    await world.withdraw("team-b")
    await world.step()
    assert await original(world, "team-a") == caching()


async def test_the_original_of_what_was_there_as_declared_is_that(world: World) -> None:
    await world.raw("CreatePullThroughCacheRule", **QUAY)
    await world.declare(caching(QUAY))
    await world.step()
    await world.declare(caching(K8S))
    await world.step()
    (rule,) = (await original(world, "team-a"))[RULES]["rules"]
    assert rule["ecrRepositoryPrefix"] == "quay"


async def test_what_has_gone_while_a_mode_only_looks_is_not_ours_when_somebody_makes_it_anew(world: World) -> None:
    await world.declare(caching(QUAY))
    await world.step()
    await world.wish({"mode": "OBSERVE"})
    await world.raw("DeletePullThroughCacheRule", ecrRepositoryPrefix="quay")
    await world.withdraw()
    await world.step()
    row = await world.resync()
    assert (row.state["applied"], row.due_at) == ({}, None)
    await world.raw("CreatePullThroughCacheRule", **QUAY)
    await world.wish({"mode": "ENFORCE"})
    await world.step()
    assert await prefixes(world) == {"quay"}


async def test_ours_of_unknown_outcome_stays_ours_when_it_is_declared_otherwise_before_it_shows(world: World) -> None:
    await world.control("POST", "faults", {"kind": "drop_after", "operation": "CreatePullThroughCacheRule", "count": 1})
    await world.declare(caching(QUAY))
    await world.step()
    call = world.aws.client.call

    async def lagging(account: str, region: str, service: str, operation: str, params: Any, **more: Any) -> Any:
        answer = await call(account, region, service, operation, params, **more)
        return {**answer, "pullThroughCacheRules": []} if operation == "DescribePullThroughCacheRules" else answer

    world.aws.client.call = lagging  # type: ignore[method-assign]
    await world.declare(caching({**QUAY, "upstreamRegistryUrl": "public.ecr.aws"}), allow_replacement=True)
    world.seconds += 5
    await world.step()
    world.aws.client.call = call  # type: ignore[method-assign]
    await world.withdraw()
    await world.step()
    assert await prefixes(world) == set()


async def test_the_original_has_a_setting_that_was_there_as_declared_later(world: World) -> None:
    await put(world, statement(THEIRS))
    await world.declare(caching(QUAY))
    await world.step()
    await world.declare({**caching(QUAY), **policy(statement(THEIRS))})
    await world.step()
    assert world.aws.writes == []
    await world.declare(caching(QUAY))
    await world.step()
    assert not (await world.present()).get("policyText")
    assert THEIRS in (await original(world, "team-a"))["registry_policy"]["policyText"]


async def test_the_original_leaves_out_what_another_owner_declared_at_that_time(world: World) -> None:
    for owner in ("team-b", "team-a"):
        await world.declare(caching(QUAY), owner=owner)
        await world.step()
    await world.withdraw("team-b")
    await world.step()
    await world.declare(caching(K8S), owner="team-a")
    await world.step()
    assert await original(world, "team-a") == caching()


async def test_a_declaration_that_a_former_version_left_unmarked_is_marked_at_the_next_look(world: World) -> None:
    await world.declare(caching(QUAY))
    await world.step()
    await world.resync()
    await world.db.write(lambda tx: tx.conn.execute(update(table).values(observed_generation=0)) and None)
    await world.resync()
    found = await world.db.read(lambda tx: declaring.get(tx, SettingsName(REGISTRY, "team-a")))
    assert found is not None
    assert found.observed_generation == found.generation
