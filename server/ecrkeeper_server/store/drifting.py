"""An index of elements with drift, by setting and key."""

from __future__ import annotations

from collections.abc import Set

from sqlalchemy import delete, insert

from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.tables import drifting

Elements = Set[tuple[str, str]]
"""Settings and keys, as `State.drift_elements` returns them."""


def replace(tx: Tx, name: str, before: Elements, after: Elements) -> None:
    """Index the current drift of a resource, if its elements have changed."""
    if before == after:
        return
    remove(tx, name)
    if after:
        rows = [{"name": name, "setting": setting, "element": element} for setting, element in sorted(after)]
        tx.conn.execute(insert(drifting), rows)


def remove(tx: Tx, name: str) -> None:
    """Delete the drift of a resource."""
    tx.conn.execute(delete(drifting).where(drifting.c.name == name))
