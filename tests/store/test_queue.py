"""Resources as the work queue."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.store import claims, endings, queue, resources, schema
from ecrkeeper_server.store.clock import MICROSECONDS
from ecrkeeper_server.store.database import Database
from ecrkeeper_server.store.rows import Resource
from ecrkeeper_testing.clock import fixed_time
from msgspec.structs import replace

from .conftest import Clock

LEASE = 30.0


def registry(n: int) -> RegistryName:
    return RegistryName(f"{n:012d}", "us-east-1")


async def due(db: Database, *numbers: int) -> list[str]:
    for n in numbers:
        await db.write(lambda tx, n=n: resources.ensure(tx, registry(n), {}, due=True))
    return [str(registry(n)) for n in numbers]


async def claim(db: Database, limit: int = 100, **more: Any) -> list[Resource]:
    return await db.write(lambda tx: claims.claim(tx, backlog=claims.Capacity(limit, **more), lease=LEASE))


async def claim_both(db: Database, *, urgent: int, backlog: int) -> list[str]:
    rooms = {"urgent": claims.Capacity(urgent), "backlog": claims.Capacity(backlog)}
    return [row.name for row in await db.write(lambda tx: claims.claim(tx, lease=LEASE, **rooms))]


async def claim_one(db: Database) -> Resource:
    (row,) = await claim(db)
    return row


def outcome(row: Resource, next_in: float | None = 900.0, **state: Any) -> queue.Outcome:
    return queue.Outcome(state, row.generation, next_in, 0, observed_at=1)


async def finish(db: Database, row: Resource, outcome: queue.Outcome) -> Resource | None:
    (finished,) = await db.write(lambda tx: endings.finish(tx, [(row, outcome)]))
    return finished


async def next_due(db: Database, **rooms: claims.Capacity) -> float | None:
    return await db.read(lambda tx: claims.next_due(tx, **rooms))


async def release(db: Database, rows: list[Resource]) -> None:
    await db.write(lambda tx: queue.release(tx, [row.name for row in rows], rows[0].lease_token or ""))


async def read(db: Database, name: str) -> Resource:
    row = await db.read(lambda tx: resources.get(tx, name))
    assert row is not None
    return row


async def test_concurrent_claims_get_disjoint_resources(database_url: str, db: Database, clock: Clock) -> None:
    names = await due(db, *range(60))
    others = [schema.open_database(database_url, now=fixed_time(clock)) for _ in range(2)]
    try:
        claims = await asyncio.gather(*(claim(each, 3) for each in [db, *others] for _ in range(15)))
        rest = await claim(db, 100)
    finally:
        for other in others:
            await other.close()
    claimed = [row.name for rows in claims for row in rows]
    assert len(claimed) == len(set(claimed))
    assert sorted(claimed + [row.name for row in rest]) == sorted(names)


async def test_claim_respects_limit_and_account_share(db: Database) -> None:
    await due(db, 1, 2, 3)
    busy = {registry(1).account: 4}
    assert len(await claim(db, 1, share=4, busy=busy)) == 1
    assert len(await claim(db, share=4, busy=busy)) == 1
    assert await claim(db, share=4, busy=busy) == []
    assert [row.account for row in await claim(db, share=5, busy=busy)] == [registry(1).account]


async def test_claim_respects_account_share(db: Database) -> None:
    regions = ["us-east-1", "us-west-2", "eu-west-1", "eu-central-1", "ap-south-1", "ca-central-1"]
    for n in (1, 2):
        for region in regions:
            name = RegistryName(registry(n).account, region)
            await db.write(lambda tx, name=name: resources.ensure(tx, name, {}, due=True))
    claimed = await claim(db, 6, share=4, busy={registry(2).account: 3})
    assert Counter(row.account for row in claimed) == {registry(1).account: 4, registry(2).account: 1}


async def test_resource_not_due_is_not_claimed(db: Database, clock: Clock) -> None:
    await due(db, 1)
    row = await claim_one(db)
    await finish(db, row, outcome(row, 10.0))
    clock.advance(9.9)
    assert await claim(db) == []
    clock.advance(0.2)
    assert [r.name for r in await claim(db)] == [row.name]


async def test_leased_resource_is_claimable_after_expiry(db: Database, clock: Clock) -> None:
    await due(db, 1)
    first = await claim_one(db)
    clock.advance(LEASE - 0.1)
    assert await claim(db) == []
    clock.advance(0.2)
    second = await claim_one(db)
    assert second.lease_token != first.lease_token


async def test_renewed_lease_counts_from_renewal(db: Database, clock: Clock) -> None:
    (name,) = await due(db, 1)
    row = await claim_one(db)
    token = row.lease_token or ""
    clock.advance(20)
    assert await db.write(lambda tx: queue.renew(tx, [name], token, LEASE)) == {name}
    clock.advance(20)
    assert await claim(db) == []
    assert await db.write(lambda tx: queue.renew(tx, [name], "another", LEASE)) == set()


async def test_expired_lease_is_not_renewed(db: Database, clock: Clock) -> None:
    (name,) = await due(db, 1)
    row = await claim_one(db)
    clock.advance(LEASE + 1)
    assert await db.write(lambda tx: queue.renew(tx, [name], row.lease_token or "", LEASE)) == set()


async def test_worker_without_lease_changes_nothing(db: Database, clock: Clock) -> None:
    (name,) = await due(db, 1)
    stale = await claim_one(db)
    clock.advance(LEASE + 1)
    fresh = await claim_one(db)
    assert await finish(db, stale, outcome(stale, stale="yes")) is None
    assert await db.read(lambda tx: queue.lease_remaining(tx, stale)) == 0
    assert not await db.write(lambda tx: queue.hold(tx, stale, {"stale": "yes"}))
    await release(db, [stale])
    row = await read(db, name)
    assert (row.state, row.lease_token) == ({}, fresh.lease_token)
    assert await db.read(lambda tx: queue.lease_remaining(tx, fresh)) > 0
    assert await finish(db, fresh, outcome(fresh, fresh="yes")) is not None


async def test_worker_with_expired_lease_holds_nothing(db: Database, clock: Clock) -> None:
    await due(db, 1)
    row = await claim_one(db)
    clock.advance(LEASE + 1)
    assert await db.read(lambda tx: queue.lease_remaining(tx, row)) == 0
    assert not await db.write(lambda tx: queue.hold(tx, row, {"late": True}))


async def test_state_saved_during_attempt_is_stored(db: Database) -> None:
    (name,) = await due(db, 1)
    row = await claim_one(db)
    assert await db.write(lambda tx: queue.hold(tx, row, {"intent": 1}))
    assert (await read(db, name)).state == {"intent": 1}
    back = queue.Outcome(row.state, 1, None, 0, observed_at=1, saved=True)
    await finish(db, row, back)
    assert (await read(db, name)).state == row.state


@pytest.mark.parametrize("how", ["desire", "request"])
async def test_write_during_attempt_makes_resource_due_at_once(db: Database, how: str) -> None:
    (name,) = await due(db, 1)
    row = await claim_one(db)
    change = (
        (lambda tx: resources.set_spec(tx, name, {"new": 1}))
        if how == "desire"
        else (lambda tx: resources.request(tx, name))
    )
    await db.write(change)
    assert await claim(db) == []
    await finish(db, row, outcome(row, None))
    claimed = await claim_one(db)
    assert claimed.requested == row.requested + 1
    assert claimed.generation == row.generation + (how == "desire")
    assert claimed.observed_generation == row.generation


async def test_new_generation_resets_failures(db: Database) -> None:
    (name,) = await due(db, 1)
    row = await claim_one(db)
    await db.write(lambda tx: resources.set_spec(tx, name, {"new": 1}))
    failed = queue.Outcome({}, 0, 300.0, 7, observed_at=None)
    saved = await finish(db, row, failed)
    assert saved is not None
    assert saved.failures == 0
    assert saved.due_at is not None
    assert saved.due_at < row.create_time + MICROSECONDS


async def backlog(db: Database, clock: Clock, *numbers: int) -> list[str]:
    """Return resources whose resync has been due for an hour."""
    names = await due(db, *numbers)
    for row in await claim(db):
        await finish(db, row, outcome(row, 10.0))
    clock.advance(3600)
    return names


async def test_new_write_precedes_resyncs(db: Database, clock: Clock) -> None:
    names = await backlog(db, clock, 1, 2, 3)
    await db.write(lambda tx: resources.set_spec(tx, names[2], {}))
    assert await claim_both(db, urgent=2, backlog=0) == [names[2]]
    assert await claim_both(db, urgent=2, backlog=0) == []
    assert await claim_both(db, urgent=2, backlog=5) == names[:2]


async def test_claims_of_both_lanes_stay_within_the_total(db: Database, clock: Clock) -> None:
    old = await backlog(db, clock, 1, 2, 3)
    fresh = await due(db, 4, 5)
    lanes = {"urgent": claims.Capacity(3), "backlog": claims.Capacity(3)}
    claimed = await db.write(lambda tx: claims.claim(tx, lease=LEASE, total=3, **lanes))
    assert sorted(row.name for row in claimed) == sorted([*fresh, old[0]])


async def test_resyncs_progress_under_constant_new_writes(db: Database, clock: Clock) -> None:
    old = await backlog(db, clock, 1, 2)
    fresh = await due(db, 3, 4, 5, 6)
    assert await claim_both(db, urgent=2, backlog=1) == [old[0], *fresh[:2]]
    assert await claim_both(db, urgent=0, backlog=2) == [old[1], fresh[2]]


async def test_resource_stays_in_priority_lane_while_awaited(db: Database, clock: Clock) -> None:
    (name,) = await due(db, 1)
    for urgent in (True, False):
        (row,) = await claim(db)
        assert row.urgent
        await finish(db, row, replace(outcome(row, 1.0), urgent=urgent))
        clock.advance(2)
    assert not (await read(db, name)).urgent
    assert await claim_both(db, urgent=1, backlog=0) == []


async def test_request_during_attempt_enters_priority_lane(db: Database) -> None:
    (name,) = await due(db, 1)
    row = await claim_one(db)
    await db.write(lambda tx: resources.request(tx, name))
    await finish(db, row, outcome(row))
    assert await claim_both(db, urgent=1, backlog=0) == [name]


async def test_free_resources_of_throttled_account_are_postponed(db: Database, clock: Clock) -> None:
    throttled, also_leased, later, probing, others = (
        RegistryName(registry(1).account, "us-east-1"),
        RegistryName(registry(1).account, "us-west-2"),
        RegistryName(registry(1).account, "eu-west-1"),
        RegistryName(registry(1).account, "eu-west-2"),
        registry(2),
    )
    for name in (throttled, also_leased, later, probing, others):
        await db.write(lambda tx, name=name: resources.ensure(tx, name, {}, due=True))
        clock.advance(0.001)
    (held,) = await claim(db, 1)
    rows = await claim(db)
    (row,) = (r for r in rows if r.name == str(later))
    await finish(db, row, outcome(row, 500.0))
    await release(db, rows)
    rows = await claim(db)
    (probe,) = (r for r in rows if r.name == str(probing))
    await release(db, rows)
    await db.write(lambda tx: queue.postpone(tx, probe, 60.0))
    assert {r.name for r in await claim(db)} == {str(others), str(probing)}
    now = int(clock() * MICROSECONDS)
    assert [(await read(db, str(n))).due_at for n in (throttled, also_leased, later)] == [
        held.due_at,
        now + 60 * MICROSECONDS,
        now + 500 * MICROSECONDS,
    ]


async def test_released_resources_are_free_at_once(db: Database) -> None:
    await due(db, 1, 2)
    rows = await claim(db)
    await release(db, rows)
    assert {row.name for row in await claim(db)} == {row.name for row in rows}


async def test_next_due_time_includes_leases(db: Database, clock: Clock) -> None:
    assert await next_due(db, backlog=claims.Capacity(1)) is None
    await due(db, 1)
    assert await next_due(db, backlog=claims.Capacity(1)) == 0.0
    row = await claim_one(db)
    assert await next_due(db, backlog=claims.Capacity(1)) == pytest.approx(LEASE)
    await finish(db, row, outcome(row, 12.0))
    assert await next_due(db, backlog=claims.Capacity(1)) == pytest.approx(12.0)
    clock.advance(5)
    assert await next_due(db, backlog=claims.Capacity(1)) == pytest.approx(7.0)


async def test_next_due_time_excludes_resources_without_capacity(db: Database, clock: Clock) -> None:
    await backlog(db, clock, 1)
    full = claims.Capacity(1, 2, {registry(1).account: 2})
    assert await next_due(db, backlog=full) is None
    assert await next_due(db, backlog=claims.Capacity(0), urgent=claims.Capacity(1)) is None
    await due(db, 2)
    assert await next_due(db, backlog=claims.Capacity(0), urgent=claims.Capacity(1)) == 0.0
    assert await next_due(db, backlog=full) == 0.0
    await claim(db, share=2, busy=full.busy)
    assert await next_due(db, backlog=full) == pytest.approx(LEASE)
    assert await next_due(db, backlog=claims.Capacity(0), urgent=claims.Capacity(1)) == pytest.approx(LEASE)
    assert await next_due(db, backlog=claims.Capacity(1)) == 0.0


async def test_worker_with_other_clock_sees_same_lease(database_url: str, db: Database) -> None:
    """The database's clock decides, not the worker's: the lease holds by it."""
    real = [schema.open_database(database_url) for _ in range(2)]
    try:
        await due(real[0], 1)
        assert len(await claim(real[0])) == 1
        assert await claim(real[1]) == []
    finally:
        for each in real:
            await each.close()
