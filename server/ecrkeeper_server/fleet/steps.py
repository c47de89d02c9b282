"""One step of a rollout, in one transaction.

The step reads the states of the rollout's targets, decides, and writes the next ones. It leaves out a large target,
which a transaction of its own begins as a step does.

A step locks the rollout, and nothing of it is visible before it commits. A process that is killed loses the step, and
the next one decides the same; replicas take turns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from ecrkeeper_server.fleet.beginning import Decided, begin, store
from ecrkeeper_server.fleet.bounds import Bounds
from ecrkeeper_server.fleet.membership import Page, plan_targets
from ecrkeeper_server.fleet.observing import observe
from ecrkeeper_server.fleet.progress import Counts, Decision, Progress, decide
from ecrkeeper_server.fleet.rollout_commands import end
from ecrkeeper_server.fleet.writing import BUSY_SECONDS
from ecrkeeper_server.store import rollout_targets, rollouts
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.json_columns import json_text
from ecrkeeper_server.store.rollout_rows import (
    ENDED,
    UNDER_WAY,
    Cause,
    RolloutRow,
    RolloutState,
    TargetRow,
    TargetState,
)

BATCH = 200
"""The maximum number of targets that one step writes: some 40 ms of work in one transaction, if they are small.

With fewer, the statements of a step would take longer than its targets.
"""
STEP_BYTES = 250_000
"""The JSON that one step reads and writes, which takes no longer. A target with more is large."""
# A target takes as long as so many bytes of JSON more.
_TARGET_BYTES = 500
# How long others leave a rollout to the process that decides in turns, which mostly takes less.
_ALONE_SECONDS = 5.0
# How soon targets under way are looked at again.
_POLL_SECONDS = 0.25
# The same while whole batches begin one after the other.
_BUSY_POLL_SECONDS = 1.0


class Stepped(Struct, frozen=True):
    """The result of a step.

    It has the `written` declarations, and targets by their new state. The next work on the rollout is outside of a
    transaction: to decide on a `large` target, or, if it `plans`, on a page of registries.
    """

    rollout: RolloutRow
    written: int = 0
    changed: Sequence[TargetRow] = ()
    large: TargetRow | None = None
    plans: bool = False

    @property
    def due_at_once(self) -> bool:
        """Whether the next step on the rollout is due already."""
        return self.rollout.due_at is not None and self.rollout.due_at <= self.rollout.update_time


def step(tx: Tx, rollout: RolloutRow, bounds: Bounds, now: int) -> Stepped:
    """Make a step on a rollout that this transaction has claimed at `now`."""
    if rollout.state == RolloutState.PLANNING:
        if rollout.cause == Cause.GROWTH:
            return Stepped(rollouts.change(tx, rollout, due_in=_ALONE_SECONDS, touch=False), plans=True)
        return Stepped(plan_targets(tx, rollout))
    if rollout.state in ENDED:
        return Stepped(rollouts.change(tx, rollout, due_in=None, touch=False))
    return _advance(tx, rollout, bounds, now)


def _advance(tx: Tx, rollout: RolloutRow, bounds: Bounds, now: int) -> Stepped:
    counts = [dict(each) for each in rollout.counts]
    # Many targets begin in a row: those under way count as failed until they are read, so no limit is exceeded.
    start = _decide(rollout, counts).start
    every = _BUSY_POLL_SECONDS if start and start >= min(BATCH, _fitting(rollout)) else 0.0
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
    chosen = _next(tx, rollout, decision)
    written = begin(tx, rollout, chosen.targets, bounds, wait=False)
    for before, after in written:
        _count(counts, before, after)
    moved = bool(changed or written)
    due = _Due(chosen.due_in, 0.0 if observation.more else _POLL_SECONDS)
    stored = _stored(tx, rollout, decision, counts, due, cursor=observation.cursor, moved=moved)
    return Stepped(stored, len(written), [after for _, after in (*changed, *written)], chosen.large)


def plan_page(tx: Tx, before: RolloutRow, page: Page) -> Stepped:
    """Determine the targets of a page that was decided after a step.

    Do nothing if the rollout has changed since.
    """
    rollout = rollouts.get(tx, before.set_id, before.number, lock=True)
    if rollout is None or _inputs(rollout) != _inputs(before) or rollout.cursor != before.cursor:
        return Stepped(rollout or before)
    return Stepped(plan_targets(tx, rollout, page))


def begin_large(tx: Tx, before: RolloutRow, target: TargetRow, begun: Decided | None, bounds: Bounds) -> Stepped:
    """Begin a large target of a rollout after a step.

    If its basis has changed, return it as `large` to be decided again. Without a decision, decide in this transaction.
    If the rollout or the target has changed since that step, begin nothing: the next step decides again.
    """
    rollout = rollouts.get(tx, before.set_id, before.number, lock=True)
    if rollout is None or _inputs(rollout) != _inputs(before):
        return Stepped(rollout or before)
    counts = [dict(each) for each in rollout.counts]
    decision = _decide(rollout, counts)
    current = rollout_targets.named(tx, rollout, [target.registry]).get(target.registry)
    if not decision.start or decision.wave != target.wave or current != target:
        return Stepped(rollout)
    if begun is None:
        [written] = begin(tx, rollout, [target], bounds, wait=True)
    elif store(tx, rollout, begun, bounds):
        written = begun.written
    else:
        return Stepped(rollout, large=target)
    _count(counts, *written)
    stored = _stored(tx, rollout, decision, counts, _Due(0.0), cursor=rollout.cursor, moved=True)
    return Stepped(stored, 1, [written[1]])


def _inputs(rollout: RolloutRow) -> tuple[Any, ...]:
    """Return everything that decisions on targets depend on; steps change the rest."""
    return (
        rollout.state, rollout.wave, rollout.revision, rollout.approved, rollout.cause, rollout.principal,
        rollout.authority, rollout.spec,
    )  # fmt: skip


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


def _fitting(rollout: RolloutRow) -> int:
    """Return the number of targets without other declarations that one step begins."""
    return max(1, STEP_BYTES // (_TARGET_BYTES + _size(rollout)))


class _Chosen(Struct, frozen=True):
    """The targets that a step writes, and a large one.

    Others may begin after `due_in` seconds.
    """

    targets: Sequence[TargetRow] = ()
    large: TargetRow | None = None
    due_in: float = BUSY_SECONDS


def _next(tx: Tx, rollout: RolloutRow, decision: Decision) -> _Chosen:
    """Return the targets that begin now."""
    limit = min(decision.start, BATCH)
    undo = decision.state is RolloutState.ROLLING_BACK
    pending = rollout_targets.pending(tx, rollout, decision.wave, limit, undo=undo) if limit else []
    more = decision.start > BATCH
    if not pending:
        return _Chosen(due_in=0.0 if more else BUSY_SECONDS)
    total, own, sizes = 0, _TARGET_BYTES + _size(rollout), rollout_targets.sizes(tx, pending)
    targets: list[TargetRow] = []
    large: TargetRow | None = None
    for target in pending:
        size = own + sizes[target.registry]
        if size > STEP_BYTES:
            large = large or target
            continue
        total += size
        if total > STEP_BYTES:
            more = True
            break
        targets.append(target)
    return _Chosen(targets, large, _ALONE_SECONDS if large is not None else 0.0 if more else BUSY_SECONDS)


class _Due(Struct, frozen=True):
    """In how many seconds others may begin, and those under way are read again."""

    begin: float
    observe: float = _POLL_SECONDS


def _stored(
    tx: Tx,
    rollout: RolloutRow,
    decision: Decision,
    counts: list[dict[str, int]],
    due: _Due,
    *,
    cursor: str,
    moved: bool,
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
    due_in: float | None = due.observe if under_way else None
    if decision.start:
        due_in = due.begin
    elif due_in is None and decision.state in (RolloutState.RUNNING, RolloutState.ROLLING_BACK):
        due_in = 0.0
    same = (decision.state, decision.wave) == (rollout.state, rollout.wave)
    values = {"state": decision.state, "wave": decision.wave, "counts": counts, "cursor": cursor, "message": message}
    if same:
        values.pop("message")
    return rollouts.change(tx, rollout, due_in=due_in, touch=moved or not same, **values)
