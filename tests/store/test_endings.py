"""Ends of many attempts in one transaction."""

from __future__ import annotations

import pytest
from ecrkeeper_server.store import endings, queue, resources
from ecrkeeper_server.store.database import Database
from ecrkeeper_server.store.rows import Resource

from tests.store.claimed_rows import NAMES, claimed, held


def outcome(row: Resource) -> queue.Outcome:
    return queue.Outcome({"of": row.name}, row.generation, 900.0, 0, observed_at=1)


async def stored(db: Database) -> list[Resource]:
    rows = [await db.read(lambda tx, name=name: resources.get(tx, str(name))) for name in NAMES]  # type: ignore[misc]
    return [row for row in rows if row is not None]


async def test_each_attempt_of_a_batch_ends_as_if_alone(db: Database) -> None:
    rows = await claimed(db)
    await db.write(lambda tx: queue.release(tx, [rows[1].name], rows[1].lease_token or ""))
    await db.write(lambda tx: resources.request(tx, rows[2].name))
    finished = await db.write(lambda tx: endings.finish(tx, [(row, outcome(row)) for row in rows]))
    assert [row is None for row in finished] == [False, True, False]
    ended, unclaimed, requested = await stored(db)
    assert (ended.state, ended.lease_token, ended.observe_time) == ({"of": ended.name}, None, 1)
    assert unclaimed.state == {}
    assert requested.urgent
    assert (requested.due_at or 0) < (ended.due_at or 0) - 800_000_000


async def test_row_that_is_held_holds_up_no_other_ending(db: Database, database_url: str) -> None:
    if database_url.startswith("sqlite"):
        pytest.skip("SQLite has one writer")
    rows = await claimed(db)
    async with held(db, rows[0]):
        ended = [(row, outcome(row)) for row in rows]
        finished = await db.write(lambda tx: endings.finish(tx, ended, wait=False))
        assert [row is None for row in finished] == [True, False, False]
    assert await db.write(lambda tx: endings.finish(tx, ended[:1])) != [None]
