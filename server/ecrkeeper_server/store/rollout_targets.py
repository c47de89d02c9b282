"""Queries on the targets of rollouts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Text,
    and_,
    case,
    delete,
    func,
    literal,
    select,
    tuple_,
    type_coerce,
    update,
)

from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.store.clock import MICROSECONDS
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.dialect import Dialect
from ecrkeeper_server.store.fleet_tables import rollout_accounts, rollouts
from ecrkeeper_server.store.fleet_tables import rollout_targets as table
from ecrkeeper_server.store.json_columns import TextBytes, json_rows, reading_each
from ecrkeeper_server.store.rollout_rows import Cause, RolloutRow, TargetRow, TargetState
from ecrkeeper_server.store.tables import declarations, revisions
from ecrkeeper_server.store.work import KEY, columns_of
from ecrkeeper_server.turns import STEP, Steps

_NAMES = tuple(table.c.keys())
_PLACE = (table.c.account, table.c.region)
_place = tuple_(*_PLACE)
_KEY = ("set_id", "number", "account", "region")


def _of(rollout: RolloutRow) -> ColumnElement[bool]:
    return and_(table.c.set_id == rollout.set_id, table.c.number == rollout.number)


def add(tx: Tx, rows: Sequence[TargetRow]) -> None:
    """Add targets."""
    tx.insert_rows(table, [columns_of(row) for row in rows])


def put_in_waves(tx: Tx, rollout: RolloutRow, ranges: Sequence[tuple[int, int, int]]) -> None:
    """Put the targets of the pool into waves.

    `(wave, first, end)` are positions. The remaining targets go into the last wave.
    """
    in_pool = and_(_of(rollout), table.c.wave == -1)
    whens = [(and_(table.c.position >= first, table.c.position < end), wave) for wave, first, end in ranges]
    last = len(rollout.waves) - 1
    wave = case(*whens, else_=last) if whens else literal(last)
    tx.conn.execute(update(table).where(in_pool).values(wave=wave))


def analyze(tx: Tx) -> None:
    """Update the planner's statistics for the new targets.

    A database that takes the table for small would read and sort all targets of a rollout in each step.
    """
    for each in (table, rollout_accounts):
        statement = tx.dialect.statistics(each)
        if statement is not None:
            tx.conn.execute(statement)


def pending(tx: Tx, rollout: RolloutRow, wave: int, limit: int, *, undo: bool) -> list[TargetRow]:
    """The next targets of a wave that may begin, in their order."""
    query = select(table).where(
        _of(rollout), table.c.wave == wave, table.c.state == TargetState.PENDING, table.c.since <= tx.now()
    )
    if undo:
        query = query.where(table.c.undo)
    return [TargetRow.of(row) for row in tx.conn.execute(query.order_by(table.c.position).limit(limit))]


def sizes(tx: Tx, targets: Sequence[TargetRow]) -> dict[RegistryName, int]:
    """The bytes of JSON that writing each of these targets reads.

    They are all declarations for its registry, and the revision that it goes back to.
    """
    values = json_rows(
        {"account": row.account, "region": row.region, "owner": row.set_id, "revision": row.before_revision * row.undo}
        for row in targets
    )
    rows = tx.conn.execute(_sizes(tx.dialect), values) if targets else ()
    return {RegistryName(account, region): int(size) for account, region, size in rows}


@lru_cache(maxsize=4)
def _sizes(dialect: Dialect) -> Select[Any]:
    given = dialect.json_table({**dict.fromkeys(KEY, Text()), "revision": BigInteger()})
    parts = []
    for stored, columns in ((declarations, ("account", "region")), (revisions, (*KEY, "revision"))):
        size = func.coalesce(func.sum(TextBytes(type_coerce(stored.c.settings, Text))), 0)
        parts.append(select(size).where(*(stored.c[name] == given.c[name] for name in columns)).scalar_subquery())
    return select(given.c.account, given.c.region, parts[0] + parts[1])


def save(tx: Tx, rows: Sequence[TargetRow]) -> None:
    """Store changed targets."""
    tx.update_rows(table, _KEY, [columns_of(row) for row in rows])


def move(tx: Tx, rollout: RolloutRow, states: Collection[str], **values: Any) -> int:
    """Change all targets of a rollout in some states; return their number."""
    return _moved(tx, and_(_of(rollout), table.c.state.in_(states)), values)


def move_wave(tx: Tx, rollout: RolloutRow, wave: int, states: Collection[str], **values: Any) -> int:
    """Change all targets of a wave in some states; return their number."""
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


def exclude_removing(tx: Tx, rollout: RolloutRow) -> int:
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
    """Return the number of targets in which growth has removed elements.

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
    by_wave: list[dict[str, int]] = [{} for _ in range(len(rollout.waves) + 1)]
    for wave, state, number in tx.conn.execute(query.group_by(table.c.wave, table.c.state)):
        by_wave[wave][state] = number
    return by_wave


def reading_page(
    tx: Tx, rollout: RolloutRow, after: tuple[str, str], limit: int, state: str | None = None
) -> Steps[list[TargetRow]]:
    """Return up to `limit` targets behind `after`, by account and Region, in steps.

    They are of one state or of all. There may be few of a state: on SQLite, a step looks at `STEP` targets of any.
    """
    found: list[TargetRow] = []
    whole = state is None or tx.dialect.concurrent_writers
    while True:
        end = None if whole else tx.conn.execute(_end(rollout, after)).one_or_none()
        query = select(table).where(_of(rollout), _place > after)
        if state is not None:
            query = query.where(table.c.state == state)
        if end is not None:
            query = query.where(_place <= tuple(end))
        query = query.order_by(*_PLACE).limit(limit - len(found))
        (rows,) = tx.ask(tx.conn, [(query, {})])
        found += yield from reading_each(rows, _target, lambda _: 0)
        if end is None or len(found) >= limit:
            return found
        after = (end[0], end[1])
        yield


def _target(row: Sequence[Any]) -> TargetRow:
    return TargetRow(**dict(zip(_NAMES, row, strict=True)))


def _end(rollout: RolloutRow, after: tuple[str, str]) -> Select[Any]:
    """Return the query of the last place that a step looks at; an index has it."""
    query = select(*_PLACE).where(_of(rollout), _place > after)
    return query.order_by(*_PLACE).limit(1).offset(STEP - 1)


def named(tx: Tx, rollout: RolloutRow, names: Collection[RegistryName]) -> dict[RegistryName, TargetRow]:
    """The targets of these registries that the rollout has."""
    rows = _at(tx, names, _of(rollout))
    return {row.registry: row for row in rows}


def latest(tx: Tx, set_id: str, names: Collection[RegistryName]) -> dict[RegistryName, TargetRow]:
    """Return the newest target of each of these registries in a set.

    It is that of the newest rollout that had the registry.
    """
    rows = _at(tx, names, table.c.set_id == set_id)
    return {row.registry: row for row in sorted(rows, key=lambda row: row.number)}


def _at(tx: Tx, names: Collection[RegistryName], which: ColumnElement[bool]) -> list[TargetRow]:
    # An outer join: SQLite would read all targets of the set for an inner one, or for a condition on pairs of columns.
    places = tx.dialect.json_table({"account": Text(), "region": Text()})
    of_place = and_(which, table.c.account == places.c.account, table.c.region == places.c.region)
    query = select(table).select_from(places.outerjoin(table, of_place))
    values = json_rows({"account": name.account, "region": name.region} for name in names)
    rows = tx.conn.execute(query, values) if names else ()
    return [TargetRow.of(row) for row in rows if row.set_id is not None]
