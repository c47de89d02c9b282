"""Queries on the accounts of the fleet."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, delete, insert, select, update

from ecrkeeper_server.store.clock import MICROSECONDS
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.dialect import Dialect
from ecrkeeper_server.store.fleet_rows import AccountRow
from ecrkeeper_server.store.fleet_specs import AccountState, Source
from ecrkeeper_server.store.fleet_tables import fleet_accounts as table
from ecrkeeper_server.store.json_columns import NARROW_CHARACTERS, reading_each
from ecrkeeper_server.store.large_rows import reading_rows
from ecrkeeper_server.store.tables import declarations
from ecrkeeper_server.store.work import columns_of
from ecrkeeper_server.turns import Steps

_CHECKED = frozenset({"caller_identity", "unreachable", "unreachable_message", "reachable_since", "check_at"})


def get(tx: Tx, account: str, *, lock: bool = False) -> AccountRow | None:
    """Return one account.

    `lock` keeps other transactions from changing it until this one ends.
    """
    query = select(table).where(table.c.account == account)
    row = tx.conn.execute(query.with_for_update() if lock else query).one_or_none()
    return AccountRow.of(row) if row else None


def state_of(tx: Tx, account: str) -> str | None:
    """Return the state of an account; None if it is in no fleet."""
    state: str | None = tx.conn.execute(select(table.c.state).where(table.c.account == account)).scalar_one_or_none()
    return state


def page(tx: Tx, after: str, limit: int) -> list[AccountRow]:
    """Up to `limit` accounts behind `after`, by account."""
    query = select(table).where(table.c.account > after).order_by(table.c.account).limit(limit)
    return [AccountRow.of(row) for row in tx.conn.execute(query)]


def reading_page(tx: Tx, after: str, limit: int) -> Steps[Steps[list[AccountRow]]]:
    """Read the same, and return the steps that parse them."""

    def narrowed(query: Select[Any]) -> Select[Any]:
        return query.where(table.c.account > after).order_by(table.c.account).limit(limit)

    return reading_rows(tx, table, narrowed, AccountRow)


def reading_organization_states(tx: Tx) -> Steps[dict[str, str]]:
    """Return the state of each account that comes from an organization, in steps."""
    query = select(table.c.account, table.c.state).where(table.c.source == Source.ORGANIZATION)
    (rows,) = tx.ask(tx.conn, [(query, {})])
    return dict((yield from reading_each(rows, tuple, lambda _: 0, NARROW_CHARACTERS)))


def add(tx: Tx, row: AccountRow) -> None:
    """Add an account that was just found missing.

    If another transaction adds it at the same time, this transaction is repeated.
    """
    tx.conn.execute(insert(table).values({**columns_of(row), "create_time": tx.now(), "update_time": tx.now()}))


def change(tx: Tx, row: AccountRow) -> None:
    """Store a changed account, without the result of its check."""
    values = {name: value for name, value in columns_of(row).items() if name not in _CHECKED}
    values["update_time"] = tx.now()
    tx.conn.execute(update(table).where(table.c.account == row.account).values(values))


def check_is_due(tx: Tx) -> bool:
    """Return whether the check of an account is due; claiming would write."""
    return tx.conn.execute(_first_due(tx.dialect)).first() is not None


# Building it takes longer than running it, and SQLite runs it on the event loop.
@lru_cache(maxsize=4)
def _first_due(dialect: Dialect) -> Select[Any]:
    return select(table.c.account).where(_due(dialect.now())).limit(1)


def claim_checks(tx: Tx, limit: int, lease: float) -> list[AccountRow]:
    """Return accounts whose check is due, as they are claimed.

    Other replicas do not get them before the lease ends.
    """
    query = select(table).where(_due(tx.now())).order_by(table.c.check_at, table.c.account).limit(limit)
    rows = [AccountRow.of(row) for row in tx.conn.execute(query.with_for_update(skip_locked=True))]
    accounts = [row.account for row in rows]
    until = tx.now() + int(lease * MICROSECONDS)
    claimed = update(table).where(table.c.account.in_(accounts)).values(check_at=until).returning(table)
    return [AccountRow.of(row) for row in tx.conn.execute(claimed)] if rows else []


def _due(now: ColumnElement[int]) -> ColumnElement[bool]:
    return and_(table.c.check_at <= now, table.c.state == AccountState.ACTIVE)


def save_check(tx: Tx, row: AccountRow, claimed: int, seconds: float) -> None:
    """Store the result of a check; a request for another one since `claimed` stays."""
    later = case((table.c.check_at == claimed, tx.now() + int(seconds * MICROSECONDS)), else_=table.c.check_at)
    values = {name: value for name, value in columns_of(row).items() if name in _CHECKED}
    tx.conn.execute(update(table).where(table.c.account == row.account).values({**values, "check_at": later}))


def request_checks(tx: Tx, accounts: Collection[str]) -> None:
    """Let the check of accounts begin at once.

    Events name them in any order, so they are locked by account: two transactions never wait for each other.
    """
    if not accounts:
        return
    due = and_(table.c.account.in_(accounts), table.c.check_at != 0)
    tx.conn.execute(select(table.c.account).where(due).order_by(table.c.account).with_for_update()).all()
    tx.conn.execute(update(table).where(due).values(check_at=0))


def remove(tx: Tx, account: str) -> None:
    """Remove an account from the fleet."""
    tx.conn.execute(delete(table).where(table.c.account == account))


def managing_sets(tx: Tx, account: str, limit: int) -> Sequence[str]:
    """The names of some registry sets that declare something in an account."""
    query = select(declarations.c.managed_by).where(
        declarations.c.account == account, declarations.c.managed_by.is_not(None)
    )
    return [name for (name,) in tx.conn.execute(query.distinct().order_by(declarations.c.managed_by).limit(limit))]
