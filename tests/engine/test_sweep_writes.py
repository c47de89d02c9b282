"""A sweep in which nothing changed writes narrow rows only, on a real Postgres."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import psycopg
import pytest
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.store import schema

from tests.engine.conftest import ACCOUNT, World, a_world
from tests.postgres import Postgres

REGIONS = ("us-east-1", "us-east-2", "us-west-2", "eu-west-1", "eu-central-1")
SWEEPS = 4


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, autocommit=True) as conn:
        return conn.execute(query).fetchall()


async def sweep(world: World) -> None:
    """Let every registry be due, and work until none is."""
    world.seconds += 2000
    while await world.engine.claim_once():
        await world.engine.drain()
    await world.engine.drain()


async def test_unchanged_sweep_writes_no_wide_row(cluster: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    url = cluster.create_database(f"sweep_{uuid.uuid4().hex[:8]}")
    schema.migrate(url)
    # A new version of a row has another place, or another transaction that made it.
    versions = "SELECT ctid::text, xmin::text FROM {} ORDER BY 1"
    async with a_world(url, monkeypatch) as world:
        for region in REGIONS:
            rule = {"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io"}
            await world.declare({"pull_through_cache_rules": {"rules": [rule]}}, registry=RegistryName(ACCOUNT, region))
        for _ in range(3):
            await sweep(world)
        tables = ("resources", "declarations", "schedule")
        before = {table: await asyncio.to_thread(rows, url, versions.format(table)) for table in tables}
        world.aws.calls.clear()
        for _ in range(SWEEPS):
            await sweep(world)
        after = {table: await asyncio.to_thread(rows, url, versions.format(table)) for table in tables}
        assert {region for region, *_ in world.aws.calls} == set(REGIONS)
    assert len(before["resources"]) == len(REGIONS) + 1, "the registries, and the role that cache rules need"
    assert after["resources"] == before["resources"]
    assert after["declarations"] == before["declarations"]
    assert len(set(after["schedule"]) - set(before["schedule"])) == len(REGIONS)
    # The sessions have ended, so that all that they did is counted.
    counts = "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = '{}'"
    ((updated, hot),) = rows(url, counts.format("schedule"))
    assert updated >= 2 * SWEEPS * len(REGIONS), "a claim and an end for each attempt"
    assert hot >= SWEEPS * len(REGIONS), "no claim writes an index"
