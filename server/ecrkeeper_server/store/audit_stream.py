"""The audit trail in the order of its stream.

The stream is ordered by the transaction that last wrote a row, and ends before the
oldest running transaction: otherwise an event that is committed late could be missed.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from msgspec import Struct
from msgspec.structs import asdict
from sqlalchemy import BigInteger, ColumnElement, Select, Text, exists, false, func, select, type_coerce, update
from sqlalchemy import tuple_ as columns

from ecrkeeper_server.store.audit import CHANGED, PURGED_AT_ONCE, AuditEvent, Selection
from ecrkeeper_server.store.audit_pages import event_of
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.dialect import Dialect
from ecrkeeper_server.store.json_columns import Pace, TextBytes, as_text, json_rows, reading_each, released
from ecrkeeper_server.store.prepared import characters_of
from ecrkeeper_server.store.tables import audit_events
from ecrkeeper_server.turns import Steps

_LAST = 2**63 - 1
_PLACE = (audit_events.c.txid, audit_events.c.id)
# Events of a step that looks only at their times, which takes less than a millisecond.
_LOOKED_AT = 5_000
PART_BYTES = 2_000_000
"""The changes of the events of a part, in bytes of JSON; the last event may exceed them."""
# With changes as text, which shows their size before they are parsed.
_COLUMNS = list(map(as_text, audit_events.c))
# The columns of a row before those of its event.
_ENDS = 2
_CHANGES_AT = _ENDS + list(audit_events.c.keys()).index("changes")

Cursor = tuple[int, int]
"""A cursor of the stream: behind the row with this `txid` and this `id`."""


def cursor_of(event: AuditEvent) -> Cursor:
    """Return the cursor behind an event."""
    return event.txid, event.id


class Completion(Struct, frozen=True):
    """The outcome of an event's AWS write."""

    id: int
    outcome: str
    aws_error_code: str = ""
    aws_request_id: str = ""


class Part(NamedTuple):
    """Events of the stream, and the cursor behind all whose order is final.

    `held_back` if a running transaction delays further events; `more` if there may be more events before the cursor.
    """

    events: list[AuditEvent]
    horizon: Cursor
    held_back: bool
    more: bool


def streaming(tx: Tx, cursor: Cursor, selection: Selection, limit: int) -> Steps[Steps[Part]]:
    """Read events in stream order, and return the steps that parse them.

    They come after a cursor, and end where the order is not final: at the oldest running transaction. A part also ends
    at `PART_BYTES`.
    """
    (rows,) = tx.ask(tx.conn, [(_rows(tx, cursor, selection, limit), {})])
    texts: list[Sequence[Any]] = []
    ends: Sequence[Any] = ()
    pace, size = Pace(), 0
    for row in rows:
        ends = row[:_ENDS]
        if row[_ENDS] is None:
            break
        texts.append((*row[_ENDS:], _bytes_of(row[_CHANGES_AT])))
        size += texts[-1][-1]
        if size >= PART_BYTES:
            break
        pace.count(texts[-1][-1])
        if pace.is_over():
            yield
    if not ends:
        ((ends,),) = tx.ask(tx.conn, [(select(*_ends(tx)), {})])
    more = len(texts) == limit or size >= PART_BYTES
    return _parsing(texts, (int(ends[0]) - 1, _LAST), bool(ends[1]), more)


def _parsing(texts: list[Sequence[Any]], horizon: Cursor, held_back: bool, more: bool) -> Steps[Part]:
    events = yield from reading_each(released(texts), event_of, characters_of)
    return Part(sorted(events, key=cursor_of), horizon, held_back, more)


def _ends(tx: Tx) -> list[ColumnElement[Any]]:
    unfinished = tx.dialect.first_unfinished(audit_events.c.txid)
    return [unfinished.label("unfinished"), _held_back(tx).label("held_back")]


