"""The targets of a rollout, determined page by page, and growth.

A set grows when it matches other registries than before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from ecrkeeper_server.declarations.idempotency import Caller
from ecrkeeper_server.fleet import matching, waves
from ecrkeeper_server.fleet.guards import max_removals
from ecrkeeper_server.fleet.matching import Place
from ecrkeeper_server.fleet.names import SetName
from ecrkeeper_server.fleet.rollout_commands import begin, end
from ecrkeeper_server.fleet.selectors import matcher
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.store import registry_sets, rollout_targets, rollouts
from ecrkeeper_server.store.clock import MICROSECONDS
from ecrkeeper_server.store.database import Database, Tx
from ecrkeeper_server.store.fleet_rows import (
    Action,
    Authority,
    Cause,
    RolloutRow,
    RolloutState,
    SetRow,
    TargetRow,
    TargetState,
)
from ecrkeeper_server.store.fleet_specs import SetSpec

# How often targets are compared although nothing is known to have changed, and when one that failed is tried again.
COMPARE_SECONDS, RETRY_SECONDS = 900.0, 3600.0
_ATTEMPTED = frozenset({TargetState.FAILED, TargetState.SKIPPED, TargetState.HELD})


def action_of(place: Place, name: SetName, cause: Cause, revision: int) -> Action | None:
    """Return what a rollout does with a registry; None for nothing."""
    managed = place.managed_by(name)
    if cause is Cause.DELETION or not place.matched:
        return None if managed is None else Action.RELEASE
    if cause is Cause.GROWTH and managed is not None and (managed.set_revision or 0) >= revision:
        return None
    return Action.APPLY


def plan_targets(tx: Tx, rollout: RolloutRow) -> RolloutRow:
    """Determine the targets in the next page of accounts.

    After the last page, put them into waves and begin.
    """
    name, spec, cause = SetName(rollout.set_id), rollout.set_spec, Cause(rollout.cause)
    selecting = waves.Selecting.of(rollout.waves)
    places, after = matching.page(tx, matcher(spec.selector), name, rollout.cursor)
    held = _Held(tx, rollout, name, places)
    pool, rows = rollout.pool, []
    for place in places:
        action = action_of(place, name, cause, rollout.revision)
        if action is None or held.leaves_out(place, action):
            continue
        wave = selecting.wave_of(place.target)
        rows.append(
            TargetRow(
                set_id=rollout.set_id,
                number=rollout.number,
                account=place.registry.account,
                region=place.registry.region,
                wave=-1 if wave is None else wave,
                position=pool,
                action=action,
                update_time=held.now,
            )
        )
        pool += wave is None
    rollout_targets.add(tx, rows)
    if after:
        return rollouts.change(tx, rollout, due_in=0, cursor=after, pool=pool)
    return _begin(tx, rollouts.change(tx, rollout, due_in=0, pool=pool))


def _begin(tx: Tx, rollout: RolloutRow) -> RolloutRow:
    planned = rollout_targets.total(tx, rollout)
    if not planned:
        ended = rollouts.change(
            tx, rollout, due_in=0, state=RolloutState.RUNNING, counts=[{}] * (1 + len(rollout.waves))
        )
        return end(tx, ended, RolloutState.SUCCEEDED, "it has no targets")
    found, _ = waves.ranges(rollout.waves, planned, rollout.pool)
    rollout_targets.put_in_waves(tx, rollout, [(each.wave, each.first, each.end) for each in found])
    counts = rollout_targets.counts(tx, rollout)
    return rollouts.change(tx, rollout, due_in=0, state=RolloutState.RUNNING, counts=counts)


class _Held:
    """The targets that growth leaves alone.

    They could not be written a short while ago, or their account is suspended.
    """

    def __init__(self, tx: Tx, rollout: RolloutRow, name: SetName, places: list[Place]) -> None:
        self.now = rollouts.now(tx)
        self._growth = rollout.cause == Cause.GROWTH
        row = registry_sets.get(tx, name.id) if self._growth else None
        self._keeps = row is not None and row.held_removals > 0
        self._latest: Mapping[RegistryName, TargetRow] = (
            rollout_targets.latest(tx, name.id, [place.registry for place in places]) if self._growth else {}
        )

    def leaves_out(self, place: Place, action: Action) -> bool:
        """Return whether growth leaves a target out."""
        if self._keeps and action is Action.RELEASE:
            return True
        return self._growth and not may_grow(place, self._latest.get(place.registry), self.now)


def may_grow(place: Place, latest: TargetRow | None, now: int) -> bool:
    """Return whether growth may write a target.

    The account has to be active, and the last attempt must not have failed just now.

    An attempt that was rolled back counts as one that failed.
    """
    if not place.target.account.writable:
        return False
    if latest is None or (latest.state not in _ATTEMPTED and not latest.undo):
        return True
    return place.changed_at > latest.update_time or now - latest.update_time >= RETRY_SECONDS * MICROSECONDS


@dataclass(slots=True)
class _Compared:
    """The targets that growth would write, counted over all pages."""

    applying: int = 0
    releasing: int = 0
    present: int = 0


def claim_comparison(tx: Tx) -> SetRow | None:
    """Return the set whose comparison is due, and make it due again later.

    None if there is none.
    """
    row = registry_sets.claim_due(tx)
    if row is not None:
        registry_sets.later(tx, row.id, COMPARE_SECONDS)
    return row


async def compare(db: Database, row: SetRow) -> None:
    """Compare the targets of a set with its selector, page by page.

    If they differ, start a rollout.

    A set that has reached no revision, or that a rollout is under way for, is left alone: its end makes it due.
    """
    if row.deleting or not row.current_revision:
        return
    opened: list[RolloutRow] = await db.read(lambda tx: rollouts.open_of(tx, row.id))
    if opened:
        return
    revision = await db.read(lambda tx: registry_sets.get_revision(tx, row.id, row.current_revision))
    if revision is None or revision.spec is None:
        return
    spec, found, after = SetSpec.from_json(revision.spec), _Compared(), ""
    while True:
        after = await db.read(lambda tx, after=after: _compare_page(tx, row, spec, found, after))  # type: ignore[misc]
        if not after:
            break
        await asyncio.sleep(0)
    if found.applying or found.releasing or row.held_removals:
        await db.write(lambda tx: _grow(tx, row, spec, found))


def _compare_page(tx: Tx, row: SetRow, spec: SetSpec, found: _Compared, after: str) -> str:
    name, now = SetName(row.id), rollouts.now(tx)
    places, last = matching.page(tx, matcher(spec.selector), name, after)
    differing = [
        (place, action)
        for place in places
        if (action := action_of(place, name, Cause.GROWTH, row.current_revision)) is not None
    ]
    found.present += sum(place.managed_by(name) is not None for place in places)
    latest = rollout_targets.latest(tx, row.id, [place.registry for place, _ in differing])
    for place, action in differing:
        if may_grow(place, latest.get(place.registry), now):
            found.applying += action is Action.APPLY
            found.releasing += action is Action.RELEASE
    return last


def _grow(tx: Tx, row: SetRow, spec: SetSpec, found: _Compared) -> None:
    """Start a rollout for what differs.

    Releases beyond the guard of removals are held back, and counted.
    """
    opened = rollouts.open_of(tx, row.id, lock=True)
    present = registry_sets.get(tx, row.id, lock=True)
    if present is None or opened or present.current_revision != row.current_revision or present.deleting:
        return
    held = found.releasing if found.releasing > max_removals(spec.max_removals, found.present) else 0
    if held != present.held_removals:
        registry_sets.change(tx, row.id, held_removals=held)
    if found.applying or (found.releasing and not held):
        caller = Caller("Growth", principal=Authority.from_json(present.authority).principal)
        begin(tx, present, Cause.GROWTH, caller, spec=spec.to_json(), revision=row.current_revision, queued=False)
