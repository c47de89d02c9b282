"""The id of the installation, in the User-Agent of every AWS request.

There is one for each database.
"""

from __future__ import annotations

import uuid

from sqlalchemy import select

from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.tables import installations

_ID = 1


def find(tx: Tx) -> str | None:
    """Return the id that the migration created; None if the row was deleted."""
    stored: str | None = tx.conn.execute(
        select(installations.c.uuid).where(installations.c.id == _ID)
    ).scalar_one_or_none()
    return stored


def create(tx: Tx) -> str:
    """Return the id, created unless another process has created it meanwhile."""
    values = {"id": _ID, "uuid": str(uuid.uuid4()), "create_time": tx.now()}
    tx.conn.execute(tx.dialect.insert_or_ignore(installations).values(values))
    stored: str = tx.conn.execute(select(installations.c.uuid).where(installations.c.id == _ID)).scalar_one()
    return stored
