"""Old events leave the store, however many there are."""

from __future__ import annotations

import pytest
from ecrkeeper_server.engine import purge
from ecrkeeper_server.store import cloud_events
from ecrkeeper_server.store.audit import PURGED_AT_ONCE
from ecrkeeper_server.store.clock import DAY, MICROSECONDS
from ecrkeeper_server.store.cloud_events import CloudEvent

from tests.engine.conftest import REGISTRY, a_world


async def test_purge_that_leaves_events_is_repeated_soon(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purge, "_BATCHES", 2)
    async with a_world(database_url, monkeypatch) as world:
        old = [CloudEvent(str(at), str(REGISTRY), "", "", at, {}) for at in range(2 * PURGED_AT_ONCE + 1)]
        await world.db.write(lambda tx: cloud_events.add(tx, old))
        world.seconds += DAY / MICROSECONDS + 1
        assert [await purge.purge(world.db, 365) for _ in range(2)] == [True, False]
        assert await world.db.write(cloud_events.purge) == 0
