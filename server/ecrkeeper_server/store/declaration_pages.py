"""Pages of declarations without wide columns, to detect changed ones."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Text, and_, bindparam, func, literal_column, select, tuple_, type_coerce
from sqlalchemy.engine import Dialect as Compiler

from ecrkeeper_server.names import WILDCARD
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.declarations import REGISTRY, STORED, Stored
from ecrkeeper_server.store.dialect import Dialect
from ecrkeeper_server.store.json_columns import json_rows
from ecrkeeper_server.store.prepared import Prepared
from ecrkeeper_server.store.tables import declarations, resources, schedule
from ecrkeeper_server.store.work import KEY


class ListedDeclaration(NamedTuple):
    """A declaration in a list.

    `digest` is of the status of its registry, None if there is none.
    """

    account: str
    region: str
    owner: str
    apply_group: str | None
    uid: str
    generation: int
    observed_generation: int
    update_time: int
    managed_by: str | None
    digest: int | None
    due_at: int | None

    @property
    def key(self) -> tuple[Any, ...]:
        """The version: with equal keys, only `due_at` of two rows can differ."""
        return self[:-1]

    @property
    def place(self) -> tuple[str, str, str]:
        """The account, the Region and the owner."""
        return self[:3]


# The database hashes the text, so that most states are not transferred.
_DIGEST = func.hashtextextended(
    type_coerce(resources.c.state, Text)
    + func.coalesce(type_coerce(resources.c.events, Text), literal_column("''", Text)),
    literal_column("0", BigInteger),
    type_=BigInteger,
).label("digest")
_LISTED = [*(declarations.c[name] for name in ListedDeclaration._fields[:-2]), _DIGEST, schedule.c.due_at]
_SCHEDULED = schedule.c.name == resources.c.name
_BEHIND = [f"after_{name}" for name in KEY]


def page(
    tx: Tx,
    account: str,
    region: str,
    after: tuple[str, str, str],
    limit: int,
    owner: str = WILDCARD,
    apply_group: str = WILDCARD,
) -> list[ListedDeclaration]:
    """Return declarations by account, Region and owner, after `after`.

    Any of account, Region, owner and group may be `-`.
    """
    wanted = {"account": account, "region": region, "owner": owner, "apply_group": apply_group}
    columns = tuple(name for name, value in wanted.items() if value != WILDCARD)
    cursor = dict(zip(_BEHIND, after, strict=True))
    values = {f"in_{name}": wanted[name] for name in columns}
    rows = _page(tx.conn.dialect, columns).rows(tx.conn, {**values, "max_rows": limit, **cursor})
    return list(map(ListedDeclaration._make, rows))


@lru_cache(maxsize=64)
def _page(compiler: Compiler, columns: tuple[str, ...]) -> Prepared:
    key = [declarations.c[name] for name in KEY]
    # Outer joins: a declaration without its registry is no end of the page.
    query = select(*_LISTED).join_from(declarations, resources, REGISTRY, isouter=True)
    query = query.join(schedule, _SCHEDULED, isouter=True)
    query = query.where(tuple_(*key) > tuple_(*(bindparam(name, type_=Text) for name in _BEHIND)))
    query = query.where(*(declarations.c[name] == bindparam(f"in_{name}") for name in columns))
    return Prepared(query.order_by(*key).limit(bindparam("max_rows", type_=BigInteger)), compiler)


def read(tx: Tx, rows: Sequence[ListedDeclaration]) -> dict[tuple[str, ...], tuple[ListedDeclaration, Stored]]:
    """Return the current rows of a list, by account, Region and owner.

    Those that were removed since are missing.
    """
    values = json_rows(dict(zip(KEY, row, strict=False)) for row in rows)
    current = _read(tx.dialect, tx.conn.dialect).rows(tx.conn, values)
    split = len(ListedDeclaration._fields)
    listed = ((ListedDeclaration._make(row[:split]), row[split:]) for row in current)
    return {row.place: (row, stored) for row, stored in listed}


@lru_cache(maxsize=8)
def _read(dialect: Dialect, compiler: Compiler) -> Prepared:
    names = dialect.json_table(dict.fromkeys(KEY, Text()))
    named = and_(*(declarations.c[name] == names.c[name] for name in KEY))
    listed = [column.label(f"listed_{column.name}") for column in _LISTED]
    query = select(*listed, *STORED).join_from(names, declarations, named).join(resources, REGISTRY)
    return Prepared(query.join(schedule, _SCHEDULED), compiler)
