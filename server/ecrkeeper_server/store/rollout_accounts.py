"""Queries on the accounts of a rollout as they were when it began."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import insert, select

from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.fleet_rows import PinnedAccount, RolloutRow
from ecrkeeper_server.store.fleet_tables import rollout_accounts as table
from ecrkeeper_server.store.work import columns_of


def add(tx: Tx, rollout: RolloutRow, accounts: Sequence[PinnedAccount]) -> None:
    """Keep accounts as they are now."""
    key = {"set_id": rollout.set_id, "number": rollout.number}
    if accounts:
        tx.conn.execute(insert(table), [{**key, **columns_of(each)} for each in accounts])


def some(tx: Tx, rollout: RolloutRow, accounts: Collection[str]) -> list[PinnedAccount]:
    """The accounts of these ids; a rollout of an older version has none."""
    names = ("account", "display_name", "labels", "organizational_unit")
    query = select(*[table.c[name] for name in names]).where(
        table.c.set_id == rollout.set_id, table.c.number == rollout.number
    )
    found = tx.conn.execute(query.where(table.c.account.in_(accounts))) if accounts else ()
    return [PinnedAccount.of(row) for row in found]
