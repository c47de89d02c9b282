"""Growth: a set matches other registries than before.

Or its template has other values there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping

from msgspec import Struct

from ecrkeeper_server.declarations.idempotency import Caller
from ecrkeeper_server.fleet import matching
from ecrkeeper_server.fleet.actions import Actions, Step
from ecrkeeper_server.fleet.guards import max_removals
from ecrkeeper_server.fleet.matching import Place
from ecrkeeper_server.fleet.names import SetName
from ecrkeeper_server.fleet.rollout_commands import begin
from ecrkeeper_server.fleet.selectors import matcher
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.store import registry_sets, rollout_targets, rollouts
from ecrkeeper_server.store.clock import MICROSECONDS
from ecrkeeper_server.store.database import Database, Tx
from ecrkeeper_server.store.fleet_rows import Authority, SetRow
from ecrkeeper_server.store.fleet_specs import AccountState, SetSpec
from ecrkeeper_server.store.rollout_rows import Cause, RolloutRow, RolloutState, TargetRow, TargetState
from ecrkeeper_server.turns import Steps, work

# How often targets are compared although nothing is known to have changed, and when one that failed is tried again.
COMPARE_SECONDS, RETRY_SECONDS = 900.0, 3600.0
# How long removals by growth count for the guard.
_RECENT_SECONDS = 86_400.0
_ATTEMPTED = frozenset({TargetState.FAILED, TargetState.SKIPPED, TargetState.HELD})


def latest_targets(tx: Tx, name: SetName, places: Collection[Place]) -> Mapping[RegistryName, TargetRow]:
    """Return the newest target of each registry."""
    return rollout_targets.latest(tx, name.id, [place.registry for place in places])


def may_grow(place: Place, latest: TargetRow | None, now: int) -> bool:
    """Return whether growth may write a target.

    The account has to be active, and the last attempt must not have failed just now. The Regions of an account that
    an organization has just got are not known yet.

    An attempt that was rolled back counts as one that failed.
    """
    account = place.target.account
    if not account.writable or not account.checked:
        return False
    return _may_attempt(place, latest, now)


def _may_attempt(place: Place, latest: TargetRow | None, now: int) -> bool:
    """Return whether the last attempt is none that has failed just now."""
    if latest is None or (latest.state not in _ATTEMPTED and not latest.undo):
        return True
    return place.changed_at > latest.update_time or now - latest.update_time >= RETRY_SECONDS * MICROSECONDS


def held_back(tx: Tx, set_id: str, spec: SetSpec, removing: int, present: int) -> int:
    """Return the number of removing targets that the guard holds back: all or none.

    Removals by growth count for a day, or until somebody writes the set: one account after the other is many.
    """
    if not removing:
        return 0
    recent = rollout_targets.recently_removed(tx, set_id, _RECENT_SECONDS)
    return removing if removing + recent > max_removals(spec.max_removals, present + recent) else 0


class _Compared(Struct):
    """The targets that growth would write, counted over all pages."""

    changing: int = 0
    removing: int = 0
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
    opened: list[RolloutRow] = await db.read(lambda tx: rollouts.open_of(tx, row.id))
    if opened:
        return
    if row.deleting:
        await _resume_deletion(db, row)
        return
    if not row.current_revision:
        return
    revisions = await db.read_then_parse(lambda tx: registry_sets.reading_revisions(tx, row.id, [row.current_revision]))
    revision = next(iter(revisions), None)
    if revision is None or revision.spec is None:
        return
    spec, compared, after = SetSpec.from_json(revision.spec), _Compared(), ""
    actions = Actions(SetName(row.id), spec, Cause.GROWTH, row.current_revision)
    name, selector = SetName(row.id), matcher(spec.selector)
    while True:
        places, after = await db.read_then_parse(
            lambda tx, after=after: matching.reading_page(tx, selector, name, after)  # type: ignore[misc]
        )
        changes = await work().run(differing(actions, places))
        if changes:
            await db.read(lambda tx, changes=changes: _count(tx, name, changes, compared))  # type: ignore[misc]
        compared.present += sum(place.managed_by(name) is not None for place in places)
        if not after:
            break
        await asyncio.sleep(0)
    if compared.changing or row.held_removals:
        await db.write(lambda tx: _grow(tx, row, spec, compared))


def differing(actions: Actions, places: Collection[Place]) -> Steps[list[tuple[Place, Step]]]:
    """Return the registries that a rollout would change, in steps."""
    changes = []
    for place in places:
        yield
        step = yield from actions.deciding(place)
        if step is not None:
            changes.append((place, step))
    return changes


def _count(tx: Tx, name: SetName, changes: Collection[tuple[Place, Step]], compared: _Compared) -> None:
    now = rollouts.now(tx)
    latest = latest_targets(tx, name, [place for place, _ in changes])
    for place, step in changes:
        if may_grow(place, latest.get(place.registry), now):
            compared.changing += 1
            compared.removing += step.removes


async def _resume_deletion(db: Database, row: SetRow) -> None:
    """Delete a set further if a target that was left may be released now.

    A deletion that somebody cancelled stays cancelled.
    """
    number = await db.read(lambda tx: rollouts.newest_begun(tx, row.id))
    shown = await db.read_then_parse(lambda tx: rollouts.reading_shown(tx, row.id, [number]))
    last = next(iter(shown), None)
    if last is None or (last.cause, last.state) != (Cause.DELETION, RolloutState.SUCCEEDED):
        return
    selector, after = matcher(SetSpec.from_json(row.spec).selector), ""
    while True:
        places, after = await db.read_then_parse(
            lambda tx, after=after: matching.reading_page(tx, selector, SetName(row.id), after, settings=False)  # type: ignore[misc]
        )
        if await db.read(lambda tx, places=places: _may_release(tx, SetName(row.id), places)):  # type: ignore[misc]
            await db.write(lambda tx: _delete_further(tx, row, last))
            return
        if not after:
            return
        await asyncio.sleep(0)


def _may_release(tx: Tx, name: SetName, places: Collection[Place]) -> bool:
    """Return whether a deletion may release one of these registries now.

    The declarations in accounts that are gone are forgotten.
    """
    releasing = [
        place
        for place in places
        if place.managed_by(name) is not None and place.target.account.state is not AccountState.SUSPENDED
    ]
    latest, now = latest_targets(tx, name, releasing), rollouts.now(tx)
    return any(_may_attempt(place, latest.get(place.registry), now) for place in releasing)


def _delete_further(tx: Tx, row: SetRow, last: RolloutRow) -> None:
    opened = rollouts.open_of(tx, row.id, lock=True)
    present = registry_sets.get(tx, row.id, lock=True)
    if present is None or opened or present.generation != row.generation or not present.deleting:
        return
    caller = Caller("Growth", principal=last.principal, reason=last.reason)
    begin(tx, present, Cause.DELETION, caller, spec=present.spec, revision=present.generation, queued=False)


def _grow(tx: Tx, row: SetRow, spec: SetSpec, compared: _Compared) -> None:
    """Start a rollout for what differs.

    Removals beyond the guard are held back, and counted.
    """
    opened = rollouts.open_of(tx, row.id, lock=True)
    present = registry_sets.get(tx, row.id, lock=True)
    if present is None or opened or present.current_revision != row.current_revision or present.deleting:
        return
    held = held_back(tx, row.id, spec, compared.removing, compared.present)
    if held != present.held_removals:
        registry_sets.change(tx, row.id, held_removals=held)
    if compared.changing > held:
        caller = Caller("Growth", principal=Authority.from_json(present.authority).principal)
        begin(tx, present, Cause.GROWTH, caller, spec=spec.to_json(), revision=row.current_revision, queued=False)
