"""The resync is stretched while events arrive, and short in silence."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from ecrkeeper_server.aws_errors import Temporary
from ecrkeeper_server.engine.event_health import EventHealth
from ecrkeeper_server.engine.options import EngineOptions
from ecrkeeper_server.engine.worker import Engine
from ecrkeeper_server.metrics.server import Metrics
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.store import cloud_events

from tests.engine.conftest import ACCOUNT, LEASE, REGION, World, a_world
from tests.engine.events import CACHING

HOUR = 3600.0


@dataclass
class Source:
    works: bool = True


@dataclass
class Stage:
    world: World
    health: EventHealth
    source: Source
    metrics: Metrics

    async def event(self) -> None:
        await self.world.db.write(lambda tx: cloud_events.record_arrival(tx, [RegistryName(ACCOUNT, REGION)]))
        await self.health.refresh()

    async def pass_time(self, seconds: float) -> None:
        self.world.seconds += seconds
        await self.health.refresh()


@pytest.fixture
async def stage(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    async with a_world(database_url, monkeypatch) as world:
        metrics, source = Metrics(), Source()
        health = EventHealth(
            world.db, metrics.events, REGION, resync=900, stretched=6 * HOUR, clock=lambda: world.seconds
        )
        health.sources.append(source)
        options = EngineOptions(lease=LEASE, resync=900.0)
        world.engine = Engine(world.db, world.aws, options, jitter=lambda: 0.5, health=health)
        await world.declare(CACHING)
        yield Stage(world, health, source, metrics)


async def test_resync_is_stretched_while_events_arrive(stage: Stage) -> None:
    await stage.event()
    await stage.world.reconcile()
    assert await stage.world.due_in() == pytest.approx(6 * HOUR)


async def test_refresh_lets_others_run_between_pages(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    world, places = stage.world, [RegistryName(f"{at:012}", REGION) for at in range(5)]
    await world.db.write(lambda tx: cloud_events.record_arrival(tx, places))
    monkeypatch.setattr(cloud_events, "HEALTH_PAGE", 2)
    order, read = list[str](), world.db.read

    async def noted(query: Any) -> Any:
        order.append("read")
        return await read(query)

    async def run_beside() -> None:
        while True:
            order.append("other")
            await asyncio.sleep(0)

    monkeypatch.setattr(world.db, "read", noted)
    other = asyncio.create_task(run_beside())
    await stage.health.refresh()
    other.cancel()
    alternating = [kind for kind, _ in itertools.groupby(order)]
    assert alternating.count("read") == order.count("read") >= 3
    assert set(stage.health._ends) == {(each.account, each.region) for each in places}
    await stage.pass_time(24 * HOUR)
    assert stage.health._ends == {}, "silent places need no memory"


async def test_resync_is_short_without_events(stage: Stage) -> None:
    await stage.world.reconcile()
    assert await stage.world.due_in() == pytest.approx(900)


async def test_stretched_resync_ends_with_the_health(stage: Stage) -> None:
    await stage.event()
    await stage.pass_time(22 * HOUR)
    await stage.world.reconcile()
    # Two hours of health are left.
    assert await stage.world.due_in() == pytest.approx(2 * HOUR)
    await stage.pass_time(2 * HOUR)
    await stage.world.reconcile()
    assert await stage.world.due_in() == pytest.approx(900)


async def test_silence_is_a_condition_until_an_event_comes(stage: Stage) -> None:
    world = stage.world
    await world.reconcile()
    await stage.pass_time(2 * HOUR)
    row = await world.reconcile()
    by_type = {each.type: each for each in row.registry_state.conditions}
    assert by_type["EventsSilent"].reason == "NO_EVENTS"
    assert by_type["Ready"].holds
    assert stage.metrics.events.silent._value.get() == 1
    await stage.event()
    await stage.pass_time(900)
    row = await world.reconcile()
    assert "EventsSilent" not in {each.type for each in row.registry_state.conditions}
    assert stage.metrics.events.silent._value.get() == 0


async def test_outage_of_a_queue_makes_stretched_resyncs_short(stage: Stage) -> None:
    world = stage.world
    await stage.event()
    await world.reconcile()
    stage.source.works = False
    await stage.pass_time(200)
    assert (await world.due_in() or 0) > 5 * HOUR
    await stage.pass_time(200)
    assert await world.due_in() == pytest.approx(900 - 400)
    await stage.pass_time(500)
    await world.reconcile()
    assert await world.due_in() == pytest.approx(900)
    # The queue answers again.
    stage.source.works = True
    await stage.pass_time(900)
    await world.reconcile()
    assert await world.due_in() == pytest.approx(6 * HOUR)


async def test_outage_of_a_queue_leaves_backoff_alone(stage: Stage) -> None:
    world = stage.world
    away = Temporary("away", reason="AWS_UNREACHABLE", operation="DescribePullThroughCacheRules", after=1200.0)
    world.aws.faults["DescribePullThroughCacheRules"] = lambda _: away
    await world.reconcile()
    assert await world.due_in() == pytest.approx(1200)
    stage.source.works = False
    await stage.pass_time(400)
    assert await world.due_in() == pytest.approx(800)
