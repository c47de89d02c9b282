"""Transactions, groups of them, and notifications of changes."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from ecrkeeper_server.errors import Unavailable
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.store import resources, schema
from ecrkeeper_server.store.database import Database, Tx
from sqlalchemy import text


def registry(n: int) -> RegistryName:
    return RegistryName(f"{n:012d}", "us-east-1")


async def test_failed_change_does_not_affect_its_group(db: Database) -> None:
    def change(n: int) -> Any:
        def apply(tx: Tx) -> int:
            resources.ensure(tx, registry(n), {"n": n})
            if n % 3 == 0:
                raise RuntimeError(f"refused {n}")
            if n % 3 == 1:
                tx.conn.execute(text("INSERT INTO nowhere VALUES (1)"))
            return n

        return apply

    outcomes = await asyncio.gather(*(db.write(change(n)) for n in range(60)), return_exceptions=True)
    for n, outcome in enumerate(outcomes):
        stored = await db.read(lambda tx, n=n: resources.get(tx, str(registry(n))))
        if n % 3 == 2:
            assert outcome == n
            assert stored is not None
        else:
            assert isinstance(outcome, RuntimeError if n % 3 == 0 else Unavailable)
            assert stored is None


async def test_concurrent_changes_of_one_row_all_count(db: Database) -> None:
    await db.write(lambda tx: resources.ensure(tx, registry(1), {}))
    await asyncio.gather(*(db.write(lambda tx: resources.set_spec(tx, str(registry(1)), {})) for _ in range(40)))
    row = await db.read(lambda tx: resources.get(tx, str(registry(1))))
    assert row is not None
    assert row.generation == 41


async def test_cancelled_caller_does_not_undo_its_write(db: Database) -> None:
    task = asyncio.create_task(db.write(lambda tx: resources.ensure(tx, registry(1), {})))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await db.write(lambda tx: resources.ensure(tx, registry(2), {}))
    async with asyncio.timeout(5):
        while await db.read(lambda tx: resources.get(tx, str(registry(1)))) is None:
            await asyncio.sleep(0.01)


async def test_listener_receives_committed_changes_only(db: Database) -> None:
    notified: set[str] = set()
    db.listen(notified.update)

    def refused(tx: Tx) -> None:
        resources.ensure(tx, registry(2), {})
        raise RuntimeError

    async with asyncio.timeout(10):
        while str(registry(1)) not in notified:
            # The listener of Postgres needs a moment to connect.
            await asyncio.gather(
                db.write(refused), db.write(lambda tx: resources.ensure(tx, registry(1), {})), return_exceptions=True
            )
            await asyncio.sleep(0.02)
    assert notified == {str(registry(1))}


async def test_names_beyond_one_notification_all_arrive(db: Database) -> None:
    notified: set[str] = set()
    db.listen(notified.update)

    def many(tx: Tx) -> None:
        tx.changed.update(str(registry(n)) for n in range(500))

    async with asyncio.timeout(10):
        while len(notified) < 500:
            await db.write(many)
            await asyncio.sleep(0.02)


async def test_closed_store_rejects_writes(db: Database) -> None:
    await db.close()
    with pytest.raises(Unavailable):
        await db.write(lambda tx: resources.ensure(tx, registry(1), {}))
    await db.close()


async def test_queued_writes_are_committed_on_close(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'x.db'}"
    schema.migrate(url)
    db = schema.open_database(url)
    tasks = [
        asyncio.create_task(db.write(lambda tx, n=n: resources.ensure(tx, registry(n), {})))  # type: ignore[misc]
        for n in range(200)
    ]
    await asyncio.sleep(0)
    await db.close()
    assert len(await asyncio.gather(*tasks)) == 200
    reopened = schema.open_database(url)
    assert len(await reopened.read(lambda tx: resources.page(tx, "registry", "-", "", 1000))) == 200
    await reopened.close()


async def test_nul_bytes_in_documents_are_stored(db: Database) -> None:
    spec = {"text": "a\x00b", "more": "😀é"}
    row = await db.write(lambda tx: resources.ensure(tx, registry(1), spec))
    assert row.spec == spec
