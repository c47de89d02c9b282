"""The audit trail in the store: order, complete streams and retention."""

from __future__ import annotations

import asyncio
import dataclasses
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from ecrkeeper_server.settings.elements import Change, ChangeKind
from ecrkeeper_server.settings.pair_keys import PairKeys
from ecrkeeper_server.store import audit, audit_pages, audit_stream, schema
from ecrkeeper_server.store.audit import CHANGES_LIMIT, AuditEvent, NewEvent, Selection, StoredChange
from ecrkeeper_server.store.audit_stream import PART_BYTES, Completion, Cursor, Part, cursor_of
from ecrkeeper_server.store.database import Database, Tx
from ecrkeeper_server.store.json_columns import AT_ONCE, json_text
from ecrkeeper_server.store.long_json import LongJson
from ecrkeeper_server.store.postgres_dialect import PostgresDialect
from ecrkeeper_server.store.postgres_tx import PostgresTx
from ecrkeeper_server.store.together import ask
from ecrkeeper_server.turns import Steps, finish
from msgspec.structs import replace
from sqlalchemy import create_engine, text

from tests.store.conftest import Clock

ALL = Selection()
START: Cursor = (0, 0)


def event(resource: str = "one", **more: Any) -> NewEvent:
    return NewEvent(**{"kind": "CALL", "method": "Test", "resource": resource, "account": "111111111111", **more})


async def add(db: Database, *resources: str, **more: Any) -> list[int]:
    return await db.write(lambda tx: audit.record(tx, [event(name, **more) for name in resources]))


async def streamed(db: Database, cursor: Cursor = START) -> list[str]:
    return [row.resource for row in (await part(db, cursor)).events]


async def part(db: Database, cursor: Cursor = START, limit: int = 1000) -> Part:
    return await db.read_then_parse(lambda tx: audit_stream.streaming(tx, cursor, ALL, limit))


async def listed(db: Database, selection: Selection = ALL) -> list[str]:
    return [
        row.resource for row in await db.read_then_parse(lambda tx: audit_pages.reading_page(tx, selection, None, 1000))
    ]


async def test_event_is_stored_unchanged(db: Database, clock: Clock) -> None:
    change = Change("tags", "a", ChangeKind.UPDATE, "1", "2")
    (number,) = await add(db, "one", changes=[change], owners=("team-a",), reason="why", generation=3)
    row = await db.read(lambda tx: audit.get(tx, number))
    assert row is not None
    assert row.changes == [{"setting": "tags", "key": "a", "kind": "UPDATE", "before": "1", "after": "2"}]
    assert (row.owners, row.reason, row.generation, row.outcome) == (["team-a"], "why", 3, "SUCCEEDED")
    assert row.create_time == clock.seconds * 1_000_000
    assert row.complete_time is None
    assert await db.read(lambda tx: audit.get(tx, number + 1)) is None


async def test_batch_returns_ids_in_event_order(db: Database) -> None:
    names = [f"r{n}" for n in range(1203)]
    ids = await add(db, *names)
    assert len(set(ids)) == len(names)
    rows = {
        row.id: row.resource
        for row in await db.read_then_parse(lambda tx: audit_pages.reading_page(tx, ALL, None, 2000))
    }
    assert [rows[number] for number in ids] == names


async def test_oversized_changes_are_counted_instead(db: Database) -> None:
    changes = [Change("registry_policy", str(n), ChangeKind.ADD, None, "x" * 50_000) for n in range(6)]
    (number,) = await add(db, "one", changes=changes)
    row = await db.read(lambda tx: audit.get(tx, number))
    assert row is not None
    assert ([c["key"] for c in row.json_changes], row.omitted) == (["0", "1", "2"], 3)


