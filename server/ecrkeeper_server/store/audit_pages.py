"""Pages of the audit trail by time of creation.

An event may have 200,000 characters of changes. A page leaves long ones out, and a list reads those of the events
that it shows.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, case, select, type_coerce
from sqlalchemy import tuple_ as columns

from ecrkeeper_server.store.audit import AuditEvent, Selection
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.json_columns import MEASURED_AT_ONCE, JsonText, TextBytes, as_text, reading_each, released
from ecrkeeper_server.store.long_json import LongJson
from ecrkeeper_server.store.prepared import characters_of
from ecrkeeper_server.store.tables import audit_events
from ecrkeeper_server.turns import Steps

_JSON = [(at, column.type.read) for at, column in enumerate(audit_events.c) if isinstance(column.type, JsonText)]
SHORT = 4_000
"""Bytes of changes that a page has."""


def reading_page(
    tx: Tx, selection: Selection, cursor: tuple[int, int] | None, limit: int
) -> Steps[Steps[list[AuditEvent]]]:
    """Read events, newest first, and return the steps that parse them.

    They come after one with this `create_time` and `id`. `reading_changes` returns their changes of more than `SHORT`
    bytes.
    """
    query: Select[Any] = select(*_short_columns()).where(*selection.conditions())
    if cursor is not None:
        query = query.where(columns(audit_events.c.create_time, audit_events.c.id) < cursor)
    ordered = query.order_by(audit_events.c.create_time.desc(), audit_events.c.id.desc()).limit(limit)
    (rows,) = tx.ask(tx.conn, [(ordered, {})])
    texts = yield from reading_each(rows, tuple, _characters)
    return reading_each(released(texts), event_of, characters_of)


def _characters(row: Sequence[Any]) -> int:
    """Return the characters that a page reads of changes."""
    size: int = row[-1]
    return size if size <= SHORT else size // MEASURED_AT_ONCE


def event_of(row: Sequence[Any]) -> AuditEvent:
    """Return the event of a row with JSON as text and the size of its changes.

    Long changes are not parsed yet.
    """
    values = list(row)
    for at, read in _JSON:
        if values[at] is not None:
            values[at] = read(values[at])
    return AuditEvent(*values)


@lru_cache(maxsize=1)
def _short_columns() -> list[ColumnElement[Any]]:
    stored = audit_events.c.changes
    size = TextBytes(type_coerce(stored, Text))
    changes = case((size <= SHORT, type_coerce(stored, Text))).label(stored.key)
    return [*(changes if column is stored else as_text(column) for column in audit_events.c), size.label("size")]


def reading_changes(tx: Tx, events: Collection[int]) -> Steps[dict[int, LongJson]]:
    """Return the changes of events that still exist, as text."""
    query = select(audit_events.c.id, type_coerce(audit_events.c.changes, Text)).where(audit_events.c.id.in_(events))
    (rows,) = tx.ask(tx.conn, [(query, {})])
    changes = yield from reading_each(rows, lambda row: (row[0], LongJson(row[1])), lambda row: len(row[1]))
    return dict(changes)
