"""Where no events came for a day, an unchanged Put finds out whether they arrive."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from ecrkeeper_server.engine.event_health import EventHealth
from ecrkeeper_server.engine.options import EngineOptions
from ecrkeeper_server.engine.worker import Engine
from ecrkeeper_server.metrics.server import Metrics
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.store import audit_pages, cloud_events
from ecrkeeper_server.store.audit import Selection

from tests.engine.conftest import ACCOUNT, LEASE, REGION, World, a_world
from tests.engine.events import CACHING, REPLICATION

DAY = 86_400.0


@dataclass
class Source:
    works: bool = True


@dataclass
class Stage:
    world: World
    health: EventHealth
    source: Source

    async def attempt(self, seconds: float = DAY) -> list[str]:
        """Let time pass and reconcile; return the writes of the attempt."""
        self.world.seconds += seconds
        await self.health.refresh()
        self.world.aws.calls.clear()
        await self.world.resync()
        return self.world.aws.writes


@pytest.fixture
async def stage(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    async with a_world(database_url, monkeypatch) as world:
        yield await stage_of(world, REPLICATION, probes=True)


async def stage_of(world: World, settings: dict[str, Any], *, probes: bool) -> Stage:
    health = EventHealth(
        world.db, Metrics().events, REGION, resync=900, stretched=21_600, probes=probes, clock=lambda: world.seconds
    )
    source = Source()
    health.sources.append(source)
    world.engine = Engine(world.db, world.aws, EngineOptions(lease=LEASE), jitter=lambda: 0.5, health=health)
    await world.declare(settings)
    await world.reconcile()
    return Stage(world, health, source)


async def test_silent_registry_is_probed_once_a_day(stage: Stage) -> None:
    before = await stage.world.row()
    assert await stage.attempt() == ["PutReplicationConfiguration"]
    assert await stage.attempt(900) == []
    assert await stage.attempt(DAY / 2) == []
    assert await stage.attempt(DAY / 2) == ["PutReplicationConfiguration"]
    row = await stage.world.row()
    assert row.registry_state.remediation is None
    assert row.registry_state.applied == before.registry_state.applied
    assert row.generation == row.observed_generation == before.generation


async def test_probe_has_an_audit_event_without_changes(stage: Stage) -> None:
    await stage.attempt()
    events = await stage.world.db.read_then_parse(
        lambda tx: audit_pages.reading_page(tx, Selection(account=ACCOUNT), None, 10)
    )
    [probe] = [each for each in events if each.reason == "EVENT_PROBE"]
    assert (probe.kind, probe.method) == ("AWS_WRITE", "ecr:PutReplicationConfiguration")
    assert (probe.outcome, list(probe.changes), list(probe.owners)) == ("SUCCEEDED", [], ["team-a"])


async def test_registry_with_events_is_not_probed(stage: Stage) -> None:
    stage.world.seconds += DAY
    await stage.world.db.write(lambda tx: cloud_events.record_arrival(tx, [RegistryName(ACCOUNT, REGION)]))
    assert await stage.attempt(60) == []


async def test_failing_queue_is_not_probed(stage: Stage) -> None:
    stage.source.works = False
    assert await stage.attempt() == []


async def test_health_that_was_never_read_is_not_probed(stage: Stage) -> None:
    stage.world.seconds += DAY
    stage.world.aws.calls.clear()
    await stage.world.resync()
    assert stage.world.aws.writes == []


async def test_drift_is_reverted_instead_of_probed(stage: Stage) -> None:
    await stage.world.raw("PutReplicationConfiguration", replicationConfiguration={"rules": []})
    await stage.attempt()
    remediation = (await stage.world.row()).registry_state.remediation
    assert remediation is not None
    assert remediation.drift[0].setting == "replication_configuration"


async def test_observed_registry_is_not_probed(stage: Stage) -> None:
    await stage.world.set_spec({"mode": "OBSERVE"})
    await stage.world.reconcile()
    assert await stage.attempt() == []


async def test_change_right_before_the_probe_is_kept(stage: Stage) -> None:
    world, reads = stage.world, [0]

    async def count() -> None:
        reads[0] += 1
        world.aws.before["DescribeRegistry"] = change if reads[0] == 1 else count

    async def change() -> None:
        await world.raw("PutReplicationConfiguration", replicationConfiguration={"rules": []})

    world.aws.before["DescribeRegistry"] = count
    # The probe reads the document once more, and sends nothing.
    assert await stage.attempt() == ["PutReplicationConfiguration"]
    assert (await world.aws.call(ACCOUNT, REGION, "ecr", "DescribeRegistry", {}))["replicationConfiguration"][
        "rules"
    ] == []


async def test_option_that_is_off_probes_nothing(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with a_world(database_url, monkeypatch) as world:
        stage = await stage_of(world, REPLICATION, probes=False)
        assert await stage.attempt() == []


async def test_registry_without_a_document_is_not_probed(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with a_world(database_url, monkeypatch) as world:
        stage = await stage_of(world, CACHING, probes=True)
        assert await stage.attempt() == []
