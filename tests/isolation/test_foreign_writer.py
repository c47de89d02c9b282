"""Concurrent writes to one document: losses, and their positions in AWS's log.

ECR has no conditional writes, so another write between our last read and our Put is lost.
`pytest -s` prints the number of losses.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from typing import Any

import pytest

from tests.engine.conftest import ACCOUNT, REGION, World

from .conftest import policy, statement

SECONDS = 8.0
READ, PUT = "GetRegistryPolicy", "PutRegistryPolicy"


async def write_foreign(world: World, until: float) -> int:
    """Add statements repeatedly, each to what AWS has; return their number."""
    pause, written = random.Random(7), 0
    while time.monotonic() < until:
        await asyncio.sleep(pause.uniform(0.05, 0.3))
        policy = json.loads((await world.raw(READ))["policyText"])
        others = [each for each in policy["Statement"] if not each["Sid"].startswith("Foreign")]
        recent = [each for each in policy["Statement"] if each["Sid"].startswith("Foreign")][-5:]
        document = {**policy, "Statement": [*others, *recent, statement(f"Foreign{written}")]}
        await world.raw(PUT, policyText=json.dumps(document))
        written += 1
    return written


async def write_own(world: World, until: float) -> int:
    """Declare another statement repeatedly; return the number."""
    written = 0
    while time.monotonic() < until:
        written += 1
        await world.declare(policy(statement("Mine", f"{written:012}")))
        await world.reconcile()
        for _ in range(20):
            row = await world.row()
            if row.observed_generation == row.generation and row.unready is None:
                break
            world.seconds += max(0.0, await world.due_in() or 0.0) + 0.01
            await world.reconcile()
    return written


def lost_writes(log: list[dict[str, Any]]) -> list[tuple[int, int, int]]:
    """Return our last read, the other Put and our Put for each overwritten statement."""
    has: dict[str, int] = {}
    last_read, overwritten = 0, []
    for entry in log:
        own_write = ":assumed-role/" in entry["principal"]
        if entry["operation"] == READ and own_write:
            last_read = entry["seq"]
        if entry["operation"] != PUT or entry["status"] != 200:
            continue
        sent = {each["Sid"] for each in json.loads(entry["params"]["policyText"])["Statement"]}
        if own_write:
            overwritten += [(last_read, at, entry["seq"]) for sid, at in has.items() if sid not in sent]
        has = {sid: has.get(sid, entry["seq"]) for sid in sent if sid.startswith("Foreign")}
    return overwritten


@pytest.mark.parametrize("latency", [0.0, 0.1], ids=["0 ms", "100 ms"])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_concurrent_write_is_lost_only_between_read_and_put(world: World, latency: float) -> None:
    await world.raw(PUT, policyText=policy(statement("Foreign"))["registry_policy"]["policyText"])
    if latency:
        fault = {"kind": "latency", "seconds": latency, "service": "ecr", "account": ACCOUNT, "region": REGION}
        await world.control("POST", "faults", fault)
    until = time.monotonic() + SECONDS
    foreign, own = await asyncio.gather(write_foreign(world, until), write_own(world, until))
    log = (await world.control("GET", "requests"))["requests"]
    overwritten = lost_writes(log)
    puts = sum(entry["operation"] == PUT and ":assumed-role/" in entry["principal"] for entry in log)
    summary = f"{len(overwritten)} of {foreign} foreign writes lost; {own} changes and {puts} Puts of ours"
    print(f"\n{latency * 1000:.0f} ms: {summary}")  # noqa: T201 - the figure is what this is run for
    assert foreign
    assert own
    for read, foreign_write, own_write in overwritten:
        assert read < foreign_write < own_write