async def test_changes_beyond_the_limit_are_only_counted(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    converted, to_json = list[str](), StoredChange.to_json
    monkeypatch.setattr(StoredChange, "to_json", lambda change: (converted.append(change.key), to_json(change))[1])
    pairs = PairKeys.of(f"222222222222/eu-west-1:{n}" for n in range(1_000))
    changes = [Change("registry_policy", str(n), ChangeKind.UPDATE, "x" * 40_000, "y" * 40_000) for n in range(100)]
    changes.append(Change("replication_configuration", "", ChangeKind.ADD, None, None, pairs))
    (number,) = await add(db, "one", changes=changes)
    row = await db.read(lambda tx: audit.get(tx, number))
    assert row is not None
    assert ([c["key"] for c in row.json_changes], row.omitted) == (["0", "1"], 98 + 1_000)
    assert converted == ["0", "1", "2"]


async def test_failed_write_records_no_event(db: Database) -> None:
    def fails(tx: Tx) -> None:
        audit.record(tx, [event()])
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await db.write(fails)
    assert await listed(db) == []


async def test_events_are_listed_by_time_and_account(db: Database, clock: Clock) -> None:
    await add(db, "a", "b")
    clock.advance(10)
    await add(db, "c", account="222222222222")
    noon = int(clock.seconds * 1_000_000)
    assert await listed(db) == ["c", "b", "a"]
    assert await listed(db, Selection(start=noon)) == ["c"]
    assert await listed(db, Selection(end=noon)) == ["b", "a"]
    assert await listed(db, Selection(account="111111111111")) == ["b", "a"]
    newest = (await db.read_then_parse(lambda tx: audit_pages.reading_page(tx, ALL, None, 1)))[0]
    cursor = await db.read_then_parse(lambda tx: audit_pages.reading_page(tx, ALL, (newest.create_time, newest.id), 1))
    assert [row.resource for row in cursor] == ["b"]


async def test_completed_write_is_streamed_again(db: Database) -> None:
    one, two, three = await add(db, "one", "two", "three", outcome="UNKNOWN")
    cursor = await db.read(audit_stream.now)
    assert await streamed(db, cursor) == []
    done = [Completion(three, "FAILED", "LimitExceeded", "id-3"), Completion(one, "SUCCEEDED", "", "id-1")]
    await db.write(lambda tx: audit_stream.complete(tx, done))
    # On Postgres, any transaction of the cluster may hold events back for a moment.
    while (await part(db, cursor)).held_back:
        await asyncio.sleep(0.01)
    assert await streamed(db, cursor) == ["one", "three"]
    assert await streamed(db) == ["two", "one", "three"]
    rows = {n: await db.read(lambda tx, n=n: audit.get(tx, n)) for n in (one, two, three)}  # type: ignore[misc]
    stored = {n: (row.outcome, row.aws_error_code, row.aws_request_id) for n, row in rows.items() if row}
    assert stored == {
        one: ("SUCCEEDED", "", "id-1"), two: ("UNKNOWN", "", ""), three: ("FAILED", "LimitExceeded", "id-3")
    }  # fmt: skip
    assert rows[two].complete_time is None and rows[one].complete_time is not None


async def test_stream_starts_at_given_time(db: Database, clock: Clock) -> None:
    await add(db, "a")
    clock.advance(1)
    start = int(clock.seconds * 1_000_000)
    assert await streamed(db, await db.read_in_turns(lambda tx: audit_stream.beginning(tx, start))) == []
    await add(db, "b", "c")
    assert await streamed(db, await db.read_in_turns(lambda tx: audit_stream.beginning(tx, start))) == ["b", "c"]


async def test_old_events_are_deleted_in_batches(db: Database, clock: Clock) -> None:
    await add(db, *(f"old{n}" for n in range(1500)))
    clock.advance(40 * 86_400)
    await add(db, "new")
    assert await db.write(lambda tx: audit.purge(tx, 60)) == 0
    assert await db.write(lambda tx: audit.purge(tx, 30)) == 1000
    assert await db.write(lambda tx: audit.purge(tx, 30)) == 500
    assert await listed(db) == ["new"]


async def test_stream_continues_after_deleted_events(db: Database, clock: Clock) -> None:
    """Otherwise a watcher waiting for a deleted event would miss all later ones."""
    await add(db, "a")
    await add(db, "b")
    cursor = await db.read(audit_stream.now)
    clock.advance(86_400 * 400)
    await db.write(lambda tx: audit.purge(tx, 365))
    await add(db, "c")
    assert await streamed(db, cursor) == ["c"]


class Sleeper:
    """A transaction on its own connection that stays open until the test ends it."""

    def __init__(self, url: str, resource: str) -> None:
        engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"), isolation_level="AUTOCOMMIT")
        self._engine, self._conn = engine, engine.connect()
        self._conn.execute(text("BEGIN"))
        self._tx = PostgresTx(self._conn, PostgresDialect(), set(), ask)
        audit.record(self._tx, [event(resource)])

    def end(self, statement: str = "COMMIT") -> None:
        self._conn.execute(text(statement))
        self._conn.close()
        self._engine.dispose()


async def test_event_waits_for_older_running_transactions(postgres_url: str) -> None:
    db = schema.open_database(postgres_url)
    early, undone = Sleeper(postgres_url, "early"), Sleeper(postgres_url, "undone")
    await add(db, "late")
    assert await listed(db) == ["late"], "a list shows what is committed"
    assert await streamed(db) == [], "the stream does not: what sorts before it may still come"
    assert (await part(db)).held_back
    cursor = await db.read(audit_stream.now)
    early.end()
    assert await streamed(db, cursor) == ["early"]
    undone.end("ROLLBACK")
    assert await streamed(db, cursor) == ["early", "late"]
    assert not (await part(db)).held_back
    await db.close()


@pytest.mark.parametrize("seed", range(3))
async def test_reader_receives_all_events_in_any_commit_order(database_url: str, seed: int) -> None:
    """Concurrent connections on Postgres; on SQLite, the order of commits."""
    dice = random.Random(seed)
    postgres = database_url.startswith("postgresql")
    dbs = [schema.open_database(database_url) for _ in range(3 if postgres else 1)]
    received: list[AuditEvent] = []
    writing = True

    async def write(number: int) -> None:
        for n in range(15):
            pause = dice.uniform(0, 0.01)

            def change(tx: Tx, name: str = f"{number}.{n}", pause: float = pause) -> list[int]:
                ids = audit.record(tx, [event(name, outcome="UNKNOWN")])
                time.sleep(pause)
                if pause > 0.009:
                    raise KeyError
                return ids

            try:
                ids = await dbs[number % len(dbs)].write(change)
            except KeyError:
                continue
            await asyncio.sleep(dice.uniform(0, 0.01))
            done = [Completion(ids[0], "SUCCEEDED")]
            await dbs[(number + 1) % len(dbs)].write(lambda tx, d=done: audit_stream.complete(tx, d))  # type: ignore[misc]

    async def read() -> None:
        cursor: Cursor = START
        while True:
            ended = not writing
            rows, horizon, held_back, more = await dbs[0].read_then_parse(
                lambda tx, p=cursor: audit_stream.streaming(tx, p, ALL, 7)  # type: ignore[misc]
            )
            received.extend(rows)
            cursor = (rows[-1].txid, rows[-1].id) if rows else cursor
            if not more:
                cursor = max(cursor, horizon)
            if ended and not rows and not held_back:
                return
            await asyncio.sleep(0.001)

    reader = asyncio.create_task(read())
    await asyncio.gather(*(write(number) for number in range(9)))
    writing = False
    await asyncio.wait_for(reader, 30)
    stored = await dbs[0].read_then_parse(lambda tx: audit_pages.reading_page(tx, ALL, None, 1000))
    assert len(stored) > 90
    outcomes = Counter((row.resource, row.outcome) for row in received)
    assert set(outcomes.values()) == {1}, "nothing comes twice in the same state"
    assert {(row.resource, row.outcome) for row in stored} <= set(outcomes), "nothing is missed"
    order = [(row.txid, row.id) for row in received]
    assert order == sorted(order)
    for db in dbs:
        await db.close()


async def test_events_of_restored_dump_precede_new_ones(postgres_url: str) -> None:
    db = schema.open_database(postgres_url)
    await add(db, "moved one", "moved two")
    engine = create_engine(postgres_url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as conn:
        conn.execute(text("UPDATE audit_events SET txid = 4000000000000 - id"))
    engine.dispose()
    await add(db, "new")
    assert await streamed(db) == ["new"]
    assert await db.write(audit_stream.adopt) == 2
    assert await db.write(audit_stream.adopt) == 0
    assert await streamed(db) == ["moved one", "moved two", "new"]
    await db.close()


LARGE = [Change("registry_policy", str(n), ChangeKind.ADD, None, "x" * 50_000) for n in range(3)]
MOST_BYTES = AT_ONCE + 2 * CHANGES_LIMIT
"""The changes of a step, those of the event that begins the next step among them."""


async def steps_of(db: Database, read: Callable[[Tx], Steps[Any]]) -> list[int]:
    """Return the bytes of changes that each step of a read takes from SQLite."""

    def counting(tx: Tx) -> list[int]:
        sizes = [0]

        def ask(conn: Any, queries: Any) -> list[Any]:
            return [taken(conn.execute(query, values)) for query, values in queries]

        def taken(rows: Any) -> Iterator[Any]:
            for row in rows:
                texts = (value.stored if isinstance(value, LongJson) else value for value in row)
                sizes[-1] += sum(len(text) for text in texts if isinstance(text, str))
                yield row

        for _ in read(dataclasses.replace(tx, ask=ask)):
            sizes.append(0)
        return sizes

    return await db.read(counting)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_large_events_are_read_in_steps(db: Database) -> None:
    ids = await add(db, *(f"r{n}" for n in range(20)), changes=LARGE)
    of_stream = await steps_of(db, lambda tx: audit_stream.streaming(tx, START, ALL, 1000))
    of_list = await steps_of(db, lambda tx: audit_pages.reading_changes(tx, ids))
    for sizes in (of_stream, of_list):
        assert len(sizes) > 5
        assert max(sizes) < MOST_BYTES


async def test_stream_parts_end_at_their_size(db: Database) -> None:
    names = [f"r{n}" for n in range(30)]
    await add(db, *names, changes=LARGE)
    cursor, received, lengths = START, list[str](), list[int]()
    while True:
        one = await part(db, cursor)
        received += [each.resource for each in one.events]
        lengths.append(len(one.events))
        if not one.more:
            break
        cursor = cursor_of(one.events[-1])
    assert received == names
    assert max(lengths) == 1 + PART_BYTES // len(json_text([each.to_json() for each in stored(LARGE)]) or "")
    # The first event of a stream comes even if it is large.
    assert len((await part(db, START, 1)).events) == 1


async def test_page_leaves_long_changes_out(db: Database) -> None:
    (large,) = await add(db, "large", changes=LARGE)
    await add(db, "small", changes=[Change("tags", "a", ChangeKind.ADD, None, "1")])
    small, long = await db.read_then_parse(lambda tx: audit_pages.reading_page(tx, ALL, None, 10))
    assert [each.key for each in small.stored_changes] == ["a"]
    assert (long.changes, long.size > 150_000) == (None, True)
    changes = await db.read_in_turns(lambda tx: audit_pages.reading_changes(tx, [large, 10**9]))
    complete = finish(replace(long, changes=changes[large]).parsing())
    assert list(complete.stored_changes) == stored(LARGE)
    assert replace(complete, size=0) == await db.read(lambda tx: audit.get(tx, large))


def stored(changes: Iterable[Change]) -> list[StoredChange]:
    return [StoredChange(each.setting, each.key, each.kind, each.before, each.after, each.pairs) for each in changes]
