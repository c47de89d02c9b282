"""The targets of a rollout, determined page by page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from ecrkeeper_server import turns
from ecrkeeper_server.fleet import matching, waves
from ecrkeeper_server.fleet.actions import Actions, Step
from ecrkeeper_server.fleet.growth import differing, held_back, latest_targets, may_grow
from ecrkeeper_server.fleet.matching import Place
from ecrkeeper_server.fleet.names import SetName
from ecrkeeper_server.fleet.rollout_commands import end
from ecrkeeper_server.fleet.selectors import matcher
from ecrkeeper_server.fleet.targets import FleetAccount
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.store import registry_sets, rollout_accounts, rollout_targets, rollouts
from ecrkeeper_server.store.database import Database, Tx
from ecrkeeper_server.store.rollout_rows import Cause, PinnedAccount, RolloutRow, RolloutState, TargetRow
from ecrkeeper_server.turns import Steps, finish

# Targets that change what the database should know of their table.
_LARGE = 500
# The registries of a page, unless one account has more: some 10 ms of work in one transaction.
_PAGE = 500


class Page(Struct, frozen=True):
    """The changes in the registries of a page of accounts.

    `after` is its last account, or empty at the end.
    """

    changes: Sequence[tuple[Place, Step]]
    after: str


async def next_page(db: Database, rollout: RolloutRow) -> Page:
    """Return the next page of a rollout, read and decided in turns."""
    places, after = await db.read_then_parse(lambda tx: _reading(tx, rollout))
    return await turns.work().run(_deciding(rollout, places, after))


def plan_targets(tx: Tx, rollout: RolloutRow, page: Page | None = None) -> RolloutRow:
    """Determine the targets in the next page of accounts.

    It is read here unless it is given. After the last page, put them into waves and begin.
    """
    if page is None:
        page = finish(_deciding(rollout, *finish(finish(_reading(tx, rollout)))))
    selecting, held = waves.Selecting.of(rollout.waves), _Held(tx, rollout, [place for place, _ in page.changes])
    pool, rows, accounts = rollout.pool, list[TargetRow](), dict[str, FleetAccount]()
    for place, step in page.changes:
        if held.leaves_out(place, step):
            continue
        wave = selecting.wave_of(place.target)
        rows.append(_target(rollout, place, step, wave, pool, held.now))
        accounts[place.registry.account] = place.target.account
        pool += wave is None
    rollout_targets.add(tx, rows)
    rollout_accounts.add(tx, rollout, [_pinned(each) for each in accounts.values()])
    if page.after:
        return rollouts.change(tx, rollout, due_in=0, cursor=page.after, pool=pool)
    return _begin(tx, rollouts.change(tx, rollout, due_in=0, pool=pool))


def _reading(tx: Tx, rollout: RolloutRow) -> Steps[Steps[tuple[list[Place], str]]]:
    selector, name = matcher(rollout.set_spec.selector), SetName(rollout.set_id)
    # Only growth compares settings.
    settings = rollout.cause == Cause.GROWTH
    return matching.reading_page(tx, selector, name, rollout.cursor, settings=settings, registries=_PAGE)


def _deciding(rollout: RolloutRow, places: Sequence[Place], after: str) -> Steps[Page]:
    actions = Actions(SetName(rollout.set_id), rollout.set_spec, Cause(rollout.cause), rollout.revision)
    return Page((yield from differing(actions, places)), after)


def _target(rollout: RolloutRow, place: Place, step: Step, wave: int | None, pool: int, now: int) -> TargetRow:
    return TargetRow(
        set_id=rollout.set_id,
        number=rollout.number,
        account=place.registry.account,
        region=place.registry.region,
        wave=-1 if wave is None else wave,
        # Nearly unique, so that a page of a wave is read by index.
        position=pool if wave is None else int(place.registry.account),
        action=step.action,
        removes=step.removes,
        update_time=now,
    )


def _pinned(account: FleetAccount) -> PinnedAccount:
    return PinnedAccount(account.account, account.display_name, account.labels, account.organizational_unit)


def with_pinned(accounts: Mapping[str, FleetAccount], pinned: Sequence[PinnedAccount]) -> dict[str, FleetAccount]:
    """Return accounts with the labels that they had when the rollout began.

    So are their names and units. Their state and their Regions are the current ones.
    """
    merged = dict(accounts)
    for each in pinned:
        if each.account in merged:
            merged[each.account] = replace(
                merged[each.account],
                display_name=each.display_name,
                labels=each.labels,
                organizational_unit=each.organizational_unit,
            )
    return merged


def _begin(tx: Tx, rollout: RolloutRow) -> RolloutRow:
    if rollout.cause != Cause.DELETION:
        rollout = _guarded(tx, rollout)
    planned = rollout_targets.total(tx, rollout)
    if not planned:
        ended = rollouts.change(
            tx, rollout, due_in=0, state=RolloutState.RUNNING, counts=[{}] * (1 + len(rollout.waves))
        )
        return end(tx, ended, RolloutState.SUCCEEDED, rollout.message or "it has no targets")
    ranges, _ = waves.ranges(rollout.waves, planned, rollout.pool)
    rollout_targets.put_in_waves(tx, rollout, [(each.wave, each.first, each.end) for each in ranges])
    counts = rollout_targets.counts(tx, rollout)
    if planned >= _LARGE:
        rollout_targets.analyze(tx)
    return rollouts.change(tx, rollout, due_in=0, state=RolloutState.RUNNING, counts=counts, cursor="")


def _guarded(tx: Tx, rollout: RolloutRow) -> RolloutRow:
    """Leave out all removing targets if the guard does not allow so many.

    The targets are determined page by page, so they can be others than those that were counted before.
    """
    removing = rollout_targets.total(tx, rollout, removes=True)
    if removing <= rollout.allow_removals:
        return rollout
    present = registry_sets.managed_count(tx, rollout.set_id)
    held = held_back(tx, rollout.set_id, rollout.set_spec, removing, present)
    if not held:
        return rollout
    registry_sets.change(tx, rollout.set_id, held_removals=held)
    pool = rollout.pool - rollout_targets.exclude_removing(tx, rollout)
    return rollouts.change(tx, rollout, due_in=0, pool=pool, message=f"{held} removals are held back")


class _Held:
    """The targets that growth leaves alone.

    They could not be written a short while ago, their account is suspended, or the guard holds them back.
    """

    def __init__(self, tx: Tx, rollout: RolloutRow, places: list[Place]) -> None:
        self.now, name = rollouts.now(tx), SetName(rollout.set_id)
        self._growth = rollout.cause == Cause.GROWTH
        row = registry_sets.get(tx, name.id) if self._growth else None
        self._keeps = row is not None and row.held_removals > 0
        self._latest: Mapping[RegistryName, TargetRow] = latest_targets(tx, name, places) if self._growth else {}

    def leaves_out(self, place: Place, step: Step) -> bool:
        """Return whether growth leaves a target out."""
        if self._keeps and step.removes:
            return True
        return self._growth and not may_grow(place, self._latest.get(place.registry), self.now)
