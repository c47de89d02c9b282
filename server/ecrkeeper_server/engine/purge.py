"""Deletion of old rows of the store."""

from __future__ import annotations

from collections.abc import Callable

from ecrkeeper_server.store import attributions, audit, audit_stream, cloud_events, operations
from ecrkeeper_server.store.database import Database, Tx

PURGE_SECONDS = 3600.0
"""The pause between two purges."""

PURGE_BACKLOG_SECONDS = 60.0
"""The pause while one purge leaves more old rows."""

_BATCHES = 20


async def purge(db: Database, audit_days: int) -> bool:
    """Delete old rows in short transactions; return whether some are left.

    Audit events are kept for `audit_days`, or for ever if that is 0.
    """
    # All of them: a busy server answers more calls in a minute than a purge with a backlog deletes.
    while await db.write(operations.purge):
        pass
    await db.write(attributions.purge)
    remaining = await _in_batches(db, cloud_events.purge)
    remaining |= await _in_batches(db, audit_stream.adopt)
    if audit_days:
        remaining |= await _in_batches(db, lambda tx: audit.purge(tx, audit_days))
    return remaining


async def _in_batches(db: Database, change: Callable[[Tx], int]) -> bool:
    """Repeat a change until its batch is not full; return whether rows may be left."""
    for _ in range(_BATCHES):
        if await db.write(change) < audit.PURGED_AT_ONCE:
            return False
    return True
