"""Queries on registry sets and their revisions."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import delete, func, insert, or_, select, update

from ecrkeeper_server.store.clock import MICROSECONDS
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.fleet_rows import SetRevision, SetRow
from ecrkeeper_server.store.fleet_tables import registry_set_revisions as revisions
from ecrkeeper_server.store.fleet_tables import registry_sets as table
from ecrkeeper_server.store.rows import Declaration
from ecrkeeper_server.store.tables import declarations
from ecrkeeper_server.store.work import columns_of

_GATHER_SECONDS = 1


def get(tx: Tx, set_id: str, *, lock: bool = False) -> SetRow | None:
    """One set; `lock` keeps other transactions from changing it until this one ends."""
    query = select(table).where(table.c.id == set_id)
    row = tx.conn.execute(query.with_for_update() if lock else query).one_or_none()
    return SetRow.of(row) if row else None


def page(tx: Tx, after: str, limit: int) -> list[SetRow]:
    """Up to `limit` sets behind `after`, by id."""
    query = select(table).where(table.c.id > after).order_by(table.c.id).limit(limit)
    return [SetRow.of(row) for row in tx.conn.execute(query)]


def add(tx: Tx, row: SetRow) -> SetRow:
    """Add a set that was just found missing.

    If another transaction adds it at the same time, this one is repeated.
    """
    values = {**columns_of(row), "create_time": tx.now(), "update_time": tx.now()}
    return SetRow.of(tx.conn.execute(insert(table).values(values).returning(table)).one())


def change(tx: Tx, set_id: str, **values: Any) -> SetRow:
    """Change columns of a set."""
    return SetRow.of(tx.conn.execute(update(table).where(table.c.id == set_id).values(**values).returning(table)).one())


def remove(tx: Tx, set_id: str) -> None:
    """Remove a set; its revisions stay."""
    tx.conn.execute(delete(table).where(table.c.id == set_id))


def compare_all(tx: Tx) -> None:
    """Let all sets compare their targets soon.

    An account has changed, and others may change with it.
    """
    soon = tx.now() + _GATHER_SECONDS * MICROSECONDS
    tx.conn.execute(update(table).where(or_(table.c.due_at.is_(None), table.c.due_at > soon)).values(due_at=soon))


def claim_due(tx: Tx) -> SetRow | None:
    """The set whose comparison is due longest, locked; None if there is none."""
    query = select(table).where(table.c.due_at <= tx.now()).order_by(table.c.due_at).limit(1)
    row = tx.conn.execute(query.with_for_update(skip_locked=True)).one_or_none()
    return SetRow.of(row) if row else None


def next_due(tx: Tx) -> float | None:
    """Seconds until a set is to compare its targets; None if none is in sight."""
    micros = tx.conn.execute(select(func.min(table.c.due_at) - tx.now())).scalar_one()
    return None if micros is None else max(0.0, micros / MICROSECONDS)


def later(tx: Tx, set_id: str, seconds: float) -> None:
    """Let a set compare its targets again in so many seconds."""
    tx.conn.execute(update(table).where(table.c.id == set_id).values(due_at=tx.now() + int(seconds * MICROSECONDS)))


def next_revision(tx: Tx, set_id: str) -> int:
    """Return the number of the next revision of a set.

    It goes on where a deleted set of the name ended.
    """
    newest = select(func.coalesce(func.max(revisions.c.revision), 0)).where(revisions.c.set_id == set_id)
    return int(tx.conn.execute(newest).scalar_one()) + 1


def add_revision(tx: Tx, revision: SetRevision) -> None:
    """Keep a content of a set."""
    tx.conn.execute(insert(revisions).values({**columns_of(revision), "create_time": tx.now()}))


def get_revision(tx: Tx, set_id: str, revision: int) -> SetRevision | None:
    """One revision."""
    query = select(revisions).where(revisions.c.set_id == set_id, revisions.c.revision == revision)
    row = tx.conn.execute(query).one_or_none()
    return SetRevision.of(row) if row else None


def revision_page(tx: Tx, set_id: str, below: int | None, limit: int) -> list[SetRevision]:
    """Up to `limit` revisions, newest first, numbered below `below`."""
    query = select(revisions).where(revisions.c.set_id == set_id)
    if below is not None:
        query = query.where(revisions.c.revision < below)
    return [SetRevision.of(row) for row in tx.conn.execute(query.order_by(revisions.c.revision.desc()).limit(limit))]


def declared(tx: Tx, accounts: Collection[str], owner: str | None = None) -> list[Declaration]:
    """The declarations in some accounts, of one owner or of all."""
    query = select(declarations).where(declarations.c.account.in_(accounts))
    if owner is not None:
        query = query.where(declarations.c.owner == owner)
    return [Declaration.of(row) for row in tx.conn.execute(query)] if accounts else []


def managed_count(tx: Tx, set_id: str) -> int:
    """Return the number of declarations that a set has made."""
    managed = declarations.c.managed_by == f"registrySets/{set_id}"
    query = select(func.count()).select_from(declarations).where(declarations.c.owner == set_id, managed)
    return int(tx.conn.execute(query).scalar_one())


def others(tx: Tx, set_id: str) -> list[SetRow]:
    """All sets but one that still declare something."""
    found = tx.conn.execute(select(table).where(table.c.id != set_id, table.c.deleting.is_(False)))
    return [SetRow.of(row) for row in found]
