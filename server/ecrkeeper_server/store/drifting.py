"""An index of elements with drift, by setting and key."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from msgspec import Struct
from sqlalchemy import Text, bindparam, delete, select, true, tuple_

from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.dialect import Dialect
from ecrkeeper_server.store.json_columns import json_rows
from ecrkeeper_server.store.states import State
from ecrkeeper_server.store.tables import drifting
from ecrkeeper_server.turns import STEP, Steps, sorting

_ELEMENT = ("setting", "element")


class Changes(Struct, frozen=True):
    """The elements to delete and to insert: the parameters of one statement each.

    If `cleared`, all elements are deleted.
    """

    cleared: bool = False
    deleted: Sequence[dict[str, str]] = ()
    inserted: Sequence[dict[str, str]] = ()


SAME = Changes()
"""The changes if no element has changed."""


def comparing(before: State, after: State) -> Steps[Changes]:
    """Return the changes between two states of a resource, in steps."""
    if after.has_same_drift(before):
        return SAME
    old, new = (yield from before.finding_drift_elements()), (yield from after.finding_drift_elements())
    if old == new:
        return SAME
    yield
    deleted, inserted = old - new if new else (), new - old
    return Changes(not new, (yield from _writing(deleted)), (yield from _writing(inserted)))


def _writing(elements: Any) -> Steps[list[dict[str, str]]]:
    """Return the parameters of statements that each take some of these elements."""
    ordered, parameters = (yield from sorting(elements)), []
    for start in range(0, len(ordered), STEP):
        yield
        parameters.append(json_rows(dict(zip(_ELEMENT, each, strict=True)) for each in ordered[start : start + STEP]))
    return parameters


def change(tx: Tx, name: str, changes: Changes) -> None:
    """Index the current drift of a resource."""
    if changes.cleared:
        remove(tx, name)
    deletion, insertion = _statements(tx.dialect)
    for parameters in changes.deleted:
        tx.conn.execute(deletion, {"_name": name, **parameters})
    for parameters in changes.inserted:
        tx.conn.execute(insertion, {"_name": name, **parameters})


@lru_cache(maxsize=64)
def _statements(dialect: Dialect) -> tuple[Any, Any]:
    given = dialect.json_table(dict.fromkeys(_ELEMENT, Text()))
    elements, name = [given.c[column] for column in _ELEMENT], bindparam("_name", type_=Text)
    here = tuple_(drifting.c.setting, drifting.c.element).in_(select(*elements))
    # Without a condition, SQLite parses ON CONFLICT as the ON of a join.
    rows = select(name, *elements).where(true())
    insertion = dialect.insert_or_ignore(drifting).from_select(["name", *_ELEMENT], rows)
    return delete(drifting).where(drifting.c.name == name, here), insertion


def remove(tx: Tx, name: str) -> None:
    """Delete the drift of a resource."""
    tx.conn.execute(delete(drifting).where(drifting.c.name == name))
