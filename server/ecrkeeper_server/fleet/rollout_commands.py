"""The start and the end of rollouts, and the calls on them.

Each is one transaction.

Rollouts are locked before their set, here and in the worker, so that two transactions never wait for each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from ecrkeeper_server.declarations.idempotency import Caller, find_response, save_response
from ecrkeeper_server.errors import FailedPrecondition, NotFound
from ecrkeeper_server.fleet.names import RolloutName
from ecrkeeper_server.fleet.progress import allowed
from ecrkeeper_server.json_object import Json
from ecrkeeper_server.store import audit, registry_sets, rollout_targets, rollouts
from ecrkeeper_server.store.audit import NewEvent
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.fleet_rows import Authority, SetRow
from ecrkeeper_server.store.rollout_rows import ENDED, Cause, RolloutRow, RolloutState, TargetState
from ecrkeeper_server.store.rollouts import OpenRollout

_BEFORE = {RolloutState.QUEUED, RolloutState.PLANNING}


def begin(
    tx: Tx, row: SetRow, cause: Cause, caller: Caller, *, spec: Json, revision: int, queued: bool, removals: int = 0
) -> RolloutRow:
    """Start a rollout of a set, or queue it.

    `removals` is the number of registries in which the caller allows it to remove elements.
    """
    rollout = RolloutRow(
        set_id=row.id,
        number=rollouts.next_number(tx, row.id),
        state=RolloutState.QUEUED if queued else RolloutState.PLANNING,
        cause=cause,
        principal=caller.principal,
        reason=caller.reason,
        authority=row.authority,
        spec=spec,
        counts=[],
        revision=revision,
        create_time=0,
        update_time=0,
        allow_removals=removals,
    )
    return rollouts.add(tx, rollout)


def end(tx: Tx, rollout: RolloutRow, state: RolloutState, message: str = "") -> RolloutRow:
    """End a rollout, and start the one that waits for it."""
    ended = rollouts.change(tx, rollout, due_in=None, state=state, message=message)
    if rollout.state != RolloutState.QUEUED:
        # Locked, because a call may be cancelling it.
        waiting = queued_of(rollouts.open_of(tx, rollout.set_id, lock=True))
        if waiting is not None:
            rollouts.change(tx, waiting, due_in=0, state=RolloutState.PLANNING)
    if rollout.state not in _BEFORE:
        _settle(tx, ended)
    return ended


def _settle(tx: Tx, rollout: RolloutRow) -> None:
    """Note what the end of a rollout means for its set."""
    row = registry_sets.get(tx, rollout.set_id, lock=True)
    if row is None:
        return
    if rollout.state == RolloutState.SUCCEEDED and rollout.cause == Cause.REVISION:
        registry_sets.change(tx, row.id, current_revision=rollout.revision, due_at=tx.now())
    elif rollout.state == RolloutState.ROLLED_BACK and rollout.cause == Cause.REVISION:
        registry_sets.change(tx, row.id, current_revision=rollouts.succeeded_before(tx, rollout), due_at=tx.now())
    elif rollout.cause == Cause.DELETION and rollout.state == RolloutState.SUCCEEDED:
        if registry_sets.manages_any(tx, row.id):
            # An account may have come back after its target was held.
            registry_sets.change(tx, row.id, due_at=tx.now())
        else:
            registry_sets.remove(tx, row.id)
    elif rollout.cause == Cause.DELETION and rollout.state == RolloutState.ROLLED_BACK:
        registry_sets.change(tx, row.id, deleting=False)
    elif rollout.state == RolloutState.SUCCEEDED:
        # Growth that was cancelled or rolled back must not begin again at once.
        registry_sets.change(tx, row.id, due_at=tx.now())


def _locked(tx: Tx, name: RolloutName, action: str) -> RolloutRow:
    row = rollouts.get(tx, name.set.id, name.number, lock=True)
    if row is None:
        raise NotFound("Rollout", str(name))
    states = allowed(action)
    if row.state not in states:
        known = ", ".join(sorted(states))
        raise FailedPrecondition(
            f"{name} is {row.state}, and `{action}` needs one of {known}",
            reason="ROLLOUT_STATE",
            metadata={"state": row.state},
        )
    return row


def control(tx: Tx, caller: Caller, name: RolloutName, action: str, authority: Authority | None = None) -> RolloutRow:
    """Pause, resume, approve, cancel or roll back a rollout.

    The writes of a rollout that is rolled back are bounded by the authority of the caller.
    """
    if find_response(tx, caller) is not None:
        rollout = rollouts.get(tx, name.set.id, name.number)
        if rollout is None:
            raise NotFound("Rollout", str(name))
        return rollout
    row = _locked(tx, name, action)
    changed = _ACTIONS[action](tx, row, caller)
    if authority is not None:
        changed = rollouts.change(tx, changed, due_in=0, authority=authority.to_json())
    save_response(tx, caller, str(name))
    record(tx, caller, str(name))
    return changed


def record(tx: Tx, caller: Caller, name: str) -> None:
    """Record that a call on a rollout was accepted."""
    event = NewEvent(
        kind="CALL",
        method=caller.method,
        resource=name,
        principal=caller.principal,
        request_id=caller.request_id,
        call_id=caller.call_id,
        reason=caller.reason,
    )
    audit.add(tx, [event])


def _pause(tx: Tx, row: RolloutRow, caller: Caller) -> RolloutRow:
    # Targets under way are still observed.
    return rollouts.change(tx, row, due_in=0, state=RolloutState.PAUSED, message="")


def _resume(tx: Tx, row: RolloutRow, caller: Caller) -> RolloutRow:
    again = {"state": TargetState.PENDING, "reason": "", "message": "", "since": 0}
    rollout_targets.move_wave(tx, row, row.wave, [TargetState.FAILED], **again)
    counts = rollout_targets.counts(tx, row)
    return rollouts.change(tx, row, due_in=0, state=RolloutState.RUNNING, message="", counts=counts)


def _approve(tx: Tx, row: RolloutRow, caller: Caller) -> RolloutRow:
    if not caller.principal or caller.principal == row.principal:
        cause = "started it" if caller.principal else "is not authenticated"
        raise FailedPrecondition(
            f"{row.name} needs the approval of another principal than the one who started it, and the caller {cause}",
            reason="SELF_APPROVAL",
            metadata={"principal": row.principal},
        )
    return rollouts.change(tx, row, due_in=0, state=RolloutState.RUNNING, message="", approved=row.wave)


def _cancel(tx: Tx, row: RolloutRow, caller: Caller) -> RolloutRow:
    return end(tx, row, RolloutState.CANCELLED)


def _roll_back(tx: Tx, row: RolloutRow, caller: Caller) -> RolloutRow:
    if registry_sets.get(tx, row.set_id) is None:
        raise NotFound("RegistrySet", f"registrySets/{row.set_id}", "it was deleted; create it again")
    newest = rollouts.newest_begun(tx, row.set_id)
    if newest != row.number:
        name = f"registrySets/{row.set_id}/rollouts/{newest}"
        raise FailedPrecondition(
            f"{row.name} cannot be rolled back, because {name} has begun after it; roll that one back first",
            reason="ROLLOUT_NOT_NEWEST",
            metadata={"newest": name},
        )
    rollout_targets.begin_undo(tx, row)
    return rollouts.change(
        tx,
        row,
        due_in=0,
        state=RolloutState.ROLLING_BACK,
        message="",
        wave=len(row.waves),
        counts=rollout_targets.counts(tx, row, undo=True),
        end_time=None,
    )


_ACTIONS = {
    "pause": _pause,
    "resume": _resume,
    "approve": _approve,
    "cancel": _cancel,
    "roll back": _roll_back,
}


R = TypeVar("R", RolloutRow, OpenRollout)


def active_of(rows: Sequence[R]) -> R | None:
    """Return the rollout of a set that is under way."""
    return next((row for row in rows if row.state != RolloutState.QUEUED and row.state not in ENDED), None)


def queued_of(rows: Sequence[R]) -> R | None:
    """Return the rollout of a set that waits for another one."""
    return next((row for row in rows if row.state == RolloutState.QUEUED), None)
