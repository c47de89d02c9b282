"""Steps on rollouts with inconsistent rows, and rollouts that race."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

from ecrkeeper_server.declarations.idempotency import Caller
from ecrkeeper_server.engine.rollouts import RolloutWorker
from ecrkeeper_server.fleet.bounds import Bounds
from ecrkeeper_server.fleet.names import RolloutName, SetName
from ecrkeeper_server.fleet.rollout_commands import control
from ecrkeeper_server.fleet.set_commands import SetWrite, write_set
from ecrkeeper_server.store import registry_sets, rollout_targets, rollouts
from ecrkeeper_server.store.database import Database, Tx
from ecrkeeper_server.store.fleet_rows import Authority, RolloutRow, RolloutState, SetRow, TargetRow, TargetState
from ecrkeeper_server.store.fleet_specs import Selector, SetSpec, Wave

from .conftest import Clock

SPEC = SetSpec(selector=Selector(), settings={}, waves=(Wave(),)).to_json()


def set_row(set_id: str, **fields: Any) -> SetRow:
    given = {"uid": set_id, "spec": SPEC, "authority": {}, "generation": 1, "create_time": 0, "update_time": 0}
    return SetRow(id=set_id, **{**given, **fields})


def rollout_row(set_id: str, number: int = 1, **fields: Any) -> RolloutRow:
    given = {
        "state": RolloutState.PLANNING, "cause": "REVISION", "principal": "", "reason": "", "authority": {},
        "spec": SPEC, "counts": [], "revision": 1, "create_time": 0, "update_time": 0,
    }  # fmt: skip
    return RolloutRow(set_id=set_id, number=number, **{**given, **fields})


async def rollout(db: Database, set_id: str, number: int = 1) -> RolloutRow:
    found = await db.read(lambda tx: rollouts.get(tx, set_id, number))
    assert found is not None
    return found


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
    made, waiting = threading.Event(), threading.Event()

    def held(tx: Tx) -> None:
        first(tx)
        made.set()
        waiting.wait(1)

    one = asyncio.create_task(db.write(held))
    await asyncio.to_thread(made.wait, 5)
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
