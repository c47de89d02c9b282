"""The names of the resources that meet a filter, window by window.

SQLite reads on the event loop. For a filter that few resources meet, one query would look at all of them. These
queries look at `STEP` resources each, so that a page costs the loop the same at any size of the fleet.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, Text, bindparam, func, select

from ecrkeeper_server.names import WILDCARD
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.filter_expression import Narrowing
from ecrkeeper_server.store.tables import resources
from ecrkeeper_server.turns import STEP, Steps


def names_of_page(
    tx: Tx, kind: str, account: str, after: str, limit: int, narrowed: Narrowing | None
) -> Steps[list[str] | None]:
    """Return the names of a page of the resources that meet a filter, in steps.

    None without a filter, and on Postgres: it reads in a thread, and knows how many resources meet a condition.
    """
    if narrowed is None or tx.dialect.concurrent_writers:
        return None
    few = _of_account(tx, kind, account) if account != WILDCARD else _rare(tx, narrowed)
    if few is not None:
        # By no other index: it may have many resources.
        here = [resources.c.name.in_([name for name in few if name > after]), narrowed.by_row]
        page = select(resources.c.name).where(*here).order_by(order_of(of_account=True)).limit(limit)
        return list(tx.conn.execute(page).scalars())
    names: list[str] = []
    while True:
        end = tx.conn.execute(_end(), {"in_kind": kind, "behind": after}).scalar_one_or_none()
        here = [resources.c.kind == kind, resources.c.name > after, narrowed.by_row]
        here += [] if end is None else [resources.c.name <= end]
        page = select(resources.c.name).where(*here).order_by(resources.c.name).limit(limit - len(names))
        names += tx.conn.execute(page).scalars()
        if end is None or len(names) >= limit:
            return names
        after = end
        yield


def order_of(*, of_account: bool) -> ColumnElement[str]:
    """Return the name as the order of a page, of one account or of all.

    An account has few resources. SQLite would read those of all other accounts to find them in the index of names.
    """
    return func.coalesce(resources.c.name, "", type_=Text) if of_account else resources.c.name


def _of_account(tx: Tx, kind: str, account: str) -> list[str]:
    of_account = select(resources.c.name).where(resources.c.account == account, resources.c.kind == kind)
    return list(tx.conn.execute(of_account).scalars())


def _rare(tx: Tx, narrowed: Narrowing) -> list[str] | None:
    """Return names of which the filter requires one, if an index has few such names."""
    for names in narrowed.named:
        some = list(tx.conn.execute(names.limit(STEP + 1)).scalars())
        if len(some) <= STEP:
            return some
    return None


@lru_cache(maxsize=1)
def _end() -> Select[Any]:
    """Return the query of the last name of a window, which only reads an index."""
    behind = resources.c.name > bindparam("behind", type_=Text)
    query = select(resources.c.name).where(resources.c.kind == bindparam("in_kind", type_=Text), behind)
    return query.order_by(resources.c.name).limit(1).offset(bindparam("size", STEP - 1, type_=BigInteger))
