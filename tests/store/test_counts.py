"""Counts: in a thread on SQLite, one at a time and in turn by principal."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ecrkeeper_server.errors import Unavailable
from ecrkeeper_server.metrics.server import Metrics
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.store import cloud_events, fleet_accounts, fleet_counts, resources, schema
from ecrkeeper_server.store.cloud_events import HealthPage, Place
from ecrkeeper_server.store.database import Database, Tx
from ecrkeeper_server.store.event_tables import event_health
from ecrkeeper_server.store.fleet_rows import AccountRow
from ecrkeeper_server.store.fleet_specs import Source
from ecrkeeper_server.store.instrumented import InstrumentedDatabase
from ecrkeeper_server.store.overview import overview
from ecrkeeper_server.turns import WORK, Turns, Work
from sqlalchemy import insert, text

from tests import databases

from .conftest import Clock
from .test_counted_cpu import busy, calling, fail

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
PLACES = [(f"{at:012}", region) for at in range(1, 300) for region in ("eu-west-1", "us-east-1")]


def registry(at: int) -> RegistryName:
    return RegistryName(f"{at:012}", "us-east-1")


def store(tx: Tx) -> None:
    for at in range(5):
        resources.ensure(tx, registry(at), {"mode": "ENFORCE"}, due=at % 2 == 0)


@pytest.fixture
async def filled(db: Database) -> Database:
    await db.write(store)
    await db.write(lambda tx: cloud_events.record_arrival(tx, [registry(1)]))
    return db


COUNTS: list[tuple[str, Callable[[Tx], Any]]] = [
    ("metrics", overview),
    ("silent places", cloud_events.silent_places),
    ("the fleet", lambda tx: fleet_counts.count(tx, None, None)),
]


@pytest.mark.parametrize(("what", "query"), COUNTS, ids=[what for what, _ in COUNTS])
async def test_count_returns_the_same_as_a_read(filled: Database, what: str, query: Callable[[Tx], Any]) -> None:
    counted = await filled.count(query)
    assert counted == await filled.read(query), what
    assert counted not in (None, 0)


async def test_count_does_not_run_on_the_event_loop(filled: Database) -> None:
    loop = threading.get_ident()
    assert await filled.count(lambda _: threading.get_ident()) != loop
    counting = InstrumentedDatabase(filled, Metrics().store)
    assert await counting.count(lambda _: threading.get_ident()) != loop


async def test_count_sees_the_newest_commit(filled: Database) -> None:
    for at in range(5, 8):
        await filled.write(lambda tx, at=at: resources.ensure(tx, registry(at), {}))  # type: ignore[misc]
        assert (await filled.count(overview)).resources == {"registry": at + 1}


@SQLITE
async def test_count_is_of_one_moment_beside_writes(filled: Database) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def twice(tx: Tx) -> tuple[Any, Any]:
        first = overview(tx).resources
        begun.set()
        assert go_on.wait(10)
        return first, overview(tx).resources

    task = asyncio.create_task(filled.count(twice))
    await asyncio.to_thread(begun.wait, 10)
    await filled.write(lambda tx: resources.ensure(tx, registry(9), {}))
    assert (await filled.read(overview)).resources == {"registry": 6}, "reads and writes do not wait"
    go_on.set()
    first, second = await task
    assert first == second == {"registry": 5}


def nowhere(tx: Tx) -> None:
    tx.conn.execute(text("SELECT * FROM nowhere"))


def rolled_back(tx: Tx) -> None:
    """Fail like a disk, whose errors end the transaction."""
    tx.conn.exec_driver_sql("ROLLBACK")
    nowhere(tx)


async def test_errors_of_counts_are_those_of_reads(filled: Database) -> None:
    counting = InstrumentedDatabase(filled, Metrics().store)
    runs = (filled.read(nowhere), filled.count(nowhere), counting.count(nowhere), filled.count(rolled_back))
    for run in runs:
        with pytest.raises(Unavailable) as caught:
            await run
        assert caught.value.reason == "STORE_MISSING"
        assert caught.value.__cause__ is not None
    with pytest.raises(KeyError):
        await counting.count(fail)
    assert (await filled.count(overview)).resources == {"registry": 5}


async def test_count_rejects_a_file_that_is_gone(tmp_path: Path) -> None:
    db = schema.open_database(databases.new_sqlite(tmp_path / "x.db"))
    (tmp_path / "x.db").unlink()
    with pytest.raises(Unavailable) as caught:
        await db.count(overview)
    assert caught.value.reason == "STORE_FILE_REPLACED"
    await db.close()


async def test_counts_are_charged_to_their_caller(filled: Database) -> None:
    counting = InstrumentedDatabase(filled, Metrics().store)
    with calling(free=0.0) as spent:
        await counting.count(busy)
        assert len(spent) == 1
        with pytest.raises(KeyError):
            await counting.count(fail)
        assert len(spent) == 2


@SQLITE
async def test_counts_go_round_by_principal(filled: Database) -> None:
    order, go_on = list[str](), threading.Event()

    async def count(principal: str, *, wait: bool = False) -> None:
        WORK.set(lambda: Work(Turns(), principal))
        await filled.count(lambda _: wait and go_on.wait(10))
        order.append(principal)

    tasks = [asyncio.create_task(count("many", wait=at == 0)) for at in range(10)]
    await asyncio.sleep(0)
    cancelled, other = asyncio.create_task(count("cancelled")), asyncio.create_task(count("other"))
    await asyncio.sleep(0)
    cancelled.cancel()
    go_on.set()
    await asyncio.gather(*tasks, other)
    assert order.index("other") <= 2
    assert order.count("many") == 10
    assert cancelled.cancelled()


@SQLITE
async def test_cancelled_count_leaves_the_thread_to_others(filled: Database) -> None:
    go_on = threading.Event()
    task = asyncio.create_task(filled.count(lambda _: go_on.wait(10)))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    following = asyncio.create_task(filled.count(overview))
    await asyncio.sleep(0.05)
    assert not following.done(), "they share a connection"
    go_on.set()
    assert (await following).resources == {"registry": 5}


async def test_closed_store_rejects_counts_like_writes(filled: Database) -> None:
    await filled.count(overview)
    await filled.close()
    for run in (filled.count, filled.write):
        with pytest.raises(Unavailable) as caught:
            await run(overview)
        assert caught.value.reason == "STORE_CLOSED"
    await filled.close()


async def test_close_finishes_the_running_count(filled: Database) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(tx: Tx) -> Any:
        begun.set()
        assert go_on.wait(10)
        return overview(tx).resources

    running = asyncio.create_task(filled.count(slow))
    await asyncio.to_thread(begun.wait, 10)
    waiting = asyncio.create_task(filled.count(overview))
    await asyncio.sleep(0)
    closing = asyncio.create_task(filled.close())
    await asyncio.sleep(0.05)
    assert not closing.done()
    go_on.set()
    await closing
    assert await running == {"registry": 5}
    (outcome,) = await asyncio.gather(waiting, return_exceptions=True)
    # Postgres has several connections.
    assert getattr(outcome, "reason", "STORE_CLOSED") == "STORE_CLOSED"


async def pages(db: Database) -> list[HealthPage]:
    found, behind = list[HealthPage](), ("", "")
    while True:
        found.append(await db.read(lambda tx, behind=behind: cloud_events.health_page(tx, behind)))  # type: ignore[misc]
        if found[-1].last is None:
            return found
        behind = found[-1].last


@pytest.mark.parametrize(
    ("places", "size", "sizes", "reason"),
    [
        (0, 500, [0], "there is none"),
        (7, 500, [7], "all are in one page"),
        (7, 7, [7, 0], "nobody knows that a full page is the last one"),
        (7, 3, [3, 3, 1], "an account begins in one page and ends in the next"),
        (len(PLACES), 500, [500, 98], "there are more than a page has"),
    ],
)
async def test_pages_of_health_cover_all_places(
    db: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch, places: int, size: int, sizes: list[int], reason: str
) -> None:
    monkeypatch.setattr(cloud_events, "HEALTH_PAGE", size)
    now = int(clock() * 1e6)
    ages = {place: at % 3 * cloud_events.HEALTHY_FOR for at, place in enumerate(PLACES[:places])}
    rows = [{"account": place[0], "region": place[1], "event_at": now - age} for place, age in ages.items()]
    await db.write(lambda tx: tx.conn.execute(insert(event_health), rows[::-1]) if rows else None)
    found = await pages(db)
    assert [len(page.remaining) for page in found] == sizes, reason
    remaining: dict[Place, int] = {}
    for page in found:
        remaining |= page.remaining
    assert remaining == {place: cloud_events.HEALTHY_FOR - age for place, age in ages.items()}


async def test_states_of_an_organization_are_read_in_steps(db: Database) -> None:
    accounts = [f"{at:012}" for at in range(1_200)]

    def store(tx: Tx) -> None:
        for account in accounts:
            source = Source.ORGANIZATION if account != accounts[0] else Source.DECLARED
            fleet_accounts.add(tx, AccountRow(account=account, uid="u", source=source))

    await db.write(store)
    states = await db.read_in_turns(fleet_accounts.reading_organization_states)
    assert states == dict.fromkeys(accounts[1:], "ACTIVE")
    assert await db.read(lambda tx: len(list(fleet_accounts.reading_organization_states(tx)))) == 2
