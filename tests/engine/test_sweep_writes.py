"""A sweep in which nothing changed writes narrow rows only, on both databases."""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.store import claims, queue, resources, schema
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.rows import Resource

from tests.engine.conftest import ACCOUNT, World, a_world

REGIONS = ("us-east-1", "us-east-2", "us-west-2", "eu-west-1", "eu-central-1")
SWEEPS = 4
RENEWED, RENEWALS = 20, 10


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, autocommit=True) as conn:
        return conn.execute(query).fetchall()


async def sweep(world: World) -> None:
    """Let every registry be due, and work until none is."""
    world.seconds += 2000
    while await world.engine.claim_once():
        await world.engine.drain()
    await world.engine.drain()


async def unchanged(world: World) -> None:
    """Declare registries, and let sweeps end with nothing more to write."""
    for region in REGIONS:
        rule = {"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io"}
        await world.declare({"pull_through_cache_rules": {"rules": [rule]}}, registry=RegistryName(ACCOUNT, region))
    for _ in range(3):
        await sweep(world)


def watch_writes(path: Path) -> None:
    """Let triggers note every write of a table."""
    with closing(sqlite3.connect(path)) as conn:
        conn.execute("CREATE TABLE writes (of TEXT)")
        for (table,) in conn.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name != 'writes'"
        ).fetchall():
            if table.startswith("sqlite_"):
                continue
            for operation in ("INSERT", "UPDATE", "DELETE"):
                conn.execute(
                    f"CREATE TRIGGER noted_{table}_{operation} AFTER {operation} ON {table} "
                    f"BEGIN INSERT INTO writes VALUES ('{table}'); END"
                )
        conn.commit()


def noted_writes(path: Path) -> Counter[str]:
    """Return the number of writes of each table."""
    with closing(sqlite3.connect(path)) as conn:
        return Counter(table for (table,) in conn.execute("SELECT of FROM writes"))


async def test_unchanged_sweep_on_sqlite_writes_only_schedule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "sweep.db"
    schema.migrate(f"sqlite:///{path}")
    async with a_world(f"sqlite:///{path}", monkeypatch) as world:
        await unchanged(world)
        await asyncio.to_thread(watch_writes, path)
        world.aws.calls.clear()
        for _ in range(SWEEPS):
            await sweep(world)
        assert {region for region, *_ in world.aws.calls} == set(REGIONS)
        writes = await asyncio.to_thread(noted_writes, path)
    assert set(writes) == {"schedule"}
    assert writes["schedule"] >= 2 * SWEEPS * len(REGIONS), "a claim and an end for each attempt"


