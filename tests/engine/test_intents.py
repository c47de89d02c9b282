"""Attempts that store at the same time what they are about to write."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from ecrkeeper_server.engine.intents import Intent, Intents
from ecrkeeper_server.store import audit, audit_pages, queue, resources, schema
from ecrkeeper_server.store.audit import NewEvent, Selection
from ecrkeeper_server.store.database import Database, Tx
from ecrkeeper_server.store.rows import Resource

from tests.store.claimed_rows import NAMES, claimed, held


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    opened = schema.open_database(database_url)
    yield opened
    await opened.close()


def intent(row: Resource, method: str = "ecr:PutRegistryPolicy", events: int = 2) -> Intent:
    written = [NewEvent(kind="AWS_WRITE", method=method, resource=row.name, outcome="UNKNOWN") for _ in range(events)]
    return Intent(row, {"applied": {"of": row.name}}, [], written)


async def states(db: Database) -> list[dict[str, Any]]:
    rows = [await db.read(lambda tx, name=name: resources.get(tx, str(name))) for name in NAMES]  # type: ignore[misc]
    return [row.state for row in rows if row is not None]


async def recorded(db: Database) -> dict[int, str]:
    events = await db.read_then_parse(lambda tx: audit_pages.reading_page(tx, Selection(), None, 100))
    return {each.id: each.resource for each in events if each.kind == "AWS_WRITE"}


async def test_intents_of_one_moment_share_a_transaction(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, writes, write = await claimed(db), list[int](), db.write

    async def counted(change: Any) -> Any:
        writes.append(1)
        return await write(change)

    monkeypatch.setattr(db, "write", counted)
    intents = Intents(db)
    ids = await asyncio.gather(*(intents.put(intent(row)) for row in rows))
    assert len(writes) == 1
    assert await states(db) == [{"applied": {"of": row.name}} for row in rows]
    events = await recorded(db)
    # Each attempt has the ids of its own events.
    assert [[events[number] for number in of_row or ()] for of_row in ids] == [[row.name] * 2 for row in rows]
    assert len(events) == 6


async def test_lost_lease_stores_nothing_and_holds_up_no_other(db: Database) -> None:
    rows, intents = await claimed(db), Intents(db)
    await db.write(lambda tx: queue.release(tx, [rows[1].name], rows[1].lease_token or ""))
    ids = await asyncio.gather(*(intents.put(intent(row)) for row in rows))
    assert [each is None for each in ids] == [False, True, False]
    assert (await states(db))[1] == {}
    assert rows[1].name not in (await recorded(db)).values()


async def test_intent_that_the_store_rejects_holds_up_no_other(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, intents, record = await claimed(db), Intents(db), audit.record

    def picky(tx: Tx, events: Sequence[NewEvent]) -> list[int]:
        if any(each.method == "poison" for each in events):
            raise ValueError("poison")
        return record(tx, events)

    monkeypatch.setattr(audit, "record", picky)
    put = [intents.put(intent(rows[0], method="poison")), *(intents.put(intent(row)) for row in rows[1:])]
    ends = await asyncio.gather(*put, return_exceptions=True)
    assert isinstance(ends[0], Exception)
    assert [len(each) for each in ends[1:] if isinstance(each, list)] == [2, 2]
    assert (await states(db))[0] == {}


async def test_row_that_is_held_holds_up_no_other_intent(db: Database, database_url: str) -> None:
    if database_url.startswith("sqlite"):
        pytest.skip("SQLite has one writer")
    rows, intents = await claimed(db), Intents(db)
    async with held(db, rows[0]):
        waiting = asyncio.create_task(intents.put(intent(rows[0])))
        assert await intents.put(intent(rows[1])) is not None
        # Also those that come while it waits.
        assert await intents.put(intent(rows[2])) is not None
        assert not waiting.done()
    assert await waiting is not None
    assert await states(db) == [{"applied": {"of": row.name}} for row in rows]
