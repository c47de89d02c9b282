"""Database load of an idle engine, and resources found without notification."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from ecrkeeper_server.engine import worker
from ecrkeeper_server.engine.options import EngineOptions
from ecrkeeper_server.engine.worker import Engine
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.store import claims
from ecrkeeper_server.store.database import Database, Load, Tx
from ecrkeeper_server.store.rows import Resource

from tests.engine.conftest import ACCOUNT, LEASE, REGISTRY, World

T = TypeVar("T")


class Counted(Database):
    """A database that counts its transactions."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.reads = self.writes = 0

    async def read(self, query: Callable[[Tx], T]) -> T:
        self.reads += 1
        return await self._db.read(query)

    async def write(self, change: Callable[[Tx], T]) -> T:
        self.writes += 1
        return await self._db.write(change)

    def try_write(self, tx: Tx) -> None:
        self._db.try_write(tx)

    def load(self) -> Load:
        return self._db.load()

    async def close(self) -> None:
        await self._db.close()

    def listen(self, on_notify: Callable[[set[str]], Any]) -> None:
        self._db.listen(on_notify)


async def until(holds: Callable[[], bool]) -> None:
    for _ in range(1000):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("not within 10 s")


@pytest.fixture
def db(world: World, monkeypatch: pytest.MonkeyPatch) -> Counted:
    monkeypatch.setattr(worker, "_IDLE_SECONDS", 0.02)
    return Counted(world.db)


async def running(world: World, db: Counted) -> tuple[Engine, asyncio.Task[None]]:
    """An idle engine that renews leases less often than it polls."""
    engine = Engine(db, world.aws, EngineOptions(lease=0.03), jitter=lambda: 1.0)
    task = asyncio.create_task(engine.run())
    await until(lambda: db.reads >= 2)
    return engine, task


async def test_idle_engine_only_reads(world: World, db: Counted) -> None:
    engine, task = await running(world, db)
    writes, reads = db.writes, db.reads
    await until(lambda: db.reads >= reads + 10)
    assert db.writes == writes
    await engine.stop(1)
    await task


async def test_idle_engine_finds_due_resources_without_notification(world: World, db: Counted) -> None:
    engine, task = await running(world, db)
    await world.declare({})
    done = False
    for _ in range(1000):
        row = await world.row()
        done = row.observed_generation == row.generation
        if done:
            break
        await asyncio.sleep(0.01)
    assert done
    await engine.stop(1)
    await task


async def test_idle_engine_claims_immediately_when_notified(
    world: World, db: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, task = await running(world, db)
    monkeypatch.setattr(worker, "_IDLE_SECONDS", 1000.0)
    reads = db.reads
    await until(lambda: db.reads > reads)
    writes = db.writes
    engine.triggers.wake()
    await until(lambda: db.writes > writes)
    await engine.stop(1)
    await task


async def test_ending_attempts_claim_nothing_unless_something_is_due(
    world: World, db: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = [RegistryName(ACCOUNT, region) for region in ("eu-west-1", "eu-west-2", "eu-west-3", "eu-north-1")]
    claimed, claim = list[int](), claims.claim

    def counted(tx: Tx, **options: Any) -> list[Resource]:
        claimed.append(1)
        return claim(tx, **options)

    monkeypatch.setattr(claims, "claim", counted)
    for place in places:
        await world.declare({}, registry=place)
    engine = Engine(db, world.aws, EngineOptions(lease=LEASE), jitter=lambda: 1.0)
    task = asyncio.create_task(engine.run())
    rows = [await world.row(place) for place in places]
    for _ in range(1000):
        if all(row.carried_out for row in rows):
            break
        await asyncio.sleep(0.01)
        rows = [await world.row(place) for place in places]
    reads = db.reads
    await until(lambda: db.reads >= reads + 5)
    assert all(row.carried_out for row in rows)
    # An account gets a third of the free slots at a time, so one claim suffices.
    assert len(claimed) == 1
    await engine.stop(1)
    await task


async def test_idle_check_covers_priority_lane(world: World) -> None:
    """Allow an engine without running attempts to claim backlog resources only."""
    await world.declare({})
    row = await world.row()
    assert row.urgent
    assert await world.db.read(lambda tx: claims.next_due(tx, backlog=world.engine._slots.backlog)) == 0.0
    assert row.registry == REGISTRY
