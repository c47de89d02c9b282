"""Queries on the targets of rollouts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    and_,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    true,
    tuple_,
    update,
)

from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.store.clock import MICROSECONDS
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.fleet_rows import UNDER_WAY, Cause, RolloutRow, RolloutState, TargetRow, TargetState
from ecrkeeper_server.store.fleet_tables import rollout_targets as table
from ecrkeeper_server.store.fleet_tables import rollouts
from ecrkeeper_server.store.rows import Declaration, Resource
from ecrkeeper_server.store.tables import RESOURCE_COLUMNS, declarations, resource, resources
from ecrkeeper_server.store.work import columns_of

_KEY = ("set_id", "number", "account", "region")


_SAVE = (
    update(table)
    .where(*(table.c[name] == bindparam(f"_{name}") for name in _KEY))
    .values({column.name: bindparam(f"_{column.name}") for column in table.c if column.name not in _KEY})
)


def _of(rollout: RolloutRow) -> ColumnElement[bool]:
    return and_(table.c.set_id == rollout.set_id, table.c.number == rollout.number)


def add(tx: Tx, rows: Sequence[TargetRow]) -> None:
    """Add targets."""
    if rows:
        tx.conn.execute(insert(table), [columns_of(row) for row in rows])


def put_in_waves(tx: Tx, rollout: RolloutRow, ranges: Sequence[tuple[int, int, int]]) -> None:
    """Put the targets of the pool into waves.

    `(wave, first, end)` are positions. The remaining targets go into the last wave.
    """
    in_pool = and_(_of(rollout), table.c.wave == -1)
    whens = [(and_(table.c.position >= first, table.c.position < end), wave) for wave, first, end in ranges]
    last = len(rollout.waves) - 1
    wave = case(*whens, else_=last) if whens else literal(last)
    tx.conn.execute(update(table).where(in_pool).values(wave=wave))


@dataclass(frozen=True, slots=True)
class Observed:
    """A target under way, with its declaration and its registry as they are now."""

    target: TargetRow
    declared: Declaration | None
    registry: Resource | None


def under_way(tx: Tx, rollout: RolloutRow, old: int, limit: int) -> list[Observed]:
    """Some targets under way that may be decided now, those that wait longest first.

    They are of the rollout's wave, the only one with targets under way. A rollout that goes back has counts of the
    targets that go back, so the others are left alone.

    The registry of such a target has observed its generation, or the target is in its state since before `old`: of
    thousands that have just been written, none is read.
    """
    in_wave = and_(_of(rollout), table.c.wave == rollout.wave)
    going_back = table.c.undo if rollout.state == RolloutState.ROLLING_BACK else true()
    name = literal("accounts/") + table.c.account + "/registries/" + table.c.region
    joined = table.outerjoin(resources, resources.c.name == name)
    reached = or_(resources.c.name.is_(None), resources.c.observed_generation >= table.c.registry_generation)
    query = (
        select(table)
        .select_from(joined)
        .where(in_wave, going_back, table.c.state.in_(UNDER_WAY), or_(reached, table.c.since <= old))
        .order_by(table.c.since, table.c.account, table.c.region)
        .limit(limit)
    )
    targets = [TargetRow.of(row) for row in tx.conn.execute(query)]
    if not targets:
        return []
    names = [str(target.registry) for target in targets]
    found = tx.conn.execute(select(*RESOURCE_COLUMNS).select_from(resource).where(resources.c.name.in_(names)))
    registries = {row.name: Resource.of(row) for row in found}
    key = tuple_(declarations.c.account, declarations.c.region)
    places = [(target.account, target.region) for target in targets]
    made = select(declarations).where(declarations.c.owner == rollout.set_id, key.in_(places))
    declared = {(row.account, row.region): Declaration.of(row) for row in tx.conn.execute(made)}
    return [
        Observed(target, declared.get((target.account, target.region)), registries.get(str(target.registry)))
        for target in targets
    ]


def pending(tx: Tx, rollout: RolloutRow, wave: int, limit: int, *, undo: bool) -> list[TargetRow]:
    """The next targets of a wave that may begin, in their order."""
    query = select(table).where(
        _of(rollout), table.c.wave == wave, table.c.state == TargetState.PENDING, table.c.since <= tx.now()
    )
    if undo:
        query = query.where(table.c.undo)
    return [TargetRow.of(row) for row in tx.conn.execute(query.order_by(table.c.position).limit(limit))]


def save(tx: Tx, rows: Sequence[TargetRow]) -> None:
    """Store changed targets."""
    if rows:
        values = [columns_of(row) for row in rows]
        tx.conn.execute(_SAVE, [{f"_{name}": value for name, value in each.items()} for each in values])


def move(tx: Tx, rollout: RolloutRow, states: Collection[str], **values: Any) -> int:
    """Change all targets of a rollout in some states; how many there are."""
    return _moved(tx, and_(_of(rollout), table.c.state.in_(states)), values)


def move_wave(tx: Tx, rollout: RolloutRow, wave: int, states: Collection[str], **values: Any) -> int:
    """Change all targets of a wave in some states; how many there are."""
    return _moved(tx, and_(_of(rollout), table.c.wave == wave, table.c.state.in_(states)), values)


def begin_undo(tx: Tx, rollout: RolloutRow) -> None:
    """Let all targets that the rollout has changed go back."""
    back = {"state": TargetState.PENDING, "undo": True, "since": 0, "reason": "", "message": ""}
    _moved(tx, and_(_of(rollout), table.c.changed), back)


def _moved(tx: Tx, which: ColumnElement[bool], values: dict[str, Any]) -> int:
    return int(tx.conn.execute(update(table).where(which).values(**values, update_time=tx.now())).rowcount)


def total(tx: Tx, rollout: RolloutRow, *, removes: bool = False) -> int:
    """Return the number of targets, of all or of those that remove elements."""
    query = select(func.count()).select_from(table).where(_of(rollout))
    return int(tx.conn.execute(query.where(table.c.removes) if removes else query).scalar_one())


def leave_out_removing(tx: Tx, rollout: RolloutRow) -> int:
    """Drop the targets that remove elements, before they are in waves.

    Return how many of them were in the pool. The positions of the others in the pool close up.
    """
    gone = and_(_of(rollout), table.c.removes)
    pooled = select(func.count()).select_from(table).where(gone, table.c.wave == -1)
    number = int(tx.conn.execute(pooled).scalar_one())
    tx.conn.execute(delete(table).where(gone))
    place = func.row_number().over(order_by=table.c.position) - 1
    ranked = select(table.c.account, table.c.region, place.label("place")).where(_of(rollout), table.c.wave == -1)
    order = ranked.subquery("ranked")
    same = and_(_of(rollout), table.c.account == order.c.account, table.c.region == order.c.region)
    tx.conn.execute(update(table).where(same).values(position=order.c.place))
    return number


def recently_removed(tx: Tx, set_id: str, seconds: float) -> int:
    """Return in how many targets growth has removed elements lately.

    Only rollouts since somebody last wrote the set count.
    """
    written = select(func.coalesce(func.max(rollouts.c.number), 0)).where(
        rollouts.c.set_id == set_id, rollouts.c.cause != Cause.GROWTH
    )
    grown = select(rollouts.c.number).where(
        rollouts.c.set_id == set_id,
        rollouts.c.cause == Cause.GROWTH,
        rollouts.c.create_time > tx.now() - int(seconds * MICROSECONDS),
        rollouts.c.number > written.scalar_subquery(),
    )
    removed = and_(table.c.set_id == set_id, table.c.number.in_(grown), table.c.removes, table.c.changed)
    return int(tx.conn.execute(select(func.count()).select_from(table).where(removed)).scalar_one())


def counts(tx: Tx, rollout: RolloutRow, *, undo: bool = False) -> list[dict[str, int]]:
    """Return how many targets of each wave are in each state.

    With `undo`, count those that go back.
    """
    query = select(table.c.wave, table.c.state, func.count()).where(_of(rollout))
    if undo:
        query = query.where(table.c.undo)
    found: list[dict[str, int]] = [{} for _ in range(len(rollout.waves) + 1)]
    for wave, state, number in tx.conn.execute(query.group_by(table.c.wave, table.c.state)):
        found[wave][state] = number
    return found


def page(tx: Tx, rollout: RolloutRow, after: tuple[str, str], limit: int, state: str | None = None) -> list[TargetRow]:
    """Return up to `limit` targets behind `after`, by account and Region.

    They are of one state or of all.
    """
    query = select(table).where(_of(rollout), tuple_(table.c.account, table.c.region) > after)
    if state is not None:
        query = query.where(table.c.state == state)
    ordered = query.order_by(table.c.account, table.c.region).limit(limit)
    return [TargetRow.of(row) for row in tx.conn.execute(ordered)]


def named(tx: Tx, rollout: RolloutRow, names: Collection[RegistryName]) -> dict[RegistryName, TargetRow]:
    """The targets of these registries that the rollout has."""
    places = [(name.account, name.region) for name in names]
    query = select(table).where(_of(rollout), tuple_(table.c.account, table.c.region).in_(places))
    rows = [TargetRow.of(row) for row in tx.conn.execute(query)] if places else []
    return {row.registry: row for row in rows}


def latest(tx: Tx, set_id: str, names: Collection[RegistryName]) -> dict[RegistryName, TargetRow]:
    """Return the newest target of each of these registries in a set.

    It is that of the newest rollout that had the registry.
    """
    places = [(name.account, name.region) for name in names]
    query = select(table).where(table.c.set_id == set_id, tuple_(table.c.account, table.c.region).in_(places))
    found: dict[RegistryName, TargetRow] = {}
    for row in tx.conn.execute(query.order_by(table.c.number)) if places else ():
        target = TargetRow.of(row)
        found[target.registry] = target
    return found
