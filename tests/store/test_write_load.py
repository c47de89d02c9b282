"""The load that SQLite's writer reports, which the pauses of large work depend on."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

from ecrkeeper_server.store import schema
from ecrkeeper_server.store.database import Load, Tx


async def test_writer_is_in_use_while_it_runs_a_transaction(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'a.db'}"
    await asyncio.to_thread(schema.migrate, url)
    db = schema.open_database(url)
    begun, going_on = threading.Event(), threading.Event()

    def first(_: Tx) -> Load:
        begun.set()
        assert going_on.wait(10)
        return db.load()

    assert db.load() == Load(in_use=0, size=1, waiting=0)
    writes = [asyncio.create_task(db.write(first))]
    await asyncio.to_thread(begun.wait, 10)
    writes.append(asyncio.create_task(db.write(lambda _: db.load())))
    await asyncio.sleep(0)
    going_on.set()
    assert await asyncio.gather(*writes) == [Load(1, 1, 1), Load(1, 1, 0)]
    assert db.load() == Load(0, 1, 0)
    await db.close()
