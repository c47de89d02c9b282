"""The work queue: renew, finish and release claimed rows of `schedule`.

A lease gives a row to the worker whose token it carries, until `lease_until` by the
database's clock. Every later statement of that worker names the token, so a worker
that was suspended for longer than its lease cannot change anything.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, and_, select, true, update

from ecrkeeper_server.store.clock import MICROSECONDS
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.rows import Resource
from ecrkeeper_server.store.states import RegistryState
from ecrkeeper_server.store.tables import RESOURCE_COLUMNS, declarations, resource, resources, schedule


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of an attempt; `next_in` is in seconds, None for never."""

    state: dict[str, Any]
    observed_generation: int
    next_in: float | None
    failures: int
    # The time at which AWS was observed, in microseconds, or None.
    observed_at: int | None
    # The row's state differs from the claimed one, even if the outcome's does not.
    saved: bool = False
    # Somebody still waits for the resource.
    urgent: bool = False
    # The reason why the resource is not Ready; None if it is.
    unready: str | None = None
    # The reason of `Ready`, in the form of the column.
    reason: str | None = None
    # The number of consecutive attempts with the error in the state, including this one.
    attempts: int = 0
    # When the attempt began, in microseconds: an event that made the row due later may have been missed.
    began_at: int = 0

    def changes(self, claimed: Resource) -> bool:
        """Whether the row differs from the claimed one, except for times."""
        return (
            self.saved
            or self.observed_generation != claimed.observed_generation
            or self.unready != claimed.unready
            or self.reason != claimed.reason
            or self.state != claimed.state
        )


def postpone(tx: Tx, first: Resource, seconds: float) -> None:
    """Postpone the other free rows of an account, which would meet the same error."""
    later = tx.now() + int(seconds * MICROSECONDS)
    # By name: an index of `schedule` on the account would be another one for each attempt to write.
    of_account = select(resources.c.name).where(resources.c.account == first.account, resources.c.name != first.name)
    tx.conn.execute(
        update(schedule)
        .where(schedule.c.name.in_(of_account), schedule.c.lease_until.is_(None), schedule.c.due_at < later)
        .values(due_at=later)
    )


def renew(tx: Tx, names: list[str], token: str, lease: float) -> set[str]:
    """Renew leases for `lease` seconds from now; return the names still held."""
    rows = tx.conn.execute(
        update(schedule)
        .where(schedule.c.name.in_(names), schedule.c.lease_token == token, schedule.c.lease_until >= tx.now())
        .values(lease_until=tx.now() + int(lease * MICROSECONDS))
        .returning(schedule.c.name)
    )
    return {row.name for row in rows}


def _leased(claimed: Resource) -> ColumnElement[bool]:
    """Return the row if it still carries the token of this claim."""
    return and_(schedule.c.name == claimed.name, schedule.c.lease_token == claimed.lease_token)


def lease_remaining(tx: Tx, claimed: Resource) -> float:
    """Return the remaining seconds of the lease; 0 if it is lost."""
    return held(tx, claimed)[0]


def held(tx: Tx, claimed: Resource) -> tuple[float, dict[str, Any]]:
    """Return the remaining seconds of the lease, and the row's current spec."""
    query = select(schedule.c.lease_until - tx.now(), resources.c.spec).select_from(resource).where(_leased(claimed))
    row = tx.conn.execute(query).one_or_none()
    return (0.0, {}) if row is None or row[0] is None else (max(0.0, row[0] / MICROSECONDS), row[1])


def hold(tx: Tx, claimed: Resource, state: dict[str, Any]) -> bool:
    """Save an attempt's data before it acts; return whether the lease still holds.

    The row of `schedule` stays locked until the transaction ends, so that the next claim
    sees the state.
    """
    query = select(schedule.c.name).where(_leased(claimed), schedule.c.lease_until >= tx.now())
    if tx.conn.execute(query.with_for_update()).first() is None:
        return False
    tx.conn.execute(update(resources).where(resources.c.name == claimed.name).values(state=state))
    return True


def finish(tx: Tx, claimed: Resource, outcome: Outcome) -> Resource | None:
    """Save an attempt's outcome and release the row; None if the lease is lost.

    A request during the attempt makes the row due again at once. Only columns that
    differ are written.
    """
    query = select(*RESOURCE_COLUMNS, tx.now().label("now")).select_from(resource).where(_leased(claimed))
    found = tx.conn.execute(query.with_for_update()).one_or_none()
    if found is None:
        return None
    columns = found._asdict()
    now = columns.pop("now")
    current = Resource(**columns)
    finished = _finished(current, claimed, outcome, now)
    for table in (schedule, resources):
        changed = {
            column.name: getattr(finished, column.name)
            for column in table.c
            if getattr(finished, column.name) != getattr(current, column.name)
        }
        if changed:
            tx.conn.execute(update(table).where(table.c.name == claimed.name).values(changed))
    if outcome.state != claimed.state or outcome.observed_generation != claimed.observed_generation:
        tx.changes(claimed.name)
    return finished


def _finished(current: Resource, claimed: Resource, outcome: Outcome, now: int) -> Resource:
    """Return the row after the attempt; `current` may have changed since the claim."""
    requested = current.requested != claimed.requested
    later = None if outcome.next_in is None else now + int(outcome.next_in * MICROSECONDS)
    event = current.event_due_at
    awaits_event = later is not None and event is not None and outcome.began_at < event < later
    if awaits_event:
        later = event
    return replace(
        current,
        state=outcome.state if outcome.saved or outcome.state != claimed.state else current.state,
        observed_generation=outcome.observed_generation,
        observe_time=current.observe_time if outcome.observed_at is None else outcome.observed_at,
        due_at=now if requested else later,
        urgent=requested or awaits_event or outcome.urgent,
        failures=0 if current.generation != claimed.generation else outcome.failures,
        lease_token=None,
        lease_until=None,
        unready=outcome.unready,
        reason=outcome.reason,
        **_counted(outcome.state),
        attempts=outcome.attempts,
        failed_at=now if outcome.attempts else None,
        # An attempt that nobody requested belongs to no call.
        trace=current.trace if requested else None,
    )


def _counted(state: dict[str, Any]) -> dict[str, Any]:
    """Return the columns by which resources are counted; each has a partial index."""
    found = RegistryState(state)
    return {"drifted": found.drifted, "replication": found.worst_check, "silent": found.silent}


def mark_declarations(tx: Tx, claimed: Resource, owners: Collection[str] | None = None) -> None:
    """Record that some or all declarations of the claimed generation converged."""
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
    """Release rows that this token still holds."""
    # By name, too: no index contains the token.
    held = and_(schedule.c.name.in_(names), schedule.c.lease_token == token)
    tx.conn.execute(update(schedule).where(held).values(lease_token=None, lease_until=None))
