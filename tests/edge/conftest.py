"""In-process servers with their own limits."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ecrkeeper_server.api.layers.limits import Limits
from ecrkeeper_server.api.layers.telemetry import Telemetry
from ecrkeeper_server.api.server import Built, build, methods, set_serving
from ecrkeeper_server.api.services.broadcaster import Changes
from ecrkeeper_server.metrics.server import Metrics
from ecrkeeper_server.store import schema
from ecrkeeper_server.store.database import Database

from tests import databases
from tests.dependencies import dependencies
from tests.edge.calls import Calls


@dataclass(frozen=True)
class Running:
    """A server, its TCP and Unix addresses, and its parts."""

    address: str
    socket: str
    changes: Changes
    db: Database
    metrics: Metrics
    built: Built

    def calls(self, address: str = "", **options: Any) -> Calls:
        return Calls(address or self.address, **options)


Serve = Callable[..., AbstractAsyncContextManager[Running]]


@pytest.fixture
def serve(tmp_path: Path) -> Serve:
    """Run a server with the given limits, and perhaps an AWS."""

    @contextlib.asynccontextmanager
    async def run(limits: Limits, aws: Any = None) -> AsyncIterator[Running]:
        url = databases.new_sqlite(tmp_path / "ecrkeeper.db")
        db, changes = schema.open_database(url, pool_size=1), Changes()
        db.listen(changes.publish)
        edge = dependencies(db, aws=aws, changes=changes)
        metrics = Metrics(methods())
        built = build(edge, Telemetry(metrics.rpc), with_reflection=True, limits=limits)
        server = built.server
        socket = f"unix:{tmp_path / 's'}"
        server.add_insecure_port(socket)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        await set_serving(built.health)
        try:
            yield Running(f"127.0.0.1:{port}", socket, changes, db, metrics, built)
        finally:
            await server.stop(0)
            await db.close()

    return run
