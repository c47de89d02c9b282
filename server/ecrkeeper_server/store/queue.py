"""The work queue: claim, renew, finish and release rows of `resources`.

A row belongs to the worker whose token it carries until `lease_until`, by the
database's clock. Every later statement of that worker names the token, so a
worker that was stopped for longer than its lease can change nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Select,
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
from ecrkeeper_server.store.rows import Resource
from ecrkeeper_server.store.tables import declarations, resources


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a step leaves behind. `next_in` is in seconds, None for never."""

    state: dict[str, Any]
    observed_generation: int
    next_in: float | None
    failures: int
    # When AWS was looked at, in microseconds; None if it was not.
    observed_at: int | None
    # The row's state is not the claimed one any more, even if the outcome's is.
    saved: bool = False
    # Somebody still waits for the row.
    urgent: bool = False
    # Why the resource is not Ready; None if it is.
    unready: str | None = None
    # The reason of `Ready`, as the column has it.
    reason: str | None = None
    # How many attempts in a row, this one included, ended with the error in the state.
    attempts: int = 0

    def changes(self, claimed: Resource) -> bool:
        """Whether the row is another than the claimed one, times aside."""
        return (
            self.saved
            or self.observed_generation != claimed.observed_generation
            or self.unready != claimed.unready
            or self.reason != claimed.reason
            or self.state != claimed.state
        )


@dataclass(frozen=True, slots=True)
class Capacity:
    """What a claim may take: `slots` rows, and no more than `share` of one account, which has `busy` already."""

    slots: int
    share: int = 1_000_000
    busy: Mapping[str, int] = field(default_factory=dict)


NO_CAPACITY = Capacity(0)
# So many candidates are looked at for each slot: those of an account beyond its share fall away.
_LOOK_AHEAD = 4


def claim(tx: Tx, *, lease: float, backlog: Capacity, urgent: Capacity = NO_CAPACITY) -> list[Resource]:
    """Due rows that no worker holds, now held for `lease` seconds: urgent ones, and those that have been due longest.

    Urgent rows have capacity of their own, so that they do not wait behind what
    was due before them; the rest goes of the backlog, so that nothing waits for ever.
    """
    values = {**_values("urgent", urgent), **_values("backlog", backlog)}
    values |= {"token": uuid.uuid4().hex, "lease": int(lease * MICROSECONDS)}
    rows = tx.conn.execute(_claim(tx.dialect, urgent=urgent.slots > 0), values)
    return sorted((Resource.of(row) for row in rows), key=lambda row: row.due_at or 0)


# Putting the statement together takes longer than running it.
@lru_cache(maxsize=64)
def _claim(dialect: Dialect, *, urgent: bool) -> Update:
    first = _candidates(dialect, "urgent", resources.c.urgent).cte("urgent_rows")
    others = resources.c.name.not_in(select(first.c.name)) if urgent else true()
    second = _candidates(dialect, "backlog", others).cte("backlog_rows")
    names = union_all(select(first.c.name), select(second.c.name)) if urgent else select(second.c.name)
    chosen = dialect.one_of(resources.c.name, names)
    until = dialect.now() + bindparam("lease", type_=BigInteger)
    return (
        update(resources).where(chosen).values(lease_token=bindparam("token"), lease_until=until).returning(resources)
    )


def _candidates(dialect: Dialect, kind: str, which: ColumnElement[bool]) -> Select[tuple[str]]:
    """The names of rows to claim, none of them beyond its account's share."""
    now = dialect.now()
    free = and_(resources.c.due_at <= now, or_(resources.c.lease_until.is_(None), resources.c.lease_until < now))
    share, slots = (bindparam(f"{kind}_{name}", type_=Integer) for name in ("share", "slots"))
    taken = _taken(dialect, kind)
    found = (
        select(resources.c.name, resources.c.account, resources.c.due_at)
        .where(free, which, taken < share)
        .order_by(resources.c.due_at)
        .limit(bindparam(f"{kind}_candidates", type_=Integer))
        .subquery()
    )
    nth = func.row_number().over(partition_by=found.c.account, order_by=found.c.due_at).label("nth")
    ranked = select(found.c.name, found.c.due_at, nth).subquery()
    return (
        select(resources.c.name)
        .join(ranked, ranked.c.name == resources.c.name)
        .where(free, ranked.c.nth + taken <= share)
        .order_by(ranked.c.due_at)
        .limit(slots)
        .with_for_update(skip_locked=True, of=resources)
    )


def _taken(dialect: Dialect, kind: str) -> ColumnElement[int]:
    """How many slots the account of a row has already."""
    return func.coalesce(dialect.json_integer(f"{kind}_busy", resources.c.account), 0)


def _values(kind: str, capacity: Capacity) -> dict[str, Any]:
    return {
        f"{kind}_slots": capacity.slots,
        f"{kind}_share": capacity.share,
        f"{kind}_busy": dict(capacity.busy),
        f"{kind}_candidates": capacity.slots * _LOOK_AHEAD,
    }


def next_due(tx: Tx, *, backlog: Capacity, urgent: Capacity = NO_CAPACITY) -> float | None:
    """Seconds until a row that fits into the capacity is due or a lease runs out; None if nothing is in sight."""
    soonest: float | None = None
    for kind, capacity in (("backlog", backlog), ("urgent", urgent)):
        for query in _next_due(tx.dialect, kind) if capacity.slots else ():
            micros = tx.conn.execute(query, _values(kind, capacity)).scalar_one()
            if micros is not None and (soonest is None or micros < soonest):
                soonest = micros
            if soonest is not None and soonest <= 0:
                # What follows may have to read everything that is due.
                return 0.0
    return None if soonest is None else soonest / MICROSECONDS


