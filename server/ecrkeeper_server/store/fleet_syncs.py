"""Synchronizations of the accounts with a source, each by one replica at a time."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, or_, select, update

from ecrkeeper_server.store.clock import MICROSECONDS
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.fleet_tables import fleet_syncs as table

ORGANIZATION = "ORGANIZATION"
"""The source of the accounts of AWS Organizations."""
# Several events of one change cause one synchronization.
_GATHER_SECONDS = 5


def claim(tx: Tx, source: str, seconds: float, lease: float) -> int | None:
    """Return a lease if a synchronization is due and free; None otherwise.

    The next one is due in `seconds`. The lease ends after `lease` seconds, unless it is renewed.
    """
    now = tx.now()
    tx.conn.execute(tx.dialect.insert_or_ignore(table).values(source=source, due_at=0))
    free = or_(table.c.lease_until.is_(None), table.c.lease_until <= now)
    values = {"due_at": now + int(seconds * MICROSECONDS), "lease_until": now + int(lease * MICROSECONDS)}
    claimed = update(table).where(table.c.source == source, table.c.due_at <= now, free).values(**values)
    return tx.conn.execute(claimed.returning(table.c.lease_until)).scalar_one_or_none()


def renew(tx: Tx, source: str, held: int, lease: float) -> int | None:
    """Return a longer lease; None if another replica has the synchronization."""
    renewed = update(table).where(_held(source, held)).values(lease_until=tx.now() + int(lease * MICROSECONDS))
    return tx.conn.execute(renewed.returning(table.c.lease_until)).scalar_one_or_none()


def finish(tx: Tx, source: str, held: int) -> None:
    """End a lease."""
    tx.conn.execute(update(table).where(_held(source, held)).values(lease_until=None))


def request(tx: Tx, source: str) -> None:
    """Let the next synchronization begin soon, or after the one under way."""
    soon = tx.now() + _GATHER_SECONDS * MICROSECONDS
    tx.conn.execute(update(table).where(table.c.source == source, table.c.due_at > soon).values(due_at=soon))


def is_due(tx: Tx, source: str) -> bool:
    """Return whether a synchronization may be due; claiming would write."""
    query = select(table.c.source).where(table.c.source == source, table.c.due_at > tx.now())
    return tx.conn.execute(query).first() is None


def _held(source: str, held: int) -> ColumnElement[bool]:
    return and_(table.c.source == source, table.c.lease_until == held)
