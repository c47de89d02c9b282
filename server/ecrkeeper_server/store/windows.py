"""The names of the resources that meet a filter, window by window.

SQLite reads on the event loop. For a filter that few resources meet, one query would look at all of them. These
queries look at `STEP` resources each, so that a page costs the loop the same at any size of the fleet.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, Select, Text, bindparam, func, select, true

from ecrkeeper_server.names import WILDCARD
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.filter_expression import Condition, Narrowing
from ecrkeeper_server.store.tables import resources
from ecrkeeper_server.turns import STEP, Steps


def narrowing(tx: Tx, kind: str, account: str, after: str, limit: int, narrowed: Narrowing | None) -> Steps[Condition]:
    """Return the condition of a page of the resources that meet a filter, in steps.

    An account has few resources. Of all accounts, it is on their names on SQLite, unless an index has few. Postgres
    reads in a thread, and knows how many resources meet a condition.
    """
    if narrowed is None:
        return true()
    if account != WILDCARD:
        return narrowed.by_row
    if tx.dialect.concurrent_writers or _is_rare(tx, narrowed):
        return narrowed.condition
    names: list[str] = []
    while True:
        ends = tx.conn.execute(_end(), {"in_kind": kind, "behind": after})
        end = ends.scalar_one_or_none()
        here = [resources.c.kind == kind, resources.c.name > after, narrowed.by_row]
        here += [] if end is None else [resources.c.name <= end]
        page = select(resources.c.name).where(*here).order_by(resources.c.name).limit(limit - len(names))
        names += tx.conn.execute(page).scalars()
        if end is None or len(names) >= limit:
            return resources.c.name.in_(names)
        after = end
        yield


def _is_rare(tx: Tx, narrowed: Narrowing) -> bool:
    """Return whether an index has the names of few resources, and all others do not meet the filter."""
    few = (select(func.count()).select_from(names.limit(STEP + 1).subquery()) for names in narrowed.named)
    return any(tx.conn.execute(number).scalar_one() <= STEP for number in few)


@lru_cache(maxsize=1)
def _end() -> Select[Any]:
    """Return the query of the last name of a window, for which an index has all columns."""
    behind = resources.c.name > bindparam("behind", type_=Text)
    query = select(resources.c.name).where(resources.c.kind == bindparam("in_kind", type_=Text), behind)
    return query.order_by(resources.c.name).limit(1).offset(bindparam("size", STEP - 1, type_=BigInteger))
