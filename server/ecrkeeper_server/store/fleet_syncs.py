"""Synchronizations of the accounts with a source, each by one replica at a time."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, case, or_, select, update

from ecrkeeper_server.store.clock import MICROSECONDS
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.fleet_tables import fleet_syncs as table

ORGANIZATION = "ORGANIZATION"
"""The source of the accounts of AWS Organizations."""
# Several events of one change cause one synchronization. Never a whole millisecond, so that it is never the end of a
# lease.
_GATHER_MICROSECONDS = 5 * MICROSECONDS - 1


def claim(tx: Tx, source: str, lease: float) -> int | None:
    """Return a lease if a synchronization is due and free; None otherwise.

    The lease ends after `lease` seconds, unless it is renewed. The synchronization is due again at that time, for the
    case that the replica is killed.
    """
    now = tx.now()
    tx.conn.execute(tx.dialect.insert_or_ignore(table).values(source=source, due_at=0))
    free = or_(table.c.lease_until.is_(None), table.c.lease_until <= now)
    until = now + int(lease * MICROSECONDS)
    claimed = update(table).where(table.c.source == source, table.c.due_at <= now, free)
    values = claimed.values(due_at=until, lease_until=until)
    return tx.conn.execute(values.returning(table.c.lease_until)).scalar_one_or_none()


def renew(tx: Tx, source: str, held: int, lease: float) -> int | None:
    """Return a longer lease; None if another replica has the synchronization."""
    until = tx.now() + int(lease * MICROSECONDS)
    renewed = update(table).where(_held(source, held)).values(due_at=_unless_requested(until), lease_until=until)
    return tx.conn.execute(renewed.returning(table.c.lease_until)).scalar_one_or_none()


def finish(tx: Tx, source: str, held: int, seconds: float) -> None:
    """End a lease.

    The next synchronization is due in so many seconds, or as requested meanwhile.
    """
    later = tx.now() + int(seconds * MICROSECONDS)
    ended = update(table).where(_held(source, held)).values(due_at=_unless_requested(later), lease_until=None)
    tx.conn.execute(ended)


def request(tx: Tx, source: str) -> None:
    """Let the next synchronization begin soon, or after the one under way."""
    soon = tx.now() + _GATHER_MICROSECONDS
    later = or_(table.c.due_at > soon, table.c.due_at == table.c.lease_until)
    tx.conn.execute(update(table).where(table.c.source == source, later).values(due_at=soon))


def is_due(tx: Tx, source: str) -> bool:
    """Return whether a synchronization may be due; claiming would write."""
    query = select(table.c.source).where(table.c.source == source, table.c.due_at > tx.now())
    return tx.conn.execute(query).first() is None


def _held(source: str, held: int) -> ColumnElement[bool]:
    return and_(table.c.source == source, table.c.lease_until == held)


def _unless_requested(due_at: ColumnElement[int]) -> ColumnElement[int]:
    """Return the time at which a synchronization is due.

    The end of the lease as the time says that nobody has requested one.
    """
    return case((table.c.due_at == table.c.lease_until, due_at), else_=table.c.due_at)
