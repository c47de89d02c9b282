"""Steps on rollouts whose rows are as no call should leave them, and rollouts that race."""

from __future__ import annotations

from typing import Any

from ecrkeeper_server.declarations.idempotency import Caller
from ecrkeeper_server.engine.rollouts import RolloutWorker
from ecrkeeper_server.fleet.bounds import Bounds
from ecrkeeper_server.fleet.names import RolloutName, SetName
from ecrkeeper_server.fleet.rollout_commands import control
from ecrkeeper_server.store import registry_sets, rollout_targets, rollouts
from ecrkeeper_server.store.database import Database, Tx
from ecrkeeper_server.store.fleet_rows import RolloutRow, RolloutState, SetRow, TargetRow, TargetState
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
