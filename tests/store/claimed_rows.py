"""Registries that an attempt has claimed, and one that another transaction holds."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.store import claims, resources
from ecrkeeper_server.store.database import Database, Tx
from ecrkeeper_server.store.rows import Resource

NAMES = [RegistryName(f"{n:012d}", "us-east-1") for n in range(3)]


async def claimed(db: Database) -> list[Resource]:
    """Create the registries, and claim them."""
    for name in NAMES:
        await db.write(lambda tx, name=name: resources.ensure(tx, name, {}, due=True))  # type: ignore[misc]
    rows = await db.write(lambda tx: claims.claim(tx, lease=30.0, backlog=claims.Capacity(10)))
    return sorted(rows, key=lambda row: row.name)


@asynccontextmanager
async def held(db: Database, row: Resource) -> AsyncIterator[None]:
    """Lock a row by another transaction, which lasts as long as the body."""
    locked, released = threading.Event(), threading.Event()

    def hold(tx: Tx) -> None:
        resources.get(tx, row.name, lock=True)
        locked.set()
        released.wait(4)

    holder = asyncio.create_task(db.write(hold))
    try:
        await asyncio.to_thread(locked.wait, 10)
        yield
    finally:
        released.set()
        await holder
