"""Queries on registry sets and their revisions."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from sqlalchemy import Text, delete, func, insert, literal, or_, select, type_coerce, update

from ecrkeeper_server.store.clock import MICROSECONDS
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.declarations import SETTINGS_AT, STORED_DECLARATION, parsing_all
from ecrkeeper_server.store.fleet_rows import SetRevision, SetRow
from ecrkeeper_server.store.fleet_specs import Selector
from ecrkeeper_server.store.fleet_tables import fleet_syncs
from ecrkeeper_server.store.fleet_tables import registry_set_revisions as revisions
from ecrkeeper_server.store.fleet_tables import registry_sets as table
from ecrkeeper_server.store.json_columns import NARROW_CHARACTERS, ROW_CHARACTERS, TextBytes, read_json, reading_each
from ecrkeeper_server.store.large_rows import Sized, reading_rows, reading_sizes, sizes
from ecrkeeper_server.store.rows import Declaration
from ecrkeeper_server.store.tables import declarations
from ecrkeeper_server.store.work import columns_of
from ecrkeeper_server.turns import Steps

_GATHER_SECONDS = 1
_COMPARISON = "COMPARISON"
_WITHOUT_SETTINGS = [literal("{}") if each.key == "settings" else each for each in STORED_DECLARATION]


def get(tx: Tx, set_id: str, *, lock: bool = False) -> SetRow | None:
    """One set; `lock` keeps other transactions from changing it until this one ends."""
    query = select(table).where(table.c.id == set_id)
    row = tx.conn.execute(query.with_for_update() if lock else query).one_or_none()
    return SetRow.of(row) if row else None


def page(tx: Tx, after: str, limit: int) -> list[str]:
    """The ids of up to `limit` sets behind `after`: their content can be large."""
    query = select(table.c.id).where(table.c.id > after).order_by(table.c.id).limit(limit)
    return list(tx.conn.execute(query).scalars())


def reading_page(tx: Tx, after: str, limit: int) -> Steps[list[Sized]]:
    """Return the same with the sizes of their content."""
    query = sizes(table.c.id, table.c.spec).where(table.c.id > after)
    return reading_sizes(tx, query.order_by(table.c.id).limit(limit))


def reading(tx: Tx, ids: Collection[str]) -> Steps[Steps[list[SetRow]]]:
    """Read the sets of these ids that exist, and return the steps that parse them."""
    return reading_rows(tx, table, lambda query: query.where(table.c.id.in_(ids)), SetRow)


def add(tx: Tx, row: SetRow) -> SetRow:
    """Add a set that was just found missing.

    If another transaction adds it at the same time, this transaction is repeated.
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

    An account has changed, and others may change with it. Change the accounts first, so that transactions lock them
    in one order.
    """
    _serialize(tx)
    soon = tx.now() + _GATHER_SECONDS * MICROSECONDS
    tx.conn.execute(update(table).where(or_(table.c.due_at.is_(None), table.c.due_at > soon)).values(due_at=soon))


def claim_due(tx: Tx) -> SetRow | None:
    """The set whose comparison is due longest, locked; None if there is none."""
    _serialize(tx)
    query = select(table).where(table.c.due_at <= tx.now()).order_by(table.c.due_at).limit(1)
    row = tx.conn.execute(query.with_for_update(skip_locked=True)).one_or_none()
    return SetRow.of(row) if row else None


def _serialize(tx: Tx) -> None:
    """Let claims of comparisons and changes of accounts follow one another.

    A change would not see a claim that has not committed, and would leave the set as it is: the set was due when the
    change began. The claim would not see the change either, and the set would be compared much later. Two changes
    would lock the sets in different orders.
    """
    query = select(fleet_syncs.c.source).where(fleet_syncs.c.source == _COMPARISON).with_for_update()
    if tx.conn.execute(query).first() is None:
        tx.conn.execute(tx.dialect.insert_or_ignore(fleet_syncs).values(source=_COMPARISON, due_at=0))
        tx.conn.execute(query)


def next_due(tx: Tx) -> float | None:
    """Seconds until the next comparison of a set is due; None if none is planned."""
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
    """Store a revision of a set."""
    tx.conn.execute(insert(revisions).values({**columns_of(revision), "create_time": tx.now()}))


def get_revision(tx: Tx, set_id: str, revision: int) -> SetRevision | None:
    """One revision."""
    query = select(revisions).where(revisions.c.set_id == set_id, revisions.c.revision == revision)
    row = tx.conn.execute(query).one_or_none()
    return SetRevision.of(row) if row else None


def reading_revision_page(tx: Tx, set_id: str, below: int | None, limit: int) -> Steps[list[Sized]]:
    """Return the numbers and sizes of revisions below `below`, newest first."""
    query = sizes(revisions.c.revision, revisions.c.spec).where(revisions.c.set_id == set_id)
    if below is not None:
        query = query.where(revisions.c.revision < below)
    return reading_sizes(tx, query.order_by(revisions.c.revision.desc()).limit(limit))


def reading_revisions(tx: Tx, set_id: str, numbers: Collection[int]) -> Steps[Steps[list[SetRevision]]]:
    """Read the revisions of these numbers, and return the steps that parse them."""
    these = (revisions.c.set_id == set_id, revisions.c.revision.in_(numbers))
    return reading_rows(tx, revisions, lambda query: query.where(*these), SetRevision)


def reading_declared(
    tx: Tx, accounts: Collection[str], owner: str | None = None, *, settings: bool = True
) -> Steps[Steps[list[Declaration]]]:
    """Read the declarations in some accounts, and return the steps that parse them.

    They are of one owner or of all. Without `settings`, theirs are empty, and a large fleet takes no longer.
    """
    query = select(*(STORED_DECLARATION if settings else _WITHOUT_SETTINGS)).where(declarations.c.account.in_(accounts))
    if owner is not None:
        query = query.where(declarations.c.owner == owner)
    [rows] = tx.ask(tx.conn, [(query, {})]) if accounts else [()]
    texts = yield from reading_each(
        rows, tuple, lambda row: len(row[SETTINGS_AT]), ROW_CHARACTERS if settings else NARROW_CHARACTERS
    )
    return parsing_all(texts)


def declared_sizes(tx: Tx, accounts: Collection[str], owner: str | None = None) -> Iterator[tuple[str, int]]:
    """The bytes of the declarations of each account that has any, in order.

    They are those of one owner or of all. SQLite reads the declarations of an account when its size is asked for.
    """
    size = func.sum(TextBytes(type_coerce(declarations.c.settings, Text)))
    query = select(declarations.c.account, size).where(declarations.c.account.in_(accounts))
    if owner is not None:
        query = query.where(declarations.c.owner == owner)
    by_account = query.group_by(declarations.c.account).order_by(declarations.c.account)
    [rows] = tx.ask(tx.conn, [(by_account, {})]) if accounts else [()]
    return ((account, int(number)) for account, number in rows)


def managed_count(tx: Tx, set_id: str) -> int:
    """Return the number of declarations that a set has made."""
    managed = declarations.c.managed_by == f"registrySets/{set_id}"
    query = select(func.count()).select_from(declarations).where(declarations.c.owner == set_id, managed)
    return int(tx.conn.execute(query).scalar_one())


def manages_any(tx: Tx, set_id: str) -> bool:
    """Return whether there is a declaration that a set has made."""
    managed = declarations.c.managed_by == f"registrySets/{set_id}"
    query = select(declarations.c.owner).where(declarations.c.owner == set_id, managed).limit(1)
    return tx.conn.execute(query).first() is not None


def other_selectors(tx: Tx, set_id: str) -> list[tuple[str, Selector]]:
    """The name and the selector of all sets but one that still declare something."""
    selector = tx.dialect.json_member(table.c.spec, "selector")
    query = select(table.c.id, selector).where(table.c.id != set_id, table.c.deleting.is_(False)).order_by(table.c.id)
    return [
        (f"registrySets/{other}", Selector.from_json(read_json(stored))) for other, stored in tx.conn.execute(query)
    ]


def managers(tx: Tx, accounts: Collection[str]) -> set[tuple[str, str, str]]:
    """The declarations that sets made in some accounts.

    Each is an account, a Region and the name of the set.
    """
    columns = (declarations.c.account, declarations.c.region, declarations.c.managed_by)
    query = select(*columns).where(declarations.c.account.in_(accounts), declarations.c.managed_by.is_not(None))
    return {tuple(row) for row in tx.conn.execute(query)} if accounts else set()
