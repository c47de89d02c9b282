"""A watcher that reads slowly or not at all uses no memory."""

from __future__ import annotations

import asyncio

from ecrkeeper.v1 import registry_settings_service_pb2 as pb
from ecrkeeper_server.api.layers.limits import Limits
from ecrkeeper_server.api.services.broadcaster import Changes
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.store import resources
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.specs import NEW_REGISTRY

from tests.edge.conftest import Serve

EVERYTHING = pb.WatchRegistriesRequest(parent="accounts/-").SerializeToString()
FIRST = 100_000_000_000


async def test_pending_changes_are_bounded_without_loss() -> None:
    changes = Changes()
    with changes.subscribe("registry") as listener:
        for start in range(0, 100_000, 1000):
            changes.publish(f"accounts/{FIRST + at}/registries/us-east-1" for at in range(start, start + 1000))
            assert listener.queued <= 10_000
        await listener.wait(1)
        assert listener.overflowed, "a listener that lost changes must compare everything"


async def test_slow_watcher_receives_everything_after_resuming(serve: Serve) -> None:
    async with serve(Limits()) as server, server.calls() as calls:
        stream = calls.stream(request=EVERYTHING)
        assert pb.WatchRegistriesResponse.FromString(await stream.read()).kind == 2

        def declare(tx: Tx) -> None:
            for at in range(2000):
                row = resources.ensure(tx, RegistryName(str(FIRST + at), "us-east-1"), NEW_REGISTRY)
                tx.changes(row.name)

        await server.db.write(declare)
        for start in range(0, 50_000, 1000):
            server.changes.publish(f"accounts/{FIRST + at}/registries/us-east-1" for at in range(start, start + 1000))
            assert all(listener.queued <= 10_000 for listener in next(iter(server.changes._listeners.values())))
        names = {pb.WatchRegistriesResponse.FromString(await stream.read()).registry.name for _ in range(2000)}
        assert len(names) == 2000


async def test_departed_watcher_is_removed(serve: Serve) -> None:
    async with serve(Limits()) as server:
        async with server.calls() as calls:
            await calls.stream(request=EVERYTHING).read()
            assert len(server.changes._listeners) == 1
        for _ in range(200):
            if not server.changes._listeners:
                return
            await asyncio.sleep(0.02)
        raise AssertionError("the listener of a watcher that went away stays")
