"""Queries on the accounts of a rollout as they were when it began."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Select, Text, and_, bindparam, select

from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.dialect import Dialect
from ecrkeeper_server.store.fleet_rows import AccountRow
from ecrkeeper_server.store.fleet_tables import fleet_accounts
from ecrkeeper_server.store.fleet_tables import rollout_accounts as table
from ecrkeeper_server.store.json_columns import json_rows
from ecrkeeper_server.store.rollout_rows import PinnedAccount, RolloutRow
from ecrkeeper_server.store.work import columns_of

_COLUMNS = tuple(column.name for column in fleet_accounts.c)


def add(tx: Tx, rollout: RolloutRow, accounts: Sequence[PinnedAccount]) -> None:
    """Store accounts as they are now."""
    key = {"set_id": rollout.set_id, "number": rollout.number}
    tx.insert_rows(table, [{**key, **columns_of(each)} for each in accounts])


def existing(tx: Tx, rollout: RolloutRow, accounts: Collection[str]) -> tuple[list[AccountRow], list[PinnedAccount]]:
    """Return the accounts of these ids as they are now, and as they were.

    A rollout of an older version has none as they were.
    """
    names = json_rows({"account": account} for account in accounts)
    now, then = _existing(tx.dialect)
    this = {"set_id": rollout.set_id, "number": rollout.number}
    current, pinned = tx.ask(tx.conn, [(now, names), (then, {**names, **this})])
    return [AccountRow(**dict(zip(_COLUMNS, row, strict=True))) for row in current], [
        PinnedAccount(*row) for row in pinned if row[0] is not None
    ]


@lru_cache(maxsize=4)
def _existing(dialect: Dialect) -> tuple[Select[Any], Select[Any]]:
    names = dialect.json_table({"account": Text()})
    now = select(fleet_accounts).join_from(names, fleet_accounts, fleet_accounts.c.account == names.c.account)
    pinned = (table.c[name] for name in ("account", "display_name", "labels", "organizational_unit"))
    # An outer join: SQLite would read all accounts of the rollout for an inner one.
    this = and_(
        table.c.account == names.c.account,
        table.c.set_id == bindparam("set_id"),
        table.c.number == bindparam("number"),
    )
    return now, select(*pinned).select_from(names.outerjoin(table, this))
