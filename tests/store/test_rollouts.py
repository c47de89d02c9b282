"""Steps on rollouts with inconsistent rows, and rollouts that race."""

from __future__ import annotations

import asyncio
import itertools
import json
import threading
from collections.abc import Callable
from typing import Any, cast

import pytest
from ecrkeeper_server.declarations.idempotency import Caller
from ecrkeeper_server.engine.rollouts import RolloutWorker
from ecrkeeper_server.fleet import membership, observing, steps
from ecrkeeper_server.fleet.bounds import Bounds
from ecrkeeper_server.fleet.names import RolloutName, SetName
from ecrkeeper_server.fleet.rollout_commands import control
from ecrkeeper_server.fleet.set_commands import SetWrite, write_set
from ecrkeeper_server.store import fleet_accounts, registry_sets, rollout_pages, rollout_targets, rollouts
from ecrkeeper_server.store.clock import MICROSECONDS
from ecrkeeper_server.store.database import Database, Tx
from ecrkeeper_server.store.fleet_rows import AccountRow, Authority, SetRow
from ecrkeeper_server.store.fleet_specs import Selector, SetSpec, Wave
from ecrkeeper_server.store.rollout_rows import RolloutRow, RolloutState, TargetRow, TargetState
from ecrkeeper_server.store.tables import resources
from sqlalchemy import update as update_statement

from .conftest import Clock
from .fleets import READY, StoredFleet, excluding

# Some 2,000 characters of JSON.
LARGE = [f"{number:02}-{'x' * 47}" for number in range(23)]
SPEC = SetSpec(selector=Selector(), settings={}, waves=(Wave(),)).to_json()


def set_row(set_id: str, **fields: Any) -> SetRow:
    columns = {"uid": set_id, "spec": SPEC, "authority": {}, "generation": 1, "create_time": 0, "update_time": 0}
    return SetRow(id=set_id, **{**columns, **fields})


def rollout_row(set_id: str, number: int = 1, **fields: Any) -> RolloutRow:
    columns = {
        "state": RolloutState.PLANNING, "cause": "REVISION", "principal": "", "reason": "", "authority": {},
        "spec": SPEC, "counts": [], "revision": 1, "create_time": 0, "update_time": 0,
    }  # fmt: skip
    return RolloutRow(set_id=set_id, number=number, **{**columns, **fields})


async def rollout(db: Database, set_id: str, number: int = 1) -> RolloutRow:
    stored = await db.read(lambda tx: rollouts.get(tx, set_id, number))
    assert stored is not None
    return stored


async def work(db: Database, clock: Clock) -> None:
    worker = RolloutWorker(db, Bounds(), lambda: None)
    for _ in range(20):
        await worker.work_once()
        clock.advance(1)


async def test_rollout_with_a_failing_step_does_not_delay_others(db: Database, clock: Clock) -> None:
    def change(tx: Tx) -> None:
        for set_id in ("bad", "good"):
            registry_sets.add(tx, set_row(set_id))
        rollouts.add(tx, rollout_row("bad", spec={}))
        rollouts.add(tx, rollout_row("good"))

    await db.write(change)
    await work(db, clock)
    assert (await rollout(db, "good")).state == RolloutState.SUCCEEDED
    assert (await rollout(db, "bad")).state == RolloutState.PLANNING


async def test_rolling_back_leaves_unchanged_targets_under_way_alone(db: Database, clock: Clock) -> None:
    def change(tx: Tx) -> None:
        registry_sets.add(tx, set_row("one"))
        counts = [{TargetState.SUCCEEDED: 1, TargetState.RUNNING: 1}, {}]
        rollouts.add(tx, rollout_row("one", state=RolloutState.RUNNING, counts=counts))
        places: dict[str, Any] = {"set_id": "one", "number": 1, "region": "us-east-1", "wave": 0}
        changed = TargetRow(**places, account="111111111111", state=TargetState.SUCCEEDED, changed=True)
        unchanged = TargetRow(**places, account="222222222222", state=TargetState.RUNNING)
        rollout_targets.add(tx, [changed, unchanged])
        control(tx, Caller("RollBackRollout"), RolloutName(SetName("one"), 1), "roll back")

    await db.write(change)
    await work(db, clock)
    assert (await rollout(db, "one")).state == RolloutState.ROLLED_BACK


