"""All triggers make names due through one method."""

from __future__ import annotations

import asyncio

from ecrkeeper_server.engine.options import EngineOptions
from ecrkeeper_server.engine.triggers import Triggers
from ecrkeeper_server.engine.worker import Engine
from ecrkeeper_server.store import resources

from tests.engine.conftest import REGISTRY, World

RULE = {"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io"}
CACHING = {"pull_through_cache_rules": {"rules": [RULE]}}


async def event(world: World) -> None:
    await world.db.write(lambda tx: resources.enqueue_by_event(tx, [str(REGISTRY), "accounts/9/registries/x"]))


async def due_at(world: World) -> int:
    due = (await world.row()).due_at
    assert due is not None
    return due


def test_triggers_wake_the_loop_and_leave_a_hint() -> None:
    woken: list[int] = []
    triggers = Triggers(lambda: woken.append(1))
    triggers.hinted = False
    triggers.wake()
    assert (len(woken), triggers.hinted) == (1, True)


async def test_event_reconciles_registry_before_resync(world: World) -> None:
    await world.declare(CACHING)
    await world.reconcile()
    assert (await world.due_in() or 0) > 600
    await world.raw("DeletePullThroughCacheRule", ecrRepositoryPrefix="quay")
    engine = Engine(world.db, world.aws, EngineOptions())
    task = asyncio.create_task(engine.run())
    await event(world)
    world.seconds += 2
    engine.triggers.wake()
    for _ in range(1000):
        if (await world.row()).registry_state.remediation is not None:
            break
        await asyncio.sleep(0.01)
    remediation = (await world.row()).registry_state.remediation
    assert remediation is not None
    assert remediation.drift[0].key == "quay"
    await engine.stop(1)
    await task


async def test_events_of_one_change_share_a_time(world: World) -> None:
    await world.declare(CACHING)
    await world.reconcile()
    await event(world)
    first = await due_at(world)
    assert first == (world.seconds + 2) * 1_000_000
    for _ in range(10):
        world.seconds += 0.1
        await event(world)
    assert await due_at(world) == first


async def test_events_cause_few_observations_a_minute(world: World) -> None:
    await world.declare(CACHING)
    await world.reconcile()
    attempts = 0
    for _ in range(600):
        await event(world)
        world.seconds += 0.1
        if await due_at(world) <= world.seconds * 1_000_000:
            await world.reconcile()
            attempts += 1
    assert attempts == 6


async def test_event_during_an_attempt_makes_the_row_due_again(world: World) -> None:
    await world.declare(CACHING)
    world.aws.before["CreatePullThroughCacheRule"] = lambda: event(world)
    await world.reconcile()
    assert await due_at(world) == (world.seconds + 2) * 1_000_000


async def test_event_during_an_attempt_without_changes_is_not_lost(world: World) -> None:
    await world.declare(CACHING)
    await world.reconcile()
    world.seconds += 2000
    world.aws.before["DescribePullThroughCacheRules"] = lambda: event(world)
    row = await world.reconcile()
    assert row.due_at == (world.seconds + 2) * 1_000_000
    world.seconds += 2
    await world.reconcile()
    assert (await world.due_in() or 0) > 600


async def test_event_that_a_claim_overtook_is_not_lost(world: World) -> None:
    await world.declare(CACHING)
    await world.reconcile()
    await event(world)
    scheduled = await due_at(world)
    # Somebody asks for an attempt before that time, and another event comes while it runs.
    world.seconds += 1
    await world.db.write(lambda tx: resources.request(tx, str(REGISTRY)))
    world.aws.before["DescribePullThroughCacheRules"] = lambda: event(world)
    row = await world.reconcile()
    assert row.due_at == scheduled


async def test_event_keeps_earlier_due_time(world: World) -> None:
    await world.declare(CACHING)
    due = (await world.row()).due_at
    world.seconds += 10
    await event(world)
    row = await world.row()
    assert (row.due_at, row.urgent) == (due, True)


async def test_event_leaves_a_paused_registry_alone(world: World) -> None:
    await world.declare(CACHING)
    await world.set_spec({"mode": "PAUSED"})
    await world.reconcile()
    await event(world)
    assert (await world.row()).due_at is None
