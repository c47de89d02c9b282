"""The key that authenticates page tokens: one row, shared by all replicas."""

from __future__ import annotations

import secrets

from sqlalchemy import select

from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.tables import page_token_keys

_ID = 1
_BYTES = 32


def find(tx: Tx) -> bytes | None:
    """Return the key that the migration created; None if the row was deleted."""
    key = tx.conn.execute(select(page_token_keys.c.key).where(page_token_keys.c.id == _ID)).scalar_one_or_none()
    return None if key is None else bytes.fromhex(key)


def create(tx: Tx) -> bytes:
    """Return the key, created if no other process has created it meanwhile."""
    values = {"id": _ID, "key": secrets.token_hex(_BYTES), "create_time": tx.now()}
    tx.conn.execute(tx.dialect.insert_or_ignore(page_token_keys).values(values))
    # Postgres has waited for the other process by now, and a new statement finds its row.
    return bytes.fromhex(tx.conn.execute(select(page_token_keys.c.key).where(page_token_keys.c.id == _ID)).scalar_one())
