"""An index of elements with drift, by setting and key."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import delete, insert

from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.stored_drift import StoredDrift
from ecrkeeper_server.store.tables import drifting

MANY = ""
"""Stands for many pairs that differ alike: a resource with it may have any element."""

Drift = Iterable[StoredDrift]


def replace(tx: Tx, name: str, before: Drift, after: Drift) -> None:
    """Index the current drift of a resource, if its elements have changed."""
    old, new = _elements(before), _elements(after)
    if old == new:
        return
    remove(tx, name)
    if new:
        rows = [{"name": name, "setting": setting, "element": element} for setting, element in sorted(new)]
        tx.conn.execute(insert(drifting), rows)


def remove(tx: Tx, name: str) -> None:
    """Delete the drift of a resource."""
    tx.conn.execute(delete(drifting).where(drifting.c.name == name))


def _elements(drift: Drift) -> set[tuple[str, str]]:
    return {(each.setting, each.key if each.pairs is None else MANY) for each in drift}
