"""Begin targets of a rollout: read, decide, and store their declarations.

Many targets are decided in the transaction that stores them. A target in a registry with large declarations is decided
in turns on the event loop before its transaction, which compares everything that the decision is based on.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct

from ecrkeeper_server import turns
from ecrkeeper_server.fleet.bounds import Bounds
from ecrkeeper_server.fleet.matching import fleet_account
from ecrkeeper_server.fleet.membership import with_pinned
from ecrkeeper_server.fleet.names import SetName
from ecrkeeper_server.fleet.rendering import Renderer
from ecrkeeper_server.fleet.selectors import matcher
from ecrkeeper_server.fleet.targets import FleetAccount, Target
from ecrkeeper_server.fleet.template import Templates
from ecrkeeper_server.fleet.writing import Writer
from ecrkeeper_server.names import RegistryName, SettingsName
from ecrkeeper_server.store import (
    decided,
    declarations,
    operations,
    registry_sets,
    revision_pages,
    rollout_accounts,
    rollout_targets,
    rollouts,
    work,
)
from ecrkeeper_server.store.database import Database, Tx
from ecrkeeper_server.store.decided import Basis
from ecrkeeper_server.store.fleet_rows import Authority
from ecrkeeper_server.store.rollout_rows import Action, RolloutRow, TargetRow, TargetState
from ecrkeeper_server.store.rows import Method, Revision
from ecrkeeper_server.store.unit_of_work import UnitOfWork
from ecrkeeper_server.store.work import Texts
from ecrkeeper_server.turns import Steps

Written = tuple[TargetRow, TargetRow]
"""A target before and after it is written."""


class Outlook(Struct, frozen=True):
    """The rows that decisions on targets depend on, besides their registries.

    `taking` are the sets that will declare for a registry and do not yet, and `reached` are the registries within the
    bounds of the set.
    """

    accounts: Mapping[str, FleetAccount]
    taking: Mapping[TargetRow, str]
    reached: Collection[RegistryName]


def begin(tx: Tx, rollout: RolloutRow, targets: Sequence[TargetRow], bounds: Bounds, *, wait: bool) -> list[Written]:
    """Write targets in this transaction.

    Without `wait`, those in registries that another transaction holds begin later.
    """
    if not targets:
        return []
    name = SetName(rollout.set_id)
    unit = work.load(tx, [name.settings(target.registry) for target in targets], wait=wait)
    before = {name.settings(each.registry): each.before_revision for each in targets if each.undo}
    outlook = _outlook(tx, rollout, targets, bounds)
    writer = _writer(rollout, unit, outlook, declarations.some_revisions(tx, before))
    written = [(target, writer.write(target)) for target in targets]
    work.save(tx, unit)
    _end(tx, rollout, unit, written)
    return written


def _outlook(tx: Tx, rollout: RolloutRow, targets: Sequence[TargetRow], bounds: Bounds) -> Outlook:
    name = SetName(rollout.set_id)
    rows, pinned = rollout_accounts.existing(tx, rollout, {target.account for target in targets})
    accounts = {row.account: fleet_account(row) for row in rows}
    reach = bounds.reach(Authority.from_json(rollout.authority), name)
    reached = {target.registry for target in targets if reach(target.registry)}
    return Outlook(with_pinned(accounts, pinned), _taking(tx, name, targets, accounts), reached)


def _writer(rollout: RolloutRow, unit: UnitOfWork, outlook: Outlook, before: Mapping[SettingsName, Revision]) -> Writer:
    spec = rollout.set_spec
    return Writer(
        rollout=rollout,
        unit=unit,
        spec=spec,
        renderer=Renderer(Templates(spec)),
        reached=outlook.reached,
        accounts=outlook.accounts,
        taking=outlook.taking,
        before=before,
    )


def _end(tx: Tx, rollout: RolloutRow, unit: UnitOfWork, written: Sequence[Written]) -> None:
    """Store targets whose declarations are stored."""
    rollout_targets.save(tx, [after for _, after in written])
    # They are tried again, as by ReconcileRegistry: no element waits for its backoff.
    again = [
        unit.registries[after.registry]
        for before, after in written
        if after.state == TargetState.RUNNING and before.generation == after.generation != 0
    ]
    operations.create_all(tx, Method.RECONCILE_REGISTRY, again, caller=rollout.principal)


class Decided(Struct, frozen=True):
    """A target before and after its decision, and what it is based on."""

    written: Written
    unit: UnitOfWork
    basis: Basis
    outlook: Outlook


async def decide(db: Database, rollout: RolloutRow, target: TargetRow, bounds: Bounds) -> Decided:
    """Decide on a target in turns, and store nothing."""

    def reading(tx: Tx) -> Steps[tuple[Texts, Outlook, Steps[list[Revision]]]]:
        name = SetName(rollout.set_id).settings(target.registry)
        outlook = _outlook(tx, rollout, [target], bounds)
        texts = yield from work.reading(tx, [name])
        numbers = [target.before_revision] if target.undo else []
        return texts, outlook, (yield from revision_pages.reading(tx, name, numbers))

    texts, outlook, parsing = await db.read_in_turns(reading)
    unit = await turns.work().run(work.parsing(texts))
    before = {SettingsName(target.registry, each.owner): each for each in await turns.work().run(parsing)}
    written = await turns.work().run(_writer(rollout, unit, outlook, before).writing(target))
    basis = await turns.work().run(decided.describing(unit))
    await turns.work().run(decided.writing(unit))
    return Decided((target, written), unit, basis, outlook)


def store(tx: Tx, rollout: RolloutRow, begun: Decided, bounds: Bounds) -> bool:
    """Store a decision unless its basis has changed; return whether it is stored."""
    target, _ = begun.written
    if _outlook(tx, rollout, [target], bounds) != begun.outlook:
        return False
    if not decided.save_if_current(tx, begun.unit, begun.basis):
        return False
    _end(tx, rollout, begun.unit, [begun.written])
    return True


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