async def test_unchanged_sweep_writes_no_wide_row(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # A new version of a row has another place, or another transaction that made it.
    versions = "SELECT ctid::text, xmin::text FROM {} ORDER BY 1"
    async with a_world(postgres_url, monkeypatch) as world:
        await unchanged(world)
        tables = ("resources", "declarations", "schedule")
        before = {table: await asyncio.to_thread(rows, postgres_url, versions.format(table)) for table in tables}
        world.aws.calls.clear()
        for _ in range(SWEEPS):
            await sweep(world)
        after = {table: await asyncio.to_thread(rows, postgres_url, versions.format(table)) for table in tables}
        assert {region for region, *_ in world.aws.calls} == set(REGIONS)
    assert len(before["resources"]) == len(REGIONS) + 1, "the registries, and the role that cache rules need"
    assert after["resources"] == before["resources"]
    assert after["declarations"] == before["declarations"]
    assert len(set(after["schedule"]) - set(before["schedule"])) == len(REGIONS)
    # The sessions have ended, so that all that they did is counted.
    counts = "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = '{}'"
    ((updated, hot),) = rows(postgres_url, counts.format("schedule"))
    assert updated >= 2 * SWEEPS * len(REGIONS), "a claim and an end for each attempt"
    assert hot >= SWEEPS * len(REGIONS), "no claim writes an index"


FLUSHED = "SELECT pg_current_wal_flush_lsn()::text"
# Records of the write-ahead log that write a row or an entry of an index; one of two pages is counted once.
LOGGED = """
SELECT class.relname, split_part(block.record_type, '+', 1), count(*)
FROM pg_get_wal_block_info('{}', '{}') AS block
JOIN pg_class AS class ON pg_relation_filenode(class.oid) = block.relfilenode
JOIN pg_database AS own ON own.oid = block.reldatabase AND own.datname = current_database()
WHERE block.block_id = 0 AND class.relnamespace = 'public'::regnamespace AND block.record_type ~ 'INSERT|UPDATE'
GROUP BY 1, 2
"""


# The bytes of the same records, without copies of whole pages after a checkpoint.
BYTES = """
SELECT class.relname, sum(block.record_length - block.block_fpi_length)
FROM pg_get_wal_block_info('{}', '{}') AS block
JOIN pg_class AS class ON pg_relation_filenode(class.oid) = block.relfilenode
JOIN pg_database AS own ON own.oid = block.reldatabase AND own.datname = current_database()
WHERE block.block_id = 0 AND class.relnamespace = 'public'::regnamespace AND block.record_type ~ 'INSERT|UPDATE'
GROUP BY 1
"""


async def test_unchanged_sweep_logs_only_narrow_indexes(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as conn:
        conn.execute("CREATE EXTENSION pg_walinspect")
    async with a_world(postgres_url, monkeypatch) as world:
        await unchanged(world)
        ((start,),) = await asyncio.to_thread(rows, postgres_url, FLUSHED)
        await sweep(world)
        ((end,),) = await asyncio.to_thread(rows, postgres_url, FLUSHED)
    logged = {(of, kind): count for of, kind, count in rows(postgres_url, LOGGED.format(start, end))}
    written = {of: int(size) for of, size in rows(postgres_url, BYTES.format(start, end))}
    # The end changes the due time, so Postgres writes the entries of the row in each index that has it.
    assert {of for of, _ in logged} == {"schedule", "schedule_due", "schedule_pkey"}
    attempts = logged["schedule", "UPDATE"]
    assert attempts >= len(REGIONS)
    assert logged["schedule", "HOT_UPDATE"] == attempts, "a claim writes no index"
    assert logged["schedule_due", "INSERT_LEAF"] == logged["schedule_pkey", "INSERT_LEAF"] == attempts
    # docs/scaling.md has these figures.
    most = {"schedule": 260, "schedule_due": 70, "schedule_pkey": 110}
    assert {of: size / attempts <= most[of] for of, size in written.items()} == dict.fromkeys(most, True), written


async def test_renewed_leases_write_no_index(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as conn:
        conn.execute("CREATE EXTENSION pg_walinspect")
    names = [RegistryName(f"{number:012}", "us-east-1") for number in range(RENEWED)]
    async with a_world(postgres_url, monkeypatch) as world:

        def declare(tx: Tx) -> None:
            # A state that Postgres stores out of line, as of a registry with many elements.
            wide = {"observed": {"registry_policy": {"policyText": secrets.token_hex(20_000)}}}
            for name in names:
                resources.ensure(tx, name, {}, due=True)
                resources.patch(tx, str(name), state=wide)

        await world.db.write(declare)
        claimed: list[Resource] = await world.db.write(
            lambda tx: claims.claim(tx, backlog=claims.Capacity(RENEWED), urgent=claims.Capacity(RENEWED), lease=30)
        )
        assert len(claimed) == RENEWED
        held, token = [row.name for row in claimed], claimed[0].lease_token or ""
        ((start,),) = await asyncio.to_thread(rows, postgres_url, FLUSHED)
        for _ in range(RENEWALS):
            world.seconds += 10
            assert await world.db.write(lambda tx: queue.renew(tx, held, token, 30.0)) == set(held)
        ((end,),) = await asyncio.to_thread(rows, postgres_url, FLUSHED)
    logged = {(of, kind): count for of, kind, count in rows(postgres_url, LOGGED.format(start, end))}
    assert logged == {("schedule", "HOT_UPDATE"): RENEWALS * RENEWED}
    # The sessions have ended, so that all that they did is counted.
    ((hot,),) = rows(postgres_url, "SELECT n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'schedule'")
    assert hot >= RENEWALS * RENEWED