def _bytes_of(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def _rows(tx: Tx, cursor: Cursor, selection: Selection, limit: int) -> Select[Any]:
    """Return the query of events behind the ends of the stream.

    On SQLite, there is no row without an event: another query of the same moment returns the ends.
    """
    ids, number = audit_events.c.txid, audit_events.c.id
    after = (columns(ids, number) > cursor, ids < tx.dialect.first_unfinished(ids), *selection.conditions())
    if not tx.dialect.concurrent_writers:
        # SQLite reads a text to measure it, and returns rows one by one: it reads none after the part.
        return select(*_ends(tx), *_COLUMNS).where(*after).order_by(ids, number).limit(limit)
    size = TextBytes(type_coerce(audit_events.c.changes, Text)).label("size")
    page = select(ids, number, size).where(*after).order_by(ids, number).limit(limit).subquery()
    before = func.sum(page.c.size).over(order_by=(page.c.txid, page.c.id)) - page.c.size
    sized = select(page.c.id, before.label("before")).subquery()
    ends = select(*_ends(tx)).subquery()
    fitting = ends.outerjoin(sized, sized.c.before < PART_BYTES).outerjoin(audit_events, number == sized.c.id)
    return select(*ends.c, *_COLUMNS).select_from(fitting).order_by(ids, number)


def _held_back(tx: Tx) -> ColumnElement[bool]:
    if not tx.dialect.concurrent_writers:
        return false()
    ids = audit_events.c.txid
    unfinished, unassigned = tx.dialect.first_unfinished(ids), tx.dialect.first_unassigned(ids)
    return exists().where(ids >= unfinished, ids < unassigned)


def newest_possible(tx: Tx) -> Cursor:
    """Return a cursor behind the whole stream of this database."""
    return int(tx.conn.execute(select(tx.dialect.first_unassigned(audit_events.c.txid))).scalar_one()) - 1, _LAST


def now(tx: Tx) -> Cursor:
    """Return the cursor behind all events whose order is final."""
    return int(tx.conn.execute(select(tx.dialect.first_unfinished(audit_events.c.txid))).scalar_one()) - 1, _LAST


def beginning(tx: Tx, start: int) -> Steps[Cursor]:
    """Return a cursor before all events recorded since a time, in steps.

    The time is in microseconds. On SQLite, a step looks at `_LOOKED_AT` events: their place in the stream says nothing
    of their time.
    """
    after: Cursor = (-1, 0)
    while True:
        some = select(*_PLACE).where(columns(*_PLACE) > after).order_by(*_PLACE)
        rows = some.limit(1).offset(_LOOKED_AT - 1)
        end = None if tx.dialect.concurrent_writers else tx.conn.execute(rows).one_or_none()
        here = [columns(*_PLACE) > after] + ([] if end is None else [columns(*_PLACE) <= tuple(end)])
        first = select(func.min(audit_events.c.txid)).where(audit_events.c.create_time >= start, *here)
        found = tx.conn.execute(first).scalar_one()
        if found is not None or end is None:
            newest = now(tx)
            return newest if found is None else min(newest, (int(found), 0))
        after = (end[0], end[1])
        yield


def adopt(tx: Tx) -> int:
    """Move events of another Postgres cluster to the beginning; return the number.

    A dump restored elsewhere has transaction ids that the new cluster has not
    reached: new events would otherwise sort before them.
    """
    if not tx.dialect.concurrent_writers:
        return 0
    unassigned = tx.dialect.first_unassigned(audit_events.c.txid)
    moved = select(audit_events.c.id).where(audit_events.c.txid >= unassigned).order_by(audit_events.c.id)
    changed = tx.conn.execute(
        update(audit_events)
        .where(audit_events.c.id.in_(moved.limit(PURGED_AT_ONCE).scalar_subquery()), audit_events.c.txid >= unassigned)
        .values(txid=0)
        .returning(audit_events.c.id)
    )
    return len(changed.all())


def complete(tx: Tx, completions: Sequence[Completion]) -> None:
    """Store the outcomes of AWS writes, which moves them to the end of the stream."""
    if completions:
        tx.conn.execute(_complete(tx.dialect), json_rows(asdict(done) for done in completions))
        tx.changes(CHANGED)


@lru_cache(maxsize=64)
def _complete(dialect: Dialect) -> Any:
    texts = ("outcome", "aws_error_code", "aws_request_id")
    done = dialect.json_table({"id": BigInteger(), **dict.fromkeys(texts, Text())})
    stamp = {"txid": dialect.transaction_id(audit_events.c.txid), "complete_time": dialect.now()}
    return (
        update(audit_events)
        .where(audit_events.c.id == done.c.id)
        .values({**stamp, **{name: done.c[name] for name in texts}})
    )
