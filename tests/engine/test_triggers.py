"""All triggers make names due through one method."""

from __future__ import annotations

import asyncio

import pytest
from ecrkeeper_server.engine.options import EngineOptions
from ecrkeeper_server.engine.triggers import Trigger, Triggers
from ecrkeeper_server.engine.worker import Engine
from ecrkeeper_server.errors import Unavailable
from ecrkeeper_server.store import resources

from tests.engine.conftest import REGISTRY, World

RULE = {"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io"}
CACHING = {"pull_through_cache_rules": {"rules": [RULE]}}


def test_stored_triggers_wake_without_names() -> None:
    woken: list[int] = []
    triggers = Triggers(lambda: woken.append(1))
    triggers.hinted = False
    for reason in (Trigger.CALL, Trigger.NOTIFICATION):
        triggers.enqueue(["a"], reason)
    assert (triggers.drain(), len(woken), triggers.hinted) == ([], 2, True)


def test_event_names_are_deduplicated() -> None:
    triggers = Triggers(lambda: None)
    triggers.enqueue(["b", "a"], Trigger.EVENT)
    triggers.enqueue(["a"], Trigger.EVENT)
    assert triggers.drain() == ["a", "b"]
    assert triggers.drain() == []
    triggers.restore(["a"])
    assert triggers.drain() == ["a"]


async def test_event_reconciles_registry_before_resync(world: World) -> None:
    await world.declare(CACHING)
    await world.reconcile()
    assert (await world.due_in() or 0) > 600
    await world.raw("DeletePullThroughCacheRule", ecrRepositoryPrefix="quay")
    engine = Engine(world.db, world.aws, EngineOptions())
    task = asyncio.create_task(engine.run())
    engine.triggers.enqueue([str(REGISTRY), "accounts/999999999999/registries/us-east-1"], Trigger.EVENT)
    for _ in range(1000):
        if (await world.row()).state.get("remediation"):
            break
        await asyncio.sleep(0.01)
    assert (await world.row()).state["remediation"]["drift"][0]["key"] == "quay"
    await engine.stop(1)
    await task


async def test_event_during_attempt_makes_resource_due_again(world: World) -> None:
    await world.declare(CACHING)

    async def event() -> None:
        await world.db.write(lambda tx: resources.enqueue(tx, [str(REGISTRY)]))

    world.aws.before["CreatePullThroughCacheRule"] = event
    await world.reconcile()
    assert (await world.due_in() or 0) <= 0


async def test_event_keeps_earlier_due_time(world: World) -> None:
    await world.declare(CACHING)
    due = (await world.row()).due_at
    world.seconds += 10
    await world.db.write(lambda tx: resources.enqueue(tx, [str(REGISTRY)]))
    row = await world.row()
    assert (row.due_at, row.urgent) == (due, True)


async def test_event_names_survive_store_outage(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(change: object) -> None:
        raise Unavailable("away", reason="STORE_UNAVAILABLE")

    world.engine.triggers.enqueue([str(REGISTRY)], Trigger.EVENT)
    with monkeypatch.context() as patched:
        patched.setattr(world.db, "write", away)
        with pytest.raises(Unavailable):
            await world.engine._store_triggered()
    assert world.engine.triggers.drain() == [str(REGISTRY)]
