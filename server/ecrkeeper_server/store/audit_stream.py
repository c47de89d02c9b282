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
from sqlalchemy import BigInteger, ColumnElement, Text, exists, false, func, select, true, update
from sqlalchemy import tuple_ as columns

from ecrkeeper_server.store.audit import CHANGED, PURGED_AT_ONCE, AuditEvent, Selection
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.dialect import Dialect
from ecrkeeper_server.store.json_columns import json_rows
from ecrkeeper_server.store.tables import audit_events

_LAST = 2**63 - 1

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

    `held_back` if a running transaction delays further events.
    """

    events: list[AuditEvent]
    horizon: Cursor
    held_back: bool


def stream(tx: Tx, cursor: Cursor, selection: Selection, limit: int) -> Part:
    """Return events in stream order after a cursor, by one statement.

    They end where the order is not final: at the oldest running transaction.
    """
    ids = audit_events.c.txid
    unfinished = tx.dialect.first_unfinished(ids)
    query = select(audit_events).where(columns(ids, audit_events.c.id) > cursor, ids < unfinished)
    query = query.where(*selection.conditions()).order_by(ids, audit_events.c.id).limit(limit)
    page = query.subquery()
    ends = select(unfinished.label("unfinished"), _held_back(tx).label("held_back")).subquery()
    rows = tx.conn.execute(select(ends, *page.c).select_from(ends.outerjoin(page, true()))).all()
    first_unfinished, held_back, *_ = rows[0]
    events = [AuditEvent(*event) for _, _, *event in rows if event[0] is not None]
    return Part(sorted(events, key=cursor_of), (int(first_unfinished) - 1, _LAST), bool(held_back))


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


def beginning(tx: Tx, start: int) -> Cursor:
    """Return a cursor before all events recorded at or after a time in microseconds."""
    first = select(func.min(audit_events.c.txid)).where(audit_events.c.create_time >= start)
    first_txid = tx.conn.execute(first).scalar_one()
    newest = now(tx)
    return newest if first_txid is None else min(newest, (int(first_txid), 0))


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
