"""Operations to reconcile share the next attempt, never one that already runs."""

from __future__ import annotations

import pytest
from ecrkeeper_server.errors import ResourceExhausted
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.store import claims, endings, operations, queue, resources
from ecrkeeper_server.store.database import Database, Tx
from ecrkeeper_server.store.json_columns import AT_ONCE
from ecrkeeper_server.store.operation_bounds import MAX_PENDING, MAX_PRINCIPALS
from ecrkeeper_server.store.rows import Operation, Resource

from .conftest import Clock

NAME = RegistryName("111111111111", "us-east-1")
LEASE = 30.0


def ask(tx: Tx, caller: str = "") -> str:
    row = resources.get(tx, str(NAME), lock=True)
    assert row is not None
    return operations.reconcile(tx, "ReconcileRegistry", row, caller=caller).id


async def reconcile(db: Database, caller: str = "") -> str:
    return await db.write(lambda tx: ask(tx, caller))


async def pending(db: Database) -> list[Operation]:
    return await db.read(lambda tx: operations.pending(tx, str(NAME)))


async def claim(db: Database) -> Resource:
    (row,) = await db.write(lambda tx: claims.claim(tx, backlog=claims.Capacity(1), lease=LEASE))
    return row


async def finish(db: Database, row: Resource, next_in: float = 900.0) -> None:
    outcome = queue.Outcome({}, row.generation, next_in, 0, observed_at=1)
    await db.write(lambda tx: endings.finish(tx, [(row, outcome)]))


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


def flood(tx: Tx, caller: str = "flooder") -> list[str]:
    """Begin as many operations as a principal may, by changes between the calls."""
    begun = []
    for number in range(MAX_PENDING):
        resources.set_spec(tx, str(NAME), {"mode": ("OBSERVE", "ENFORCE")[number % 2]})
        begun.append(ask(tx, caller))
    resources.set_spec(tx, str(NAME), {"mode": "OBSERVE"})
    return begun


@pytest.mark.parametrize("caller", ["flooder", ""])
async def test_pending_operations_of_one_principal_are_bounded(db: Database, caller: str) -> None:
    await declared(db)
    begun = await db.write(lambda tx: flood(tx, caller))
    assert len(set(begun)) == MAX_PENDING
    with pytest.raises(ResourceExhausted) as caught:
        await reconcile(db, caller)
    error = caught.value
    assert (error.reason, error.metadata["of"]) == ("CONCURRENCY_LIMITED", "pending_operations")
    assert error.retry_after and error.retry_after >= 5
    assert len(await pending(db)) == MAX_PENDING
    other = await reconcile(db, "other")
    assert await reconcile(db, caller) == other, "joining adds no operation"


async def test_ended_operations_let_a_principal_begin_again(db: Database) -> None:
    await declared(db)
    await db.write(flood)
    first, *_ = await pending(db)
    await db.write(lambda tx: operations.end(tx, first))
    begun = await reconcile(db, "flooder")
    assert len(await pending(db)) == MAX_PENDING
    assert (await pending(db))[-1].id == begun


async def test_rollouts_begin_a_bounded_number_of_operations(db: Database) -> None:
    await declared(db)

    def begin(tx: Tx) -> None:
        row = resources.get(tx, str(NAME))
        assert row is not None
        for _ in range(3 * MAX_PENDING):
            operations.create_all(tx, "ReconcileRegistry", [row], caller="flooder")

    await db.write(begin)
    assert len(await pending(db)) == MAX_PENDING
    await reconcile(db, "other")


async def test_principals_of_one_operation_are_bounded(db: Database) -> None:
    await declared(db)
    callers = [f"principal-{number}" for number in range(2 * MAX_PRINCIPALS + 1)]
    shared = await db.write(lambda tx: [ask(tx, caller) for caller in callers])
    assert [shared.count(each) for each in dict.fromkeys(shared)] == [MAX_PRINCIPALS, MAX_PRINCIPALS, 1]
    assert await reconcile(db, callers[0]) == shared[0], "it has joined already"
    full = await db.read(lambda tx: operations.get(tx, shared[0]))
    assert full is not None
    with pytest.raises(ResourceExhausted, match="100 principals wait") as caught:
        await db.write(lambda tx: operations.join(tx, full, "another"))
    assert caught.value.retry_after


async def test_page_of_large_operations_is_parsed_in_steps(db: Database) -> None:
    await declared(db)

    def create(tx: Tx) -> None:
        row = resources.get(tx, str(NAME))
        assert row is not None
        for _ in range(10):
            operations.end(tx, operations.create(tx, "ReconcileRegistry", row), response={"name": "x" * 60_000})

    await db.write(create)
    everything = await db.read_then_parse(lambda tx: operations.reading_page(tx, "", 25))
    assert [each.id for each in everything] == sorted(each.id for each in everything)
    assert {(each.done, each.error) for each in everything} == {(True, None)}
    assert everything[0] == await db.read(lambda tx: operations.get(tx, everything[0].id))
    parsing = await db.read_in_turns(lambda tx: operations.reading_page(tx, everything[1].id, 8))
    assert len(list(parsing)) >= 8 * 60_000 // AT_ONCE
