"""A principal is deleted, so AWS no longer accepts the declared statement."""

from __future__ import annotations

import json

import pytest

from tests.engine.conftest import World, holds, reason_of

from .conftest import GONE, own, policy, puts, sids, statement, unresolvable

UNIQUE = "AROAEXAMPLE123456789A"
HAD, NEW = statement("Had", GONE), statement("New")


async def delete_principal(world: World, *, writable: bool) -> None:
    await world.control("PUT", "settings", {"deleted_principals": {GONE: UNIQUE}, "unique_ids_writable": writable})


async def shown(world: World) -> dict[str, str]:
    answer = await world.raw("GetRegistryPolicy")
    return {each["Sid"]: each["Principal"]["AWS"] for each in json.loads(answer["policyText"])["Statement"]}


async def test_other_statements_are_written_beside_deleted_principal(world: World) -> None:
    await world.declare(policy(HAD), owner="had")
    await world.reconcile()
    await delete_principal(world, writable=True)
    await world.declare(policy(NEW), owner="new")
    row = await world.reconcile()
    assert await shown(world) == {"Had": UNIQUE, "New": "arn:aws:iam::555555555555:root"}
    assert holds(row, "Degraded")
    assert reason_of(row, "Degraded") == "NOT_WRITABLE"
    assert "Had" in {c["type"]: c["message"] for c in row.state["conditions"]}["Degraded"]
    assert own(row, "new")["Ready"] == ("TRUE", "IN_SYNC")
    assert own(row, "had")["Degraded"] == ("TRUE", "NOT_WRITABLE")
    # The principal is recreated.
    await world.control("PUT", "settings", {"deleted_principals": {}})
    world.seconds += 3
    row = await world.reconcile()
    assert holds(row, "Ready")


async def test_policy_rejected_unchanged_is_not_rewritten(world: World) -> None:
    await world.declare(policy(HAD), owner="had")
    await world.reconcile()
    await delete_principal(world, writable=False)
    before = len(await puts(world))
    await world.declare(policy(NEW), owner="new")
    row = await world.reconcile()
    assert await shown(world) == {"Had": UNIQUE}
    assert reason_of(row, "Degraded") == "NOT_WRITABLE"
    assert row.state["error"]["metadata"]["sid"] == "Had"
    assert row.state["error"]["metadata"]["principal"] == UNIQUE
    assert len(await puts(world)) - before <= 12
    assert own(row, "new")["Ready"][0] == "FALSE"
    # Elements are not removed automatically; deleting the declaration resolves the error.
    await world.withdraw("had")
    row = await world.reconcile()
    assert await sids(world) == {"New"}
    assert holds(row, "Ready")


async def test_unmanaged_statement_of_deleted_principal_blocks_nobody(world: World) -> None:
    await world.raw("PutRegistryPolicy", policyText=policy(HAD)["registry_policy"]["policyText"])
    await delete_principal(world, writable=True)
    await world.declare(policy(NEW), owner="new")
    row = await world.reconcile()
    assert await shown(world) == {"Had": UNIQUE, "New": "arn:aws:iam::555555555555:root"}
    assert holds(row, "Ready")


@pytest.mark.parametrize("other", ["444444444444", GONE])
async def test_removal_is_written_despite_another_error(world: World, other: str) -> None:
    await world.declare(policy(HAD), owner="had")
    await world.reconcile()
    await delete_principal(world, writable=False)
    await unresolvable(world, "arn:aws:iam::333333333333:role/never")
    await world.withdraw("had")
    await world.declare(policy(statement("Bad", "arn:aws:iam::333333333333:role/never")), owner="bad")
    await world.declare(policy(NEW), owner="new")
    row = await world.reconcile()
    assert await sids(world) == {"New"}
    assert own(row, "new")["Ready"][0] == "TRUE"
    assert own(row, "bad")["Synced"][0] == "FALSE"
