"""One step of a rollout, in one transaction.

The step reads the states of the rollout's targets, decides, and writes the next ones.

A step locks the rollout, and nothing of it is visible before it commits. A process that is killed loses the step, and
the next one decides the same; replicas take turns.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from ecrkeeper_server.fleet.bounds import Bounds
from ecrkeeper_server.fleet.matching import fleet_account
from ecrkeeper_server.fleet.membership import plan_targets, with_pinned
from ecrkeeper_server.fleet.names import SetName
from ecrkeeper_server.fleet.observing import observe
from ecrkeeper_server.fleet.progress import Counts, Decision, Progress, decide
from ecrkeeper_server.fleet.rendering import Renderer
from ecrkeeper_server.fleet.rollout_commands import end
from ecrkeeper_server.fleet.selectors import matcher
from ecrkeeper_server.fleet.targets import FleetAccount, Target
from ecrkeeper_server.fleet.template import Templates
from ecrkeeper_server.fleet.writing import BUSY_SECONDS, Writer
from ecrkeeper_server.store import (
    declarations,
    operations,
    registry_sets,
    rollout_accounts,
    rollout_targets,
    rollouts,
    work,
)
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.fleet_rows import Authority
from ecrkeeper_server.store.json_columns import json_text
from ecrkeeper_server.store.rollout_rows import (
    ENDED,
    UNDER_WAY,
    Action,
    RolloutRow,
    RolloutState,
    TargetRow,
    TargetState,
)
from ecrkeeper_server.store.rows import Method

BATCH = 200
"""The maximum number of targets that one step writes: it locks their registries."""
STEP_BYTES = 2_000_000
"""The JSON that one step reads and writes, unless one target has more: some 50 ms of work in one transaction."""
# How soon targets under way are looked at again.
_POLL_SECONDS = 0.25
# The same while whole batches begin one after the other.
_BUSY_POLL_SECONDS = 1.0


class Stepped(Struct, frozen=True):
    """The result of a step.

    It has the `written` declarations, and targets by their new state.
    """

    rollout: RolloutRow
    written: int = 0
    changed: Sequence[TargetRow] = ()

    @property
    def due_at_once(self) -> bool:
        """Whether the next step on the rollout is due already."""
        return self.rollout.due_at is not None and self.rollout.due_at <= self.rollout.update_time


def step(tx: Tx, rollout: RolloutRow, bounds: Bounds, now: int) -> Stepped:
    """Make a step on a rollout that this transaction has claimed at `now`."""
    if rollout.state == RolloutState.PLANNING:
        return Stepped(plan_targets(tx, rollout))
    if rollout.state in ENDED:
        return Stepped(rollouts.change(tx, rollout, due_in=None, touch=False))
    return _advance(tx, rollout, bounds, now)


def _advance(tx: Tx, rollout: RolloutRow, bounds: Bounds, now: int) -> Stepped:
    counts = [dict(each) for each in rollout.counts]
    # Many targets begin in a row: those under way count as failed until they are read, so no limit is exceeded.
    start = _decide(rollout, counts).start
    every = _BUSY_POLL_SECONDS if start and start >= min(BATCH, STEP_BYTES // _size(rollout)) else 0.0
    observation = observe(tx, rollout, counts, now, every)
    changed = observation.changed
    for before, after in changed:
        _count(counts, before, after)
    rollout_targets.save(tx, [after for _, after in changed])
    decision = _decide(rollout, counts)
    if decision.retry:
        again = {"wave": decision.wave, "state": TargetState.PENDING, "since": 0, "reason": "", "message": ""}
        rollout_targets.move(tx, rollout, [TargetState.SKIPPED], **again)
        counts = rollout_targets.counts(tx, rollout)
        decision = _decide(rollout, counts, retried=True)
        rollout = rollouts.change(tx, rollout, due_in=0, retried=True)
    targets, more = _next(tx, rollout, decision)
    written = _start(tx, rollout, targets, bounds)
    for before, after in written:
        _count(counts, before, after)
    rollout_targets.save(tx, [after for _, after in written])
    moved = bool(changed or written)
    ended = _stored(tx, rollout, decision, counts, cursor=observation.cursor, moved=moved, more=more)
    return Stepped(ended, len(written), [after for _, after in (*changed, *written)])


def _count(counts: list[dict[str, int]], before: TargetRow, after: TargetRow) -> None:
    if before.state != after.state:
        wave = counts[after.wave]
        wave[before.state] -= 1
        wave[after.state] = wave.get(after.state, 0) + 1


def _decide(rollout: RolloutRow, counts: list[dict[str, int]], *, retried: bool = False) -> Decision:
    per_wave = [Counts({TargetState(state): number for state, number in wave.items()}) for wave in counts]
    state = RolloutState(rollout.state)
    progress = Progress(state, rollout.wave, per_wave, rollout.approved, rollout.retried or retried)
    return decide(progress, rollout.waves)


def _size(rollout: RolloutRow) -> int:
    """Return the characters of the set, which only steps that begin targets need."""
    return len(json_text(rollout.spec) or "")


def _next(tx: Tx, rollout: RolloutRow, decision: Decision) -> tuple[list[TargetRow], bool]:
    """Return the targets that a step writes, and whether it leaves others.

    The others may begin now.
    """
    limit = min(decision.start, BATCH)
    undo = decision.state is RolloutState.ROLLING_BACK
    targets = rollout_targets.pending(tx, rollout, decision.wave, limit, undo=undo) if limit else []
    if not targets:
        return [], decision.start > BATCH
    total, size, sizes = 0, _size(rollout), rollout_targets.sizes(tx, targets)
    for number, target in enumerate(targets):
        total += size + sizes[target.registry]
        if number and total > STEP_BYTES:
            return targets[:number], True
    return targets, decision.start > BATCH


def _start(
    tx: Tx, rollout: RolloutRow, targets: Sequence[TargetRow], bounds: Bounds
) -> list[tuple[TargetRow, TargetRow]]:
    """Write targets; return them before and after."""
    if not targets:
        return []
    name, spec = SetName(rollout.set_id), rollout.set_spec
    unit = work.load(tx, [name.settings(target.registry) for target in targets], wait=False)
    rows, pinned = rollout_accounts.existing(tx, rollout, {target.account for target in targets})
    accounts = {row.account: fleet_account(row) for row in rows}
    before = {name.settings(each.registry): each.before_revision for each in targets if each.undo}
    writer = Writer(
        rollout=rollout,
        unit=unit,
        spec=spec,
        renderer=Renderer(Templates(spec)),
        reach=bounds.reach(Authority.from_json(rollout.authority), name),
        accounts=with_pinned(accounts, pinned),
        taking=_taking(tx, name, targets, accounts),
        before=declarations.some_revisions(tx, before),
    )
    written = [(target, writer.write(target)) for target in targets]
    work.save(tx, unit)
    # They are tried again, as by ReconcileRegistry: no element waits for its backoff.
    again = [
        unit.registries[after.registry]
        for before, after in written
        if after.state == TargetState.RUNNING and before.generation == after.generation != 0
    ]
    operations.create_all(tx, Method.RECONCILE_REGISTRY, again, caller=rollout.principal)
    return written


def _taking(
    tx: Tx, name: SetName, targets: Sequence[TargetRow], accounts: dict[str, FleetAccount]
) -> dict[TargetRow, str]:
    """Return the sets that match targets to be released.

    Sets that have declared for a target already are left out.
    """
    releasing = [target for target in targets if target.action == Action.RELEASE and not target.undo]
    if not releasing:
        return {}
    has = registry_sets.managers(tx, {target.account for target in releasing})
    taking: dict[TargetRow, str] = {}
    for other, selector in registry_sets.other_selectors(tx, name.id):
        selecting = matcher(selector)
        for target in releasing:
            account = accounts.get(target.account)
            matched = account is not None and selecting.matches(Target(account, target.region))
            if matched and (target.account, target.region, other) not in has:
                taking.setdefault(target, other)
    states = {other: _status(tx, other) for other in set(taking.values())}
    return {target: states[other] for target, other in taking.items()}


def _status(tx: Tx, other: str) -> str:
    """Return a set with the state of its rollout, which explains how long it takes."""
    opened = rollouts.open_states(tx, [SetName.parse(other).id])
    rows = [row for each in opened.values() for row in each]
    return f"{other} ({rows[0].name} is {rows[0].state})" if rows else other


def _stored(
    tx: Tx,
    rollout: RolloutRow,
    decision: Decision,
    counts: list[dict[str, int]],
    *,
    cursor: str,
    moved: bool,
    more: bool,
) -> RolloutRow:
    """Store what became of a rollout, and when to look at it again."""
    if decision.state in ENDED:
        changed = rollouts.change(tx, rollout, due_in=0, counts=counts, wave=decision.wave)
        return end(tx, changed, decision.state)
    message = ""
    if decision.state is RolloutState.HALTED:
        failed = counts[decision.wave].get(TargetState.FAILED, 0)
        message = f"{failed} targets of wave {decision.wave} failed, which is more than it tolerates"
    under_way = any(wave.get(state, 0) for wave in counts for state in UNDER_WAY)
    due_in: float | None = _POLL_SECONDS if under_way else None
    if decision.start:
        due_in = 0.0 if more else BUSY_SECONDS
    elif due_in is None and decision.state in (RolloutState.RUNNING, RolloutState.ROLLING_BACK):
        due_in = 0.0
    same = (decision.state, decision.wave) == (rollout.state, rollout.wave)
    values = {"state": decision.state, "wave": decision.wave, "counts": counts, "cursor": cursor, "message": message}
    if same:
        values.pop("message")
    return rollouts.change(tx, rollout, due_in=due_in, touch=moved or not same, **values)