@lru_cache(maxsize=64)
def _next_due(dialect: Dialect, kind: str) -> tuple[Select[Any], ...]:
    which = resources.c.urgent if kind == "urgent" else true()
    fits = _taken(dialect, kind) < bindparam(f"{kind}_share", type_=Integer)
    free = (
        select(resources.c.due_at)
        .where(which, resources.c.due_at > 0, resources.c.lease_until.is_(None), fits)
        .order_by(resources.c.due_at)
        .limit(1)
    )
    # Held rows are due as well, and come first in that order.
    held = select(func.min(resources.c.lease_until)).where(which, resources.c.due_at <= dialect.now())
    return tuple(select(query.scalar_subquery() - dialect.now()) for query in (free, held))


def postpone(tx: Tx, first: Resource, seconds: float) -> None:
    """Let the other free rows of a row's account wait for at least so many seconds: all would meet the same fault."""
    later = tx.now() + int(seconds * MICROSECONDS)
    tx.conn.execute(
        update(resources)
        .where(
            resources.c.account == first.account,
            resources.c.name != first.name,
            resources.c.lease_until.is_(None),
            resources.c.due_at < later,
        )
        .values(due_at=later)
    )


def renew(tx: Tx, names: list[str], token: str, lease: float) -> set[str]:
    """Hold rows for `lease` seconds from now; the names that are still held by this token."""
    rows = tx.conn.execute(
        update(resources)
        .where(resources.c.name.in_(names), resources.c.lease_token == token, resources.c.lease_until >= tx.now())
        .values(lease_until=tx.now() + int(lease * MICROSECONDS))
        .returning(resources.c.name)
    )
    return {row.name for row in rows}


def _mine(claimed: Resource) -> ColumnElement[bool]:
    """The row, for as long as it carries the token of this claim."""
    return and_(resources.c.name == claimed.name, resources.c.lease_token == claimed.lease_token)


def lease_left(tx: Tx, claimed: Resource) -> float:
    """For how many more seconds the row is held; 0 if it is not, or by somebody else."""
    return held(tx, claimed)[0]


def held(tx: Tx, claimed: Resource) -> tuple[float, dict[str, Any]]:
    """For how many more seconds the row is held, as above, and its current spec."""
    query = select(resources.c.lease_until - tx.now(), resources.c.spec).where(_mine(claimed))
    row = tx.conn.execute(query).one_or_none()
    return (0.0, {}) if row is None or row[0] is None else (max(0.0, row[0] / MICROSECONDS), row[1])


def hold(tx: Tx, claimed: Resource, state: dict[str, Any]) -> bool:
    """Save what a step wants remembered before it acts, if the row is still held; whether it is."""
    change = update(resources).where(_mine(claimed), resources.c.lease_until >= tx.now()).values(state=state)
    return tx.conn.execute(change.returning(resources.c.name)).first() is not None


def finish(tx: Tx, claimed: Resource, outcome: Outcome) -> Resource | None:
    """End a step: save its outcome and let the row go; None if the row is no longer held.

    Whatever was requested while the step ran makes the row due again at once.
    """
    now = tx.now()
    later = None if outcome.next_in is None else now + int(outcome.next_in * MICROSECONDS)
    values: dict[str, Any] = {
        "observed_generation": outcome.observed_generation,
        "due_at": case((resources.c.requested != claimed.requested, now), else_=later),
        "urgent": or_(resources.c.requested != claimed.requested, literal(outcome.urgent)),
        "failures": case((resources.c.generation != claimed.generation, 0), else_=outcome.failures),
        "lease_token": None,
        "lease_until": None,
        "unready": outcome.unready,
        "reason": outcome.reason,
        "drifted": bool(outcome.state.get("drift")),
        "attempts": outcome.attempts,
        "failed_at": now if outcome.attempts else None,
        # The next step of a row that nobody asked for belongs to no call.
        "trace": case((resources.c.requested != claimed.requested, resources.c.trace), else_=None),
    }
    if outcome.observed_at is not None:
        values["observe_time"] = outcome.observed_at
    if outcome.saved or outcome.state != claimed.state:
        values["state"] = outcome.state
    change = update(resources).where(_mine(claimed)).values(**values).returning(resources)
    row = tx.conn.execute(change).one_or_none()
    if row is None:
        return None
    if outcome.state != claimed.state or outcome.observed_generation != claimed.observed_generation:
        tx.changes(claimed.name)
    return Resource.of(row)


def mark_declarations(tx: Tx, claimed: Resource, owners: Collection[str] | None = None) -> None:
    """Note that AWS has been brought to the declarations of the claimed generation, of these owners or of all."""
    if owners is not None and not owners:
        return
    tx.conn.execute(
        update(declarations)
        .where(
            declarations.c.account == claimed.account,
            declarations.c.region == claimed.place,
            declarations.c.registry_generation <= claimed.generation,
            declarations.c.observed_generation != declarations.c.generation,
            declarations.c.owner.in_(owners) if owners is not None else true(),
        )
        .values(observed_generation=declarations.c.generation)
    )


def release(tx: Tx, names: list[str], token: str) -> None:
    """Let go of rows that this token still holds, for others to take at once."""
    # By name, too: no index knows the token.
    held = and_(resources.c.name.in_(names), resources.c.lease_token == token)
    tx.conn.execute(update(resources).where(held).values(lease_token=None, lease_until=None))
