"""The work queue: renew, finish and release rows of `resources` that were claimed (`claims.claim`).

A row belongs to the worker whose token it carries until `lease_until`, by the
database's clock. Every later statement of that worker names the token, so a
worker that was stopped for longer than its lease can change nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    and_,
    case,
    literal,
    or_,
    select,
    true,
    update,
)

from ecrkeeper_server.store.clock import MICROSECONDS
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.rows import Resource
from ecrkeeper_server.store.states import State
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
        "drifted": State(outcome.state).drifted,
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
