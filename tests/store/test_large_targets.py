"""Targets in large registries, decided before their transaction."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from ecrkeeper_server.access.policy import Policy
from ecrkeeper_server.declarations.idempotency import Caller
from ecrkeeper_server.engine.rollouts import RolloutWorker
from ecrkeeper_server.errors import Unavailable
from ecrkeeper_server.fleet.bounds import Bounds
from ecrkeeper_server.fleet.names import RolloutName, SetName
from ecrkeeper_server.fleet.rollout_commands import control
from ecrkeeper_server.fleet.writing import Writer
from ecrkeeper_server.names import RegistryName, SettingsName
from ecrkeeper_server.store import declarations, fleet_accounts, resources, rollouts, tables, work
from ecrkeeper_server.store.database import Database, Tx
from ecrkeeper_server.store.fleet_rows import AccountRow
from ecrkeeper_server.store.fleet_specs import AccountState, Amount, Wave
from ecrkeeper_server.store.rollout_rows import RolloutRow, RolloutState, TargetRow, TargetState
from ecrkeeper_server.store.unit_of_work import Origin
from ecrkeeper_server.store.work import columns_of
from ecrkeeper_server.turns import Steps, finish
from msgspec.structs import replace
from sqlalchemy import select

from tests import declaring
from tests.views import largest

from .conftest import Clock
from .fleets import AT_ONCE, StoredFleet, excluding

OWNERS = 240
Change = Callable[[Tx], Any]
Meanwhile = Callable[[Database], Awaitable[Any]]


def caching(url: str = "quay.io") -> dict[str, Any]:
    return {"pull_through_cache_rules": {"rules": [{"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": url}]}}


def filters(at: int) -> dict[str, Any]:
    """Return settings of some 1,500 bytes."""
    destination = {"region": "eu-west-1", "registryId": "222222222222"}
    rows = [{"filter": f"team-{at}-{n}/{'x' * 30}", "filterType": "PREFIX_MATCH"} for n in range(20)]
    return {"replication_configuration": {"rules": [{"destinations": [destination], "repositoryFilters": rows}]}}


def fill(account: str) -> Change:
    """Let many owners declare for the registry of an account."""

    def change(tx: Tx) -> None:
        resources.create(tx, RegistryName(account, "us-east-1"), {"mode": "ENFORCE"})
        owners = [largest.owner(f"owner-{at:04}", filters(at)) for at in range(OWNERS)]
        rows = [columns_of(replace(each, account=account, region="us-east-1")) for each in owners]
        tx.insert_rows(tables.declarations, rows)

    return change


def declare(account: str, owner: str, settings: dict[str, Any]) -> Change:
    name = SettingsName(RegistryName(account, "us-east-1"), owner)
    return lambda tx: declaring.put(tx, name, settings, registry_generation=1, origin=Origin("Test"))


class Interrupted:
    """A database in which something happens after each read in turns."""

    def __init__(self, db: Database, *meanwhile: Meanwhile) -> None:
        self.db, self.read, self.write = db, db.read, db.write
        self.meanwhile, self.reads = list(meanwhile), 0

    async def read_in_turns(self, query: Callable[[Tx], Steps[Any]]) -> Any:
        read = await self.db.read_in_turns(query)
        self.reads += 1
        if self.meanwhile:
            await self.meanwhile.pop(0)(self.db)
        return read

    async def read_then_parse(self, query: Callable[[Tx], Steps[Steps[Any]]]) -> Any:
        return finish(await self.read_in_turns(query))


def writing(change: Change) -> Meanwhile:
    return lambda db: db.write(change)


def worker_on(db: Any, bounds: Bounds | None = None) -> RolloutWorker:
    return RolloutWorker(db, bounds or Bounds(), lambda: None)


async def begin(worker: RolloutWorker) -> None:
    """Work until nothing is due."""
    while await worker.work_once():
        pass


@pytest.fixture
async def fleet(db: Database, clock: Clock) -> StoredFleet:
    """Three accounts, of which the first one has a large registry."""
    fleet = StoredFleet(db, clock)
    await fleet.add(3, set="a")
    await db.write(fill(fleet.accounts[0]))
    return fleet


async def rollout_of(fleet: StoredFleet) -> RolloutRow:
    [newest, *_] = await fleet.rollouts("a")
    return newest


async def targets_of(fleet: StoredFleet) -> list[TargetRow]:
    return await fleet.targets(await rollout_of(fleet))


async def states(fleet: StoredFleet) -> list[str]:
    return [str(each.state) for each in await targets_of(fleet)]


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """The thread in which each account was decided last."""
    recorded: dict[str, int] = {}
    before = Writer.writing

    def recording(self: Writer, target: TargetRow) -> Steps[TargetRow]:
        recorded[target.account] = threading.get_ident()
        return before(self, target)

    monkeypatch.setattr(Writer, "writing", recording)
    return recorded


async def test_only_a_large_target_is_decided_on_the_event_loop(fleet: StoredFleet, threads: dict[str, int]) -> None:
    await fleet.write("a", excluding("scanner"))
    await fleet.work()
    assert [account for account, ident in threads.items() if ident == threading.get_ident()] == fleet.accounts[:1]
    assert (await rollout_of(fleet)).state == RolloutState.SUCCEEDED
    assert await fleet.roles("a") == dict.fromkeys(fleet.accounts, ["scanner"])
    declared = await fleet.db.read(
        lambda tx: declarations.of_registry(tx, RegistryName(fleet.accounts[0], "us-east-1"))
    )
    assert len(declared) == OWNERS + 1


async def test_targets_of_a_large_set_are_decided_on_the_event_loop(
    fleet: StoredFleet, threads: dict[str, int]
) -> None:
    await fleet.write("a", excluding(*(f"{number:04}-{'x' * 47}" for number in range(4_000))))
    await fleet.work()
    assert set(threads) == set(fleet.accounts) and set(threads.values()) == {threading.get_ident()}


async def test_large_target_is_stored_like_a_small_one(fleet: StoredFleet) -> None:
    await fleet.write("a", excluding("scanner"))
    await fleet.work()
    await fleet.write("a", excluding("other"))
    await begin(worker_on(fleet.db))
    large, small, _ = await targets_of(fleet)
    same: dict[str, Any] = {"account": "", "position": 0}
    assert replace(large, **same) == replace(small, **same)
    first, second = [await fleet.declared(account, "a") for account in fleet.accounts[:2]]
    assert first is not None and second is not None
    same = {"account": "", "uid": "", "settings": {}}
    assert replace(first, **same) == replace(second, **same)
    for table, places in ((tables.revisions, "account"), (tables.audit_events, "resource")):
        rows = await fleet.db.read(lambda tx, table=table: tx.conn.execute(select(table)).all())  # type: ignore[misc]
        numbers = [sum(account in getattr(row, places) for row in rows) for account in fleet.accounts[:2]]
        assert numbers == [2, 2], table.name


async def test_large_target_goes_back(fleet: StoredFleet, threads: dict[str, int]) -> None:
    for role in ("scanner", "other"):
        await fleet.write("a", excluding(role))
        await fleet.work()
    name = RolloutName(SetName("a"), 2)
    await fleet.db.write(lambda tx: control(tx, Caller("RollBackRollout"), name, "roll back"))
    threads.clear()
    await fleet.work()
    assert threads[fleet.accounts[0]] == threading.get_ident()
    assert await fleet.roles("a") == dict.fromkeys(fleet.accounts, ["scanner"])
    assert (await rollout_of(fleet)).state == RolloutState.ROLLED_BACK


async def test_large_target_is_released(fleet: StoredFleet, threads: dict[str, int]) -> None:
    await fleet.write("a", excluding("scanner"))
    await fleet.work()
    threads.clear()
    await fleet.write("a", None)
    await fleet.work()
    assert threads[fleet.accounts[0]] == threading.get_ident()
    assert await fleet.roles("a") == {}


async def test_conflict_of_a_large_target_is_that_of_a_small_one(fleet: StoredFleet) -> None:
    large, small, _ = fleet.accounts
    await fleet.db.write(lambda tx: resources.create(tx, RegistryName(small, "us-east-1"), {"mode": "ENFORCE"}))
    for account in (large, small):
        await fleet.db.write(declare(account, "other", caching("public.ecr.aws")))
    await fleet.write("a", caching())
    await begin(worker_on(fleet.db))
    first, second, third = await targets_of(fleet)
    assert (first.state, third.state) == (TargetState.FAILED, TargetState.RUNNING)
    assert (first.reason, first.message) == (second.reason, second.message.replace(small, large))
    assert first.reason == "OWNER_CONFLICT"


@pytest.mark.parametrize(
    ("number", "reads", "reason"),
    [(0, 1, "nothing changes"), (1, 2, "another owner declares"), (5, 3, "others declare all the time")],
)
async def test_large_target_keeps_concurrent_writes(fleet: StoredFleet, number: int, reads: int, reason: str) -> None:
    await fleet.write("a", excluding("scanner"))
    large = fleet.accounts[0]
    changes = [writing(declare(large, f"other-{at}", caching())) for at in range(number)]
    interrupted = Interrupted(fleet.db, *changes)
    await begin(worker_on(interrupted))
    assert interrupted.reads == reads, reason
    assert await states(fleet) == [TargetState.RUNNING] * 3, reason
    for at in range(min(number, reads)):
        assert await fleet.declared(large, f"other-{at}") is not None, reason
    assert (await fleet.roles("a"))[large] == ["scanner"], reason


async def test_conflict_that_appears_meanwhile_fails_the_target(fleet: StoredFleet) -> None:
    await fleet.write("a", caching())
    change = declare(fleet.accounts[0], "other", caching("public.ecr.aws"))
    await begin(worker_on(Interrupted(fleet.db, writing(change))))
    assert await states(fleet) == [TargetState.FAILED, TargetState.RUNNING, TargetState.RUNNING]


def suspend(account: str) -> Change:
    def change(tx: Tx) -> None:
        row = fleet_accounts.get(tx, account)
        assert row is not None
        columns = {**columns_of(row), "state": AccountState.SUSPENDED}
        fleet_accounts.change(tx, AccountRow(**columns))

    return change


async def test_account_that_is_suspended_meanwhile_holds_the_target(fleet: StoredFleet) -> None:
    await fleet.write("a", excluding("scanner"))
    await begin(worker_on(Interrupted(fleet.db, writing(suspend(fleet.accounts[0])))))
    assert await states(fleet) == [TargetState.HELD, TargetState.RUNNING, TargetState.RUNNING]
    assert fleet.accounts[0] not in await fleet.roles("a")


async def test_policy_that_is_replaced_meanwhile_fails_the_target(fleet: StoredFleet) -> None:
    await fleet.write("a", excluding("scanner"))
    policies: list[Policy | None] = [None]

    async def forbid(_: Database) -> None:
        policies.append(Policy(()))

    await begin(worker_on(Interrupted(fleet.db, forbid), Bounds(lambda: policies[-1])))
    [target, *_] = await targets_of(fleet)
    assert (target.state, target.reason) == (TargetState.FAILED, "ACCESS_DENIED")


@pytest.mark.parametrize("action", ["pause", "cancel", "roll back"])
async def test_rollout_that_is_stopped_meanwhile_begins_no_target(fleet: StoredFleet, action: str) -> None:
    await fleet.write("a", excluding("scanner"))
    name = RolloutName(SetName("a"), 1)
    stop = writing(lambda tx: control(tx, Caller("Stop"), name, action))
    await begin(worker_on(Interrupted(fleet.db, stop)))
    [target, *_] = await targets_of(fleet)
    assert (target.state, target.generation, target.changed) == (TargetState.PENDING, 0, False)
    assert fleet.accounts[0] not in await fleet.roles("a")
    row = await fleet.db.read(lambda tx: resources.get(tx, str(target.registry)))
    assert row is not None and row.generation == 1
    await fleet.work()
    expected = {"pause": "PAUSED", "cancel": "CANCELLED", "roll back": "ROLLED_BACK"}
    assert (await rollout_of(fleet)).state == expected[action]
    if action == "pause":
        await fleet.db.write(lambda tx: control(tx, Caller("ResumeRollout"), name, "resume"))
        await fleet.work()
        assert await fleet.roles("a") == dict.fromkeys(fleet.accounts, ["scanner"])


def due(tx: Tx) -> None:
    row = rollouts.get(tx, "a", 1)
    assert row is not None
    rollouts.change(tx, row, due_in=0, touch=False)


@pytest.mark.parametrize("steps", [1, 3], ids=["with another one pending", "with all others"])
async def test_replicas_begin_a_large_target_once(fleet: StoredFleet, steps: int) -> None:
    await fleet.db.write(fill(fleet.accounts[1]))
    await fleet.write("a", excluding("scanner"))
    begun: list[list[str]] = []

    async def begin_as_well(db: Database) -> None:
        await db.write(due)
        for _ in range(steps):
            await worker_on(db).work_once()
        begun.append(await states(fleet))

    await begin(worker_on(Interrupted(fleet.db, begin_as_well)))
    assert [each[0] for each in begun] == [TargetState.RUNNING]
    assert await states(fleet) == [TargetState.RUNNING] * 3
    declared = await fleet.declared(fleet.accounts[0], "a")
    assert declared is not None and (declared.generation, declared.registry_generation) == (1, 2)
    row = await fleet.db.read(lambda tx: resources.get(tx, f"accounts/{fleet.accounts[0]}/registries/us-east-1"))
    assert row is not None and row.generation == 2, "it is not tried again"
    assert (await rollout_of(fleet)).counts[0] == {TargetState.PENDING: 0, TargetState.RUNNING: 3}


async def test_large_target_is_left_to_one_process(fleet: StoredFleet) -> None:
    await fleet.write("a", excluding("scanner"))
    observed: list[Any] = []

    async def work_as_well(db: Database) -> None:
        observed.append(await worker_on(db).work_once())
        observed.append(await states(fleet))

    await begin(worker_on(Interrupted(fleet.db, work_as_well)))
    assert observed == [False, [TargetState.PENDING, TargetState.RUNNING, TargetState.RUNNING]]
    assert await states(fleet) == [TargetState.RUNNING] * 3


async def test_process_that_ends_delays_a_large_target_shortly(fleet: StoredFleet) -> None:
    await fleet.write("a", excluding("scanner"))

    async def fail(_: Database) -> None:
        raise Unavailable("away", reason="STORE_CLOSED")

    with pytest.raises(Unavailable):
        await begin(worker_on(Interrupted(fleet.db, fail)))
    assert await states(fleet) == [TargetState.PENDING, TargetState.RUNNING, TargetState.RUNNING]
    fleet.clock.advance(5)
    await begin(worker_on(fleet.db))
    assert await states(fleet) == [TargetState.RUNNING] * 3


async def test_large_targets_keep_the_limit_of_their_wave(fleet: StoredFleet) -> None:
    for account in fleet.accounts[1:]:
        await fleet.db.write(fill(account))
    await fleet.add(3, set="a")
    await fleet.write("a", excluding("scanner"), waves=(replace(AT_ONCE[0], max_concurrent=Amount(2)),))
    most = 0
    for _ in range(30):
        for _ in range(10):
            await worker_on(fleet.db).work_once()
            most = max(most, (await states(fleet)).count(TargetState.RUNNING))
        await fleet.work(1)
    assert most == 2
    assert (await rollout_of(fleet)).state == RolloutState.SUCCEEDED
    assert set(await fleet.roles("a")) == set(fleet.accounts)


async def test_slot_that_is_taken_meanwhile_begins_no_large_target(fleet: StoredFleet) -> None:
    await fleet.write("a", excluding("scanner"), waves=(Wave(max_concurrent=Amount(1)),))

    def count(tx: Tx) -> None:
        row = rollouts.get(tx, "a", 1)
        assert row is not None
        rollouts.change(tx, row, due_in=None, counts=[{TargetState.PENDING: 2, TargetState.RUNNING: 1}, {}])

    await begin(worker_on(Interrupted(fleet.db, writing(count))))
    assert await states(fleet) == [TargetState.PENDING] * 3


async def test_targets_of_growth_are_determined_on_the_event_loop(fleet: StoredFleet) -> None:
    await fleet.write("a", excluding("scanner"))
    await fleet.work()
    await fleet.add(1, set="a")
    await fleet.label(fleet.accounts[0], set="a")
    fleet.clock.advance(2)
    worker = worker_on(fleet.db)
    await worker.work_once()
    assert (await rollout_of(fleet)).state == RolloutState.PLANNING
    name = RolloutName(SetName("a"), 2)
    stop = writing(lambda tx: control(tx, Caller("CancelRollout"), name, "cancel"))
    interrupted = Interrupted(fleet.db, stop)
    await worker_on(interrupted).work_once()
    assert interrupted.reads == 1
    assert (await rollout_of(fleet)).state == RolloutState.CANCELLED
    assert await targets_of(fleet) == [], "a rollout that was cancelled meanwhile gets no targets"


async def test_large_target_needs_its_own_basis(fleet: StoredFleet) -> None:
    """Another registry may change meanwhile."""
    await fleet.write("a", excluding("scanner"))
    interrupted = Interrupted(fleet.db, writing(fill("999999999999")))
    await begin(worker_on(interrupted))
    assert interrupted.reads == 1
    unit = await fleet.db.read(
        lambda tx: work.load(tx, [SettingsName(RegistryName(fleet.accounts[0], "us-east-1"), "a")])
    )
    assert len(next(iter(unit.declared.values()))) == OWNERS + 1
