"""Operations to reconcile share the next attempt, never one that already runs."""

from __future__ import annotations

from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.store import claims, endings, operations, queue, resources
from ecrkeeper_server.store.database import Database, Tx
from ecrkeeper_server.store.rows import Resource

from .conftest import Clock

NAME = RegistryName("111111111111", "us-east-1")
LEASE = 30.0


async def reconcile(db: Database) -> str:
    def ask(tx: Tx) -> str:
        row = resources.get(tx, str(NAME), lock=True)
        assert row is not None
        return operations.reconcile(tx, "ReconcileRegistry", row).id

    return await db.write(ask)


async def claim(db: Database) -> Resource:
    (row,) = await db.write(lambda tx: claims.claim(tx, backlog=claims.Capacity(1), lease=LEASE))
    return row


async def finish(db: Database, row: Resource, next_in: float = 900.0) -> None:
    given = queue.Outcome({}, row.generation, next_in, 0, observed_at=1)
    await db.write(lambda tx: endings.finish(tx, [(row, given)]))


async def declared(db: Database) -> None:
    await db.write(lambda tx: resources.ensure(tx, NAME, {}, due=True))
    await finish(db, await claim(db))


async def test_calls_waiting_for_one_attempt_share_operation(db: Database) -> None:
    await declared(db)
    assert len({await reconcile(db) for _ in range(300)}) == 1
    assert len(await db.read(lambda tx: operations.pending(tx, str(NAME)))) == 1


async def test_call_during_attempt_waits_for_the_next(db: Database) -> None:
    await declared(db)
    before = await reconcile(db)
    running = await claim(db)
    during = {await reconcile(db) for _ in range(3)}
    assert len(during) == 1
    assert before not in during
    await finish(db, running)
    assert {await reconcile(db)} == during, "the next step has not begun"
    await claim(db)
    assert {await reconcile(db)}.isdisjoint({before, *during})


async def test_call_already_being_answered_is_not_joined(db: Database, clock: Clock) -> None:
    await declared(db)
    await reconcile(db)
    stale = await claim(db)
    during = await reconcile(db)
    clock.advance(LEASE + 1)
    taken_over = await claim(db)
    assert taken_over.lease_token != stale.lease_token
    assert await reconcile(db) != during


async def test_changed_spec_starts_a_new_wait(db: Database) -> None:
    await declared(db)
    first = await reconcile(db)
    await db.write(lambda tx: resources.set_spec(tx, str(NAME), {"mode": "OBSERVE"}))
    assert await reconcile(db) != first


async def test_joining_call_makes_resource_in_backoff_due(db: Database) -> None:
    await declared(db)
    first = await reconcile(db)
    await finish(db, await claim(db), next_in=300.0)
    assert await db.write(lambda tx: claims.claim(tx, backlog=claims.Capacity(1), lease=LEASE)) == []
    assert await reconcile(db) == first
    assert (await claim(db)).name == str(NAME)
