"""Claim due rows, and find the time when the next one is due."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from msgspec import Struct, field
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    Text,
    Update,
    and_,
    bindparam,
    case,
    func,
    literal,
    or_,
    select,
    true,
    union_all,
    update,
)

from ecrkeeper_server.store.clock import MICROSECONDS
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.dialect import Dialect
from ecrkeeper_server.store.json_columns import json_rows
from ecrkeeper_server.store.rows import Resource
from ecrkeeper_server.store.tables import resources, schedule


class Capacity(Struct, frozen=True):
    """The limits of a claim: `slots` in all, `share` of one account with `busy`."""

    slots: int
    share: int = 1_000_000
    busy: Mapping[str, int] = field(default_factory=dict)


NO_CAPACITY = Capacity(0)

# Candidates for each slot: those of an account beyond its share are dropped.
_CANDIDATES_PER_SLOT = 4


def claim(
    tx: Tx, *, lease: float, backlog: Capacity, urgent: Capacity = NO_CAPACITY, total: int | None = None
) -> list[Resource]:
    """Claim due rows for `lease` seconds: the priority lane, then those due longest.

    The priority lane has its own capacity, so that it does not wait for older rows.
    The rest goes to the backlog lane, so that nothing waits forever. `total` limits
    both together.
    """
    values = {**_values("urgent", urgent), **_values("backlog", backlog)}
    values["total"] = backlog.slots + urgent.slots if total is None else total
    values |= {"token": uuid.uuid4().hex, "lease": int(lease * MICROSECONDS)}
    held = {row.name: row._asdict() for row in tx.conn.execute(_claim(tx.dialect, urgent=urgent.slots > 0), values)}
    if not held:
        return []
    # Read after the lock: every write of a resource locks its row of `schedule`.
    rest = tx.conn.execute(_resources(tx.dialect), json_rows({"name": name} for name in held))
    claimed = (Resource(**row._asdict(), **_timing(held[row.name])) for row in rest)
    return sorted(claimed, key=lambda row: row.due_at or 0)


def _timing(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in ("name", "account")}


@lru_cache(maxsize=4)
def _resources(dialect: Dialect) -> Select[Any]:
    names = dialect.json_table({"name": Text()})
    return select(resources).join_from(names, resources, resources.c.name == names.c.name)


# Building the statement takes longer than running it.
@lru_cache(maxsize=64)
def _claim(dialect: Dialect, *, urgent: bool) -> Update:
    slots = {kind: bindparam(f"{kind}_slots", type_=Integer) for kind in ("urgent", "backlog")}
    first = _candidates(dialect, "urgent", schedule.c.urgent, slots["urgent"]).cte("urgent_rows")
    others = schedule.c.name.not_in(select(first.c.name)) if urgent else true()
    taken = select(func.count()).select_from(first).scalar_subquery() if urgent else literal(0, Integer)
    remaining = bindparam("total", type_=Integer) - taken
    rest = case((remaining < slots["backlog"], remaining), else_=slots["backlog"])
    second = _candidates(dialect, "backlog", others, rest).cte("backlog_rows")
    names = union_all(select(first.c.name), select(second.c.name)) if urgent else select(second.c.name)
    chosen = dialect.one_of(schedule.c.name, names)
    until = dialect.now() + bindparam("lease", type_=BigInteger)
    return update(schedule).where(chosen).values(lease_token=bindparam("token"), lease_until=until).returning(schedule)


def _candidates(
    dialect: Dialect, kind: str, which: ColumnElement[bool], slots: ColumnElement[int]
) -> Select[tuple[str]]:
    """Return the names of rows to claim, within their accounts' shares."""
    now = dialect.now()
    free = and_(schedule.c.due_at <= now, or_(schedule.c.lease_until.is_(None), schedule.c.lease_until < now))
    share = bindparam(f"{kind}_share", type_=Integer)
    taken = _taken(dialect, kind, schedule.c.account)
    candidates = (
        select(schedule.c.name, schedule.c.account, schedule.c.due_at)
        .where(free, which, taken < share)
        .order_by(schedule.c.due_at)
        .limit(bindparam(f"{kind}_candidates", type_=Integer))
        .subquery()
    )
    nth = func.row_number().over(partition_by=candidates.c.account, order_by=candidates.c.due_at)
    ranked = select(candidates.c.name, (nth + _taken(dialect, kind, candidates.c.account)).label("held")).subquery()
    return (
        select(schedule.c.name)
        .where(free, dialect.one_of(schedule.c.name, select(ranked.c.name).where(ranked.c.held <= share)))
        .order_by(schedule.c.due_at)
        .limit(slots)
        .with_for_update(skip_locked=True, of=schedule)
    )


def _taken(dialect: Dialect, kind: str, account: ColumnElement[str]) -> ColumnElement[int]:
    """Return the number of slots that the account of a row has."""
    return func.coalesce(dialect.json_integer(f"{kind}_busy", account), 0)


def _values(kind: str, capacity: Capacity) -> dict[str, Any]:
    return {
        f"{kind}_slots": capacity.slots,
        f"{kind}_share": capacity.share,
        f"{kind}_busy": dict(capacity.busy),
        f"{kind}_candidates": capacity.slots * _CANDIDATES_PER_SLOT,
    }


def next_due(tx: Tx, *, backlog: Capacity, urgent: Capacity = NO_CAPACITY) -> float | None:
    """Return the seconds until a row with capacity is due or unleased, or None."""
    soonest: float | None = None
    for kind, capacity in (("backlog", backlog), ("urgent", urgent)):
        for query in _next_due(tx.dialect, kind) if capacity.slots else ():
            micros = tx.conn.execute(query, _values(kind, capacity)).scalar_one()
            if micros is not None and (soonest is None or micros < soonest):
                soonest = micros
            if soonest is not None and soonest <= 0:
                # The rest may have to read all due rows.
                return 0.0
    return None if soonest is None else soonest / MICROSECONDS


@lru_cache(maxsize=64)
def _next_due(dialect: Dialect, kind: str) -> tuple[Select[Any], ...]:
    which = schedule.c.urgent if kind == "urgent" else true()
    fits = _taken(dialect, kind, schedule.c.account) < bindparam(f"{kind}_share", type_=Integer)
    free = (
        select(schedule.c.due_at)
        .where(which, schedule.c.due_at > 0, schedule.c.lease_until.is_(None), fits)
        .order_by(schedule.c.due_at)
        .limit(1)
    )
    # Leased rows are due as well, and come first in that order.
    leased = select(func.min(schedule.c.lease_until)).where(which, schedule.c.due_at <= dialect.now())
    return tuple(select(query.scalar_subquery() - dialect.now()) for query in (free, leased))