async def overlapping(db: Database, first: Callable[[Tx], Any], second: Callable[[Tx], Any]) -> None:
    """Run two writes; on Postgres, the second one reads before the first one commits."""
    written, waiting = threading.Event(), threading.Event()

    def held(tx: Tx) -> None:
        first(tx)
        written.set()
        waiting.wait(1)

    one = asyncio.create_task(db.write(held))
    await asyncio.to_thread(written.wait, 5)
    await asyncio.gather(one, db.write(second))


def update(set_id: str) -> Callable[[Tx], Any]:
    call = SetWrite(
        name=SetName(set_id),
        caller=Caller("UpdateRegistrySet"),
        authority=Authority(),
        spec=SetSpec(selector=Selector(), settings={}, waves=(Wave(bake_seconds=1),)),
    )
    return lambda tx: write_set(tx, call)


async def test_set_written_during_a_roll_back_has_one_rollout_under_way(db: Database) -> None:
    def change(tx: Tx) -> None:
        registry_sets.add(tx, set_row("one"))
        rollouts.add(tx, rollout_row("one", state=RolloutState.SUCCEEDED, counts=[{}, {}]))

    await db.write(change)
    back = RolloutName(SetName("one"), 1)
    await overlapping(db, lambda tx: control(tx, Caller("RollBackRollout"), back, "roll back"), update("one"))
    opened = await db.read(lambda tx: rollouts.open_of(tx, "one"))
    assert [row.state for row in opened] == [RolloutState.ROLLING_BACK, RolloutState.QUEUED]


async def test_rollout_cancelled_in_the_queue_does_not_begin(db: Database) -> None:
    def change(tx: Tx) -> None:
        registry_sets.add(tx, set_row("one"))
        rollouts.add(tx, rollout_row("one"))
        rollouts.add(tx, rollout_row("one", 2, state=RolloutState.QUEUED))

    def cancel(number: int) -> Callable[[Tx], Any]:
        name = RolloutName(SetName("one"), number)
        return lambda tx: control(tx, Caller("CancelRollout"), name, "cancel")

    await db.write(change)
    await overlapping(db, cancel(2), cancel(1))
    assert await db.read(lambda tx: rollouts.open_of(tx, "one")) == []


async def test_waiting_targets_do_not_keep_others_from_being_decided(
    db: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observing, "_PAGE", 2)
    fleet = StoredFleet(db, clock)
    await fleet.add(12, set="a")
    await fleet.write("a", excluding("scanner"))
    worker = RolloutWorker(db, Bounds(), lambda: None)
    while await worker.work_once():
        pass
    reached = {fleet.accounts[at] for at in (0, 5, 6, 10, 11)}
    follow = update_statement(resources).where(resources.c.account.in_(reached))
    await db.write(lambda tx: tx.conn.execute(follow.values(observed_generation=resources.c.generation, state=READY)))
    for _ in range(6):
        clock.advance(1)
        await worker.work_once()
    [rollout] = await fleet.rollouts("a")
    decided = {row.account for row in await fleet.targets(rollout) if row.state == TargetState.SUCCEEDED}
    assert decided == reached
    assert rollout.counts[0] == {TargetState.PENDING: 0, TargetState.RUNNING: 7, TargetState.SUCCEEDED: 5}


async def begun(fleet: StoredFleet) -> list[int]:
    """Make all steps that are due; return how many targets each of them begins."""
    worker, numbers = RolloutWorker(fleet.db, Bounds(), lambda: None), [0]
    while await worker.work_once():
        [rollout, *_] = await fleet.rollouts("a")
        numbers.append(sum(row.state == TargetState.RUNNING for row in await fleet.targets(rollout)))
    return [after - before for before, after in itertools.pairwise(numbers) if after != before]


