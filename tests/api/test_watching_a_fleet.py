"""Watches of many registries: their cost, and recovery from lost notifications."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from ecrkeeper_server.access.policy import Policy
from ecrkeeper_server.api.layers.access import Access
from ecrkeeper_server.api.services.broadcaster import Changes
from ecrkeeper_server.api.services.context import Dependencies, resource_fields
from ecrkeeper_server.api.services.watch_stream import Event, watched
from ecrkeeper_server.names import RegistryName, SettingsName
from ecrkeeper_server.store import declarations, listing, resources, schema
from ecrkeeper_server.store.database import Database, Tx
from ecrkeeper_server.store.specs import NEW_REGISTRY
from ecrkeeper_server.store.unit_of_work import Origin
from sqlalchemy import Engine, event

from tests import declaring

FIRST = 100_000_000_000
FIELDS = resource_fields("region", {})
NOBODY_MAY = Policy(())


def name(at: int) -> RegistryName:
    return RegistryName(str(FIRST + at), "us-east-1")


def declare(tx: Tx, at: int) -> None:
    resources.ensure(tx, name(at), NEW_REGISTRY)
    settings = {"scanningConfiguration": {"scanType": "BASIC"}}
    declaring.put(
        tx, SettingsName(name(at), "web"), settings, deletion_policy="REMOVE", allow_replacement=False,
        registry_generation=1, origin=Origin("test"),
    )  # fmt: skip


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    opened = schema.open_database(database_url)
    yield opened
    await opened.close()


@pytest.fixture
def edge(db: Database) -> Dependencies:
    """Watches whose notifications the test sends."""
    unused: Any = None
    return Dependencies(db, unused, Changes(), lambda: None, "us-east-1")


@pytest.fixture
def statements() -> Iterator[list[str]]:
    """Record the executed statements."""
    recorded: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        recorded.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    yield recorded
    event.remove(Engine, "before_cursor_execute", note)


def watch(edge: Dependencies, text: str = "") -> Any:
    steps: Any = watched(edge, "registry", "-", text, FIELDS)
    return aclosing(steps)


async def snapshot(steps: AsyncGenerator[Event]) -> list[Event]:
    registries = []
    async for step in steps:
        if step.kind == "SNAPSHOT_COMPLETE":
            return registries
        registries.append(step)
    raise AssertionError("the stream ended")


async def following(steps: AsyncGenerator[Event]) -> tuple[str, str]:
    step = await asyncio.wait_for(anext(steps), 20)
    return step.kind, step.name


async def test_snapshot_reads_resources_in_pages(db: Database, edge: Dependencies, statements: list[str]) -> None:
    await db.write(lambda tx: [declare(tx, at) for at in range(450)])
    del statements[:]
    async with watch(edge) as steps:
        registries = await snapshot(steps)
    assert [step.name for step in registries] == [str(name(at)) for at in range(450)]
    assert all([declared.owner for declared in step.declared] == ["web"] for step in registries)
    assert sum("FROM declarations" in each for each in statements) == 450 // 25 + 1, "one for each page"
    assert len(statements) < 30


async def test_sqlite_reads_declarations_by_index(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ecrkeeper.db'}"
    schema.migrate(url)
    db = schema.open_database(url)
    plans: list[Any] = []

    def explain(conn: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith("SELECT") and "declarations" in statement:
            plans.extend(conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters))

    await db.write(lambda tx: declare(tx, 0))
    event.listen(Engine, "before_cursor_execute", explain)
    try:
        await db.read(lambda tx: declarations.of_registries(tx, resources.page(tx, "registry", "-", "", 10)))
        await db.read_then_parse(lambda tx: listing.reading_page(tx, "registry", "-", "", 10, None))
    finally:
        event.remove(Engine, "before_cursor_execute", explain)
        await db.close()
    # One for the first query; the page looks for the number, the lengths and the values.
    assert sum("SEARCH declarations" in plan.detail for plan in plans) == 1 + 3, plans
    assert not any("SCAN declarations" in plan.detail for plan in plans), plans


async def test_snapshot_does_not_block_other_calls(db: Database, edge: Dependencies) -> None:
    await db.write(lambda tx: [declare(tx, at) for at in range(450)])
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    task = asyncio.create_task(other())
    async with watch(edge) as steps:
        await snapshot(steps)
    task.cancel()
    assert turns >= 4


async def test_lost_changes_cost_one_query_for_all_watchers(
    db: Database, edge: Dependencies, statements: list[str]
) -> None:
    await db.write(lambda tx: [declare(tx, at) for at in range(4)])
    async with watch(edge) as a, watch(edge) as b, watch(edge, 'mode = "OBSERVE"') as c:
        assert [len(await snapshot(steps)) for steps in (a, b, c)] == [4, 4, 0]
        next_steps = [asyncio.create_task(following(steps)) for steps in (a, b, c)]

        def unheard(tx: Tx) -> None:
            declare(tx, 4)
            resources.set_spec(tx, str(name(1)), {**NEW_REGISTRY, "mode": "OBSERVE"})
            resources.patch(tx, str(name(2)), state={"conditions": []})
            resources.remove(tx, str(name(3)))

        await db.write(unheard)
        del statements[:]
        edge.changes.publish(())
        streams = [[await first] for first in next_steps]
        for received, steps in zip(streams[:2], (a, b), strict=True):
            received += [await following(steps) for _ in range(3)]
        complete = [
            ("CURRENT", str(name(1))), ("CURRENT", str(name(2))), ("CURRENT", str(name(4))), ("REMOVED", str(name(3))),
        ]  # fmt: skip
        assert sorted(streams[0]) == sorted(streams[1]) == complete
        assert streams[2] == [("CURRENT", str(name(1)))]
        assert not any("resources.name >" in each and "resources.uid" in each for each in statements)


async def test_notified_change_is_sent_once(db: Database, edge: Dependencies, statements: list[str]) -> None:
    await db.write(lambda tx: [declare(tx, at) for at in range(2)])
    async with watch(edge) as steps:
        await snapshot(steps)
        await db.write(lambda tx: resources.set_spec(tx, str(name(0)), {**NEW_REGISTRY, "mode": "OBSERVE"}))
        edge.changes.publish([str(name(0))])
        assert await following(steps) == ("CURRENT", str(name(0)))
        edge.changes.publish([str(name(0))])
        edge.changes.publish(())
        await db.write(lambda tx: resources.set_spec(tx, str(name(1)), {**NEW_REGISTRY, "mode": "OBSERVE"}))
        edge.changes.publish([str(name(1))])
        assert await following(steps) == ("CURRENT", str(name(1)))


async def test_watcher_with_overflow_compares_everything(db: Database, edge: Dependencies) -> None:
    await db.write(lambda tx: [declare(tx, at) for at in range(3)])
    async with watch(edge) as steps:
        await snapshot(steps)

        def change(tx: Tx) -> None:
            resources.set_spec(tx, str(name(0)), {**NEW_REGISTRY, "mode": "OBSERVE"})
            resources.remove(tx, str(name(2)))

        await db.write(change)
        edge.changes.publish(str(name(at)) for at in range(20_000))
        assert [await following(steps) for _ in range(2)] == [("CURRENT", str(name(0))), ("REMOVED", str(name(2)))]


async def test_watch_removes_resources_after_access_is_revoked(db: Database, edge: Dependencies) -> None:
    await db.write(lambda tx: [declare(tx, at) for at in range(2)])
    policies: list[Policy | None] = [None]
    guarded = Dependencies(db, edge.aws, edge.changes, edge.wake, "us-east-1", Access(lambda: policies[-1]))
    async with watch(guarded) as steps:
        assert len(await snapshot(steps)) == 2
        policies.append(NOBODY_MAY)
        guarded.changes.publish([str(name(0))])
        assert [await following(steps) for _ in range(2)] == [("REMOVED", str(name(at))) for at in range(2)]


async def test_broadcaster_is_idle_without_watchers(db: Database, edge: Dependencies) -> None:
    before = asyncio.all_tasks()
    for _ in range(2):
        async with watch(edge) as steps:
            await snapshot(steps)
            assert asyncio.all_tasks() - before
        await eventually(lambda: asyncio.all_tasks() == before)
    assert edge.changes.listeners() == 0


async def eventually(holds: Callable[[], bool]) -> None:
    while not holds():
        await asyncio.sleep(0.001)
