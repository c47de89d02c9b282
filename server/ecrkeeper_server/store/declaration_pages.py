"""Pages of declarations without wide columns, to detect changed ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    CTE,
    BigInteger,
    Select,
    Text,
    and_,
    bindparam,
    func,
    literal,
    select,
    tuple_,
)
from sqlalchemy.engine import Dialect as Compiler

from ecrkeeper_server.names import WILDCARD
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.declarations import STATE_AT, STORED_DECLARATION, STORED_REGISTRY, Stored
from ecrkeeper_server.store.dialect import Dialect
from ecrkeeper_server.store.json_columns import HASHED_AT_ONCE, NARROW_CHARACTERS, json_rows
from ecrkeeper_server.store.prepared import Prepared
from ecrkeeper_server.store.tables import STATE_BYTES, declarations, resources, schedule
from ecrkeeper_server.store.versions import STATUS_DIGEST
from ecrkeeper_server.store.work import KEY
from ecrkeeper_server.turns import Steps


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


_NAMES = ListedDeclaration._fields[:-2]
_BEHIND = [f"after_{name}" for name in KEY]


def reading_page(
    tx: Tx,
    account: str,
    region: str,
    after: tuple[str, str, str],
    limit: int,
    owner: str = WILDCARD,
    apply_group: str = WILDCARD,
) -> Steps[list[ListedDeclaration]]:
    """Return declarations by account, Region and owner, after `after`, in steps.

    Any of account, Region, owner and group may be `-`.
    """
    wanted = {"account": account, "region": region, "owner": owner, "apply_group": apply_group}
    columns = tuple(name for name, value in wanted.items() if value != WILDCARD)
    cursor = dict(zip(_BEHIND, after, strict=True))
    values = {f"in_{name}": wanted[name] for name in columns}
    streamed = tx.dialect.sorts_code_points
    query = _page(tx.conn.dialect, columns, streamed)
    rows = yield from query.reading(tx.conn, {**values, "max_rows": limit, **cursor}, _hashed, NARROW_CHARACTERS)
    listed = _listed(row[:-1] for row in rows)
    return sorted(listed, key=_place_of) if streamed else listed


def _place_of(row: ListedDeclaration) -> tuple[str, str, str]:
    return row.place


def _hashed(row: Sequence[Any]) -> int:
    """Return the characters for the state that the database has read for a row."""
    return (row[-1] or 0) // HASHED_AT_ONCE


@lru_cache(maxsize=64)
def _page(compiler: Compiler, columns: tuple[str, ...], streamed: bool) -> Prepared:
    key = [declarations.c[name] for name in KEY]
    query = select(*(declarations.c[name] for name in _NAMES))
    query = query.where(tuple_(*key) > tuple_(*(bindparam(name, type_=Text) for name in _BEHIND)))
    query = query.where(*(declarations.c[name] == bindparam(f"in_{name}") for name in columns))
    some = query.order_by(*key).limit(bindparam("max_rows", type_=BigInteger)).cte("some")
    listed = _with_registries(select(*some.c, STATUS_DIGEST, schedule.c.due_at, STATE_BYTES), some)
    # To order the rows, SQLite would hash the states of all of them before it returned the first one.
    return Prepared(listed if streamed else listed.order_by(*(some.c[name] for name in KEY)), compiler)


def _with_registries(query: Select[Any], some: CTE) -> Select[Any]:
    """Join declarations with the schedules and states of their registries.

    Only the first declaration of a registry gets its state, which can be large and have a thousand owners.
    These are outer joins: a declaration without its registry is no end of a page.
    """
    first = select(some.c.account, some.c.region, func.min(some.c.owner).label("owner"))
    firsts = first.group_by(some.c.account, some.c.region).cte("firsts")
    same = and_(*(firsts.c[name] == some.c[name] for name in KEY))
    registry = literal("accounts/") + some.c.account + "/registries/" + some.c.region
    query = query.select_from(some).outerjoin(firsts, same)
    query = query.outerjoin(resources, and_(firsts.c.owner.is_not(None), resources.c.name == registry))
    return query.outerjoin(schedule, schedule.c.name == registry)


def _listed(rows: Iterable[Sequence[Any]]) -> list[ListedDeclaration]:
    """Return rows, each with the digest that came with the first of its registry."""
    listed = [ListedDeclaration(*row) for row in rows]
    digests = {row.place[:2]: row.digest for row in listed if row.digest is not None}
    return [row if row.digest is not None else row._replace(digest=digests.get(row.place[:2])) for row in listed]


def reading(
    tx: Tx, rows: Sequence[ListedDeclaration]
) -> Steps[dict[tuple[str, ...], tuple[ListedDeclaration, Stored]]]:
    """Return the current rows of a list by account, Region and owner, in steps.

    Those that were removed since are missing.
    """
    values = json_rows(dict(zip(KEY, row, strict=False)) for row in rows)
    current = yield from _read(tx.dialect, tx.conn.dialect).reading(tx.conn, values)
    split = len(ListedDeclaration._fields)
    listed = _listed(row[:split] for row in current)
    stored = _stored([row[split:] for row in current])
    return {row.place: (row, columns) for row, columns in zip(listed, stored, strict=True) if columns is not None}


def _stored(rows: Sequence[Stored]) -> Iterator[Stored | None]:
    """Yield rows with the states of their registries; None without a registry.

    The state has come with the first row of a registry.
    """
    at = STATE_AT
    states = {row[:2]: (row[at], row[-1]) for row in rows if row[at] is not None}
    for row in rows:
        state = states.get(row[:2])
        yield None if state is None else (*row[:at], state[0], *row[at + 1 : -1], state[1])


@lru_cache(maxsize=8)
def _read(dialect: Dialect, compiler: Compiler) -> Prepared:
    names = dialect.json_table(dict.fromkeys(KEY, Text()))
    named = and_(*(declarations.c[name] == names.c[name] for name in KEY))
    # Without the settings, because SQLite reads all of it before it returns the first row.
    some = select(*(declarations.c[name] for name in KEY)).join_from(names, declarations, named).cte("some")
    listed = [declarations.c[name].label(f"listed_{name}") for name in _NAMES]
    columns = [
        *listed, STATUS_DIGEST, schedule.c.due_at.label("listed_due_at"), *STORED_DECLARATION, *STORED_REGISTRY,
    ]  # fmt: skip
    query = _with_registries(select(*columns), some)
    return Prepared(query.join(declarations, and_(*(declarations.c[name] == some.c[name] for name in KEY))), compiler)