async def test_step_of_a_large_set_begins_few_targets(
    db: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet = StoredFleet(db, clock)
    await fleet.add(5, set="a")
    await fleet.write("a", excluding(*LARGE))
    monkeypatch.setattr(steps, "STEP_BYTES", 6_000)
    assert await begun(fleet) == [2, 2, 1], "two sets of 2,000 characters"
    await fleet.work()
    await fleet.write("a", excluding("short"))
    assert await begun(fleet) == [2, 2, 1], "the declarations before count as well"
    await fleet.work()
    monkeypatch.setattr(steps, "STEP_BYTES", 50_000)
    await fleet.write("a", excluding("other"))
    assert await begun(fleet) == [5]


async def test_step_back_to_a_large_revision_begins_few_targets(
    db: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet = StoredFleet(db, clock)
    await fleet.add(5, set="a")
    for roles in (LARGE, ["short"]):
        await fleet.write("a", excluding(*roles))
        await fleet.work()
    [newest, _] = await fleet.rollouts("a")
    await db.write(
        lambda tx: control(tx, Caller("RollBackRollout"), RolloutName(SetName("a"), newest.number), "roll back")
    )
    monkeypatch.setattr(steps, "STEP_BYTES", 6_800)
    assert await begun(fleet) == [2, 2, 1], "two revisions of 2,000 characters"


async def test_targets_of_a_selecting_wave_have_an_order(db: Database, clock: Clock) -> None:
    fleet = StoredFleet(db, clock)
    await fleet.add(3, set="a")
    await fleet.write("a", excluding("scanner"), waves=(Wave(selector=Selector("labels.set = a")),))
    worker = RolloutWorker(db, Bounds(), lambda: None)
    await worker.work_once()
    [rollout] = await fleet.rollouts("a")
    assert [row.position for row in await fleet.targets(rollout)] == [int(account) for account in fleet.accounts]


def test_targets_are_not_read_again_at_once() -> None:
    last = json.dumps({"at": 10 * MICROSECONDS, "ends": {TargetState.RUNNING: [1, "111111111111", "us-east-1"]}})
    rollout = rollout_row("one", state=RolloutState.RUNNING, cursor=last)
    # It has no transaction to read in.
    observed = observing.observe(cast(Any, None), rollout, [{TargetState.RUNNING: 1}], 11 * MICROSECONDS - 1, 1.0)
    assert (observed.changed, observed.cursor) == ([], last)


@pytest.mark.parametrize(
    ("seconds", "failing", "state"),
    [
        (59, True, TargetState.RUNNING),
        (61, True, TargetState.SKIPPED),
        (61, False, TargetState.RUNNING),
        (1801, False, TargetState.FAILED),
    ],
)
async def test_target_that_waits_is_decided_in_time(
    db: Database, clock: Clock, seconds: float, failing: bool, state: TargetState
) -> None:
    fleet = StoredFleet(db, clock)
    await fleet.add(1, set="a")
    await fleet.write("a", excluding("scanner"))
    worker = RolloutWorker(db, Bounds(), lambda: None)
    while await worker.work_once():
        pass
    error = {"code": "UNAVAILABLE", "reason": "AWS_UNREACHABLE", "message": "away", "metadata": {}}
    values = {"state": {"error": error}, "reason": "AWS_UNREACHABLE"} if failing else {}
    if values:
        await db.write(lambda tx: tx.conn.execute(update_statement(resources).values(values)))
    clock.advance(seconds)
    await worker.work_once()
    [rollout] = await fleet.rollouts("a")
    # A skipped target is tried again at once.
    [target] = await fleet.targets(rollout)
    assert (TargetState.SKIPPED if rollout.retried else target.state) == state


DESTINATION = {"registryId": "222222222222", "region": "eu-west-1"}
BROKEN = {"checks": [{"destination": DESTINATION, "result": "BROKEN", "findings": [{"reason": "X", "message": "no"}]}]}
REPLICATING = {"replication_configuration": {"rules": [{"destinations": [DESTINATION]}]}}


@pytest.mark.parametrize(
    ("settings", "state"),
    [(REPLICATING, TargetState.FAILED), (excluding("scanner"), TargetState.SUCCEEDED)],
)
async def test_target_fails_for_its_own_destinations(
    db: Database, clock: Clock, settings: dict[str, Any], state: TargetState
) -> None:
    fleet = StoredFleet(db, clock)
    await fleet.add(2, set="a")
    await fleet.write("a", settings)
    await fleet.work(state={**READY, **BROKEN})
    [rollout] = await fleet.rollouts("a")
    assert [target.state for target in await fleet.targets(rollout)] == [state, state]


async def test_targets_under_way_are_read_without_settings(db: Database, clock: Clock) -> None:
    fleet = StoredFleet(db, clock)
    await fleet.add(2, set="a")
    await fleet.write("a", REPLICATING)
    assert await begun(fleet) == [2]
    await db.write(lambda tx: tx.conn.execute(update_statement(resources).values(observed_generation=99)))
    [rollout] = await fleet.rollouts("a")

    def read(tx: Tx) -> list[list[Any]]:
        waits = rollout_pages.Waits(0, 0)
        page = rollout_pages.page(tx, rollout, TargetState.RUNNING, rollout_pages.FIRST, 10, waits)
        complete = rollout_pages.with_settings(tx, rollout, page.observed[:1])
        return [[each.declared and each.declared.settings for each in some] for some in (page.observed, complete)]

    assert await db.read(read) == [[{}, {}], [REPLICATING]]


async def test_step_decides_on_few_targets_under_way(
    db: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("_PAGE", "_MAX_TARGETS"):
        monkeypatch.setattr(observing, name, 2)
    fleet = StoredFleet(db, clock)
    await fleet.add(7, set="a")
    await fleet.write("a", excluding("scanner"))
    worker, decided = RolloutWorker(db, Bounds(), lambda: None), [0]
    while await worker.work_once():
        pass
    follow = update_statement(resources).values(observed_generation=resources.c.generation, state=READY)
    await db.write(lambda tx: tx.conn.execute(follow))
    clock.advance(1)
    # All steps are due at once.
    while await worker.work_once():
        [rollout] = await fleet.rollouts("a")
        decided.append(rollout.counts[0].get(TargetState.SUCCEEDED, 0))
    assert decided[:5] == [0, 2, 4, 6, 7]


@pytest.mark.parametrize(
    ("accounts", "regions", "pages", "reason"),
    [
        (7, 1, [3, 3, 1], "as many accounts as fit"),
        (3, 2, [2, 2, 2], "two accounts have more Regions than a page"),
        (2, 5, [5, 5], "one account has more Regions than a page"),
    ],
)
async def test_step_determines_few_targets(
    db: Database, accounts: int, regions: int, pages: list[int], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(membership, "_PAGE", 3)
    spec = SetSpec(selector=Selector(), settings={}, waves=(Wave(),)).to_json()

    def fill(tx: Tx) -> RolloutRow:
        for at in range(accounts):
            enabled = [f"eu-west-{region}" for region in range(regions)]
            fleet_accounts.add(tx, AccountRow(account=f"{at:012}", uid="u", regions=enabled))
        registry_sets.add(tx, set_row("one", spec=spec))
        return rollouts.add(tx, rollout_row("one", spec=spec))

    row, added = await db.write(fill), [0]
    while row.state == RolloutState.PLANNING:
        row = await db.write(lambda tx, row=row: membership.plan_targets(tx, row))  # type: ignore[misc]
        added.append(await db.read(lambda tx, row=row: rollout_targets.total(tx, row)))  # type: ignore[misc]
    assert [after - before for before, after in itertools.pairwise(added)] == pages, reason
