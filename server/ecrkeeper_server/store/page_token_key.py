"""The key that authenticates page tokens: one row, which the replicas of a database share."""

from __future__ import annotations

import secrets

from sqlalchemy import select

from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.tables import page_token_keys

_ID = 1
_BYTES = 32


def find(tx: Tx) -> bytes | None:
    """The key that the migration made; None if the row was deleted."""
    found = tx.conn.execute(select(page_token_keys.c.key).where(page_token_keys.c.id == _ID)).scalar_one_or_none()
    return None if found is None else bytes.fromhex(found)


def create(tx: Tx) -> bytes:
    """The key, made unless another process has made it meanwhile."""
    values = {"id": _ID, "key": secrets.token_hex(_BYTES), "create_time": tx.now()}
    tx.conn.execute(tx.dialect.insert_or_ignore(page_token_keys).values(values))
    # Postgres has waited for the other process by now, and a new statement sees its row.
    return bytes.fromhex(tx.conn.execute(select(page_token_keys.c.key).where(page_token_keys.c.id == _ID)).scalar_one())
