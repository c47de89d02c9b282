"""Queries on the accounts of the fleet."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import delete, insert, select, update

from ecrkeeper_server.store.clock import MICROSECONDS
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.fleet_rows import AccountRow
from ecrkeeper_server.store.fleet_tables import fleet_accounts as table
from ecrkeeper_server.store.fleet_tables import fleet_syncs
from ecrkeeper_server.store.tables import declarations
from ecrkeeper_server.store.work import columns_of


def get(tx: Tx, account: str, *, lock: bool = False) -> AccountRow | None:
    """Return one account.

    `lock` keeps other transactions from changing it until this one ends.
    """
    query = select(table).where(table.c.account == account)
    row = tx.conn.execute(query.with_for_update() if lock else query).one_or_none()
    return AccountRow.of(row) if row else None


def page(tx: Tx, after: str, limit: int) -> list[AccountRow]:
    """Up to `limit` accounts behind `after`, by account."""
    query = select(table).where(table.c.account > after).order_by(table.c.account).limit(limit)
    return [AccountRow.of(row) for row in tx.conn.execute(query)]


def some(tx: Tx, accounts: Collection[str]) -> dict[str, AccountRow]:
    """The accounts of these ids that exist."""
    found = tx.conn.execute(select(table).where(table.c.account.in_(accounts))) if accounts else ()
    return {row.account: AccountRow.of(row) for row in found}


def add(tx: Tx, row: AccountRow) -> None:
    """Add an account that was just found missing.

    If another transaction adds it at the same time, this one is repeated.
    """
    tx.conn.execute(insert(table).values({**columns_of(row), "create_time": tx.now(), "update_time": tx.now()}))


def change(tx: Tx, row: AccountRow) -> None:
    """Store a changed account."""
    values = {**columns_of(row), "update_time": tx.now()}
    tx.conn.execute(update(table).where(table.c.account == row.account).values(values))


def remove(tx: Tx, account: str) -> None:
    """Remove an account from the fleet."""
    tx.conn.execute(delete(table).where(table.c.account == account))


def managing_sets(tx: Tx, account: str, limit: int) -> Sequence[str]:
    """The names of some registry sets that declare something in an account."""
    found = select(declarations.c.managed_by).where(
        declarations.c.account == account, declarations.c.managed_by.is_not(None)
    )
    return [name for (name,) in tx.conn.execute(found.distinct().order_by(declarations.c.managed_by).limit(limit))]


def claim_sync(tx: Tx, source: str, seconds: float) -> bool:
    """Return whether this replica may synchronize with a source now.

    The next replica may do so after `seconds`.
    """
    now = tx.now()
    later = now + int(seconds * MICROSECONDS)
    tx.conn.execute(tx.dialect.insert_or_ignore(fleet_syncs).values(source=source, due_at=0))
    claimed = (
        update(fleet_syncs).where(fleet_syncs.c.source == source, fleet_syncs.c.due_at <= now).values(due_at=later)
    )
    return tx.conn.execute(claimed.returning(fleet_syncs.c.source)).first() is not None
