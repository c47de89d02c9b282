"""The work queue: claim, renew, finish and release rows of `resources`.

A row belongs to the worker whose token it carries until `lease_until`, by the
database's clock. Every later statement of that worker names the token, so a
worker that was stopped for longer than its lease can change nothing.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, case, func, or_, select, update

from ecrkeeper_server.store.clock import MICROSECONDS
from ecrkeeper_server.store.database import Tx
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


def claim(tx: Tx, *, limit: int, lease: float, skip: frozenset[str] = frozenset()) -> list[Resource]:
    """Up to `limit` due rows that no worker holds, longest due first, now held for `lease` seconds.

    `skip` are accounts to leave alone for now.
    """
    now = tx.now()
    free = or_(resources.c.lease_until.is_(None), resources.c.lease_until < now)
    due = select(resources.c.name).where(resources.c.due_at <= now, free)
    if skip:
        due = due.where(resources.c.account.not_in(sorted(skip)))
    due = due.order_by(resources.c.due_at).limit(limit).with_for_update(skip_locked=True)
    token = uuid.uuid4().hex
    rows = tx.conn.execute(
        update(resources)
        .where(resources.c.name.in_(due.scalar_subquery()))
        .values(lease_token=token, lease_until=now + int(lease * MICROSECONDS))
        .returning(resources)
    )
    return [Resource.of(row) for row in rows]


def next_due(tx: Tx) -> float | None:
    """Seconds until the next row is due or a lease runs out; None if there is nothing to wait for."""
    now = tx.now()
    at = case((resources.c.lease_until.is_(None), resources.c.due_at), else_=_later(tx))
    micros = tx.conn.execute(select(func.min(at) - now).where(resources.c.due_at.is_not(None))).scalar_one()
    return None if micros is None else max(0.0, micros / MICROSECONDS)


def _later(tx: Tx) -> Any:
    greatest = func.max if tx.dialect == "sqlite" else func.greatest
    return greatest(resources.c.due_at, resources.c.lease_until)


def renew(tx: Tx, names: list[str], token: str, lease: float) -> set[str]:
    """Hold rows for `lease` seconds from now; the names that are still held by this token."""
    rows = tx.conn.execute(
        update(resources)
        .where(resources.c.name.in_(names), resources.c.lease_token == token, resources.c.lease_until >= tx.now())
        .values(lease_until=tx.now() + int(lease * MICROSECONDS))
        .returning(resources.c.name)
    )
    return {row.name for row in rows}


def hold(tx: Tx, claimed: Resource, state: dict[str, Any] | None = None) -> bool:
    """Whether the row is still held; if so, save what a step wants remembered before it acts."""
    held = and_(resources.c.name == claimed.name, resources.c.lease_token == claimed.lease_token)
    if state is None:
        query = select(resources.c.name).where(held, resources.c.lease_until >= tx.now())
        return tx.conn.execute(query).first() is not None
    change = update(resources).where(held, resources.c.lease_until >= tx.now()).values(state=state)
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
        "failures": case((resources.c.generation != claimed.generation, 0), else_=outcome.failures),
        "lease_token": None,
        "lease_until": None,
    }
    if outcome.observed_at is not None:
        values["observe_time"] = outcome.observed_at
    if outcome.saved or outcome.state != claimed.state:
        values["state"] = outcome.state
    row = tx.conn.execute(
        update(resources)
        .where(resources.c.name == claimed.name, resources.c.lease_token == claimed.lease_token)
        .values(**values)
        .returning(resources)
    ).one_or_none()
    if row is None:
        return None
    if outcome.state != claimed.state or outcome.observed_generation != claimed.observed_generation:
        tx.changes(claimed.name)
    return Resource.of(row)


def mark_declarations(tx: Tx, claimed: Resource) -> None:
    """Note that AWS has been brought to every declaration of the claimed generation."""
    tx.conn.execute(
        update(declarations)
        .where(
            declarations.c.account == claimed.account,
            declarations.c.region == claimed.place,
            declarations.c.registry_generation <= claimed.generation,
            declarations.c.observed_generation != declarations.c.generation,
        )
        .values(observed_generation=declarations.c.generation)
    )


def release(tx: Tx, token: str) -> None:
    """Let go of all rows of a token, for others to take at once."""
    tx.conn.execute(
        update(resources).where(resources.c.lease_token == token).values(lease_token=None, lease_until=None)
    )


def depth(tx: Tx) -> tuple[int, float]:
    """How many rows are due, and for how many seconds the first one has been."""
    now = tx.now()
    row = tx.conn.execute(
        select(func.count().label("due"), func.min(resources.c.due_at).label("first"), now.label("now")).where(
            resources.c.due_at <= now
        )
    ).one()
    return row.due, 0.0 if row.first is None else max(0.0, (row.now - row.first) / MICROSECONDS)
