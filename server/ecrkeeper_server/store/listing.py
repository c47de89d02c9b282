"""Pages of registries without wide columns, to detect changed ones."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Select, Text, and_, bindparam, cast, func, literal_column, select
from sqlalchemy.engine import Dialect as Compiler

from ecrkeeper_server.names import WILDCARD, RegistryName
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.declarations import STORED_DECLARATION, parsed
from ecrkeeper_server.store.dialect import Dialect
from ecrkeeper_server.store.filter_expression import Condition
from ecrkeeper_server.store.json_columns import read_json
from ecrkeeper_server.store.prepared import Prepared
from ecrkeeper_server.store.resources import page_of
from ecrkeeper_server.store.rows import Declaration, Resource
from ecrkeeper_server.store.tables import declarations, resource, resources, schedule
from ecrkeeper_server.store.versions import COUNTS, DIGEST, VERSIONED, Versioned, versioned_of


class Listed(NamedTuple):
    """A registry in a list; `marks` are the versions of its declarations."""

    kind: str
    account: str
    place: str
    name: str
    uid: str
    marks: str | None
    generation: int
    observed_generation: int
    digest: int
    observe_time: int | None
    due_at: int | None

    @property
    def key(self) -> tuple[Any, ...]:
        """The version: with equal keys, only the times of `schedule` can differ."""
        return self[:-2]


class Read(NamedTuple):
    """A resource with its declarations."""

    versioned: Versioned
    declared: list[Declaration]

    @property
    def row(self) -> Resource:
        """The resource."""
        return self.versioned.row

    @property
    def listed(self) -> Listed:
        """The resource as in a list."""
        row = self.row
        marks = _BETWEEN_MARKS.join(sorted(map(_mark_of, self.declared))) or None
        return Listed(
            row.kind, row.account, row.place, row.name, row.uid, marks, row.generation, row.observed_generation,
            self.versioned.digest, row.observe_time, row.due_at,
        )  # fmt: skip


# Each change of a declaration makes another generation.
_MARK = ("owner", "uid", "generation", "observed_generation")
_BETWEEN_MARKS, _BETWEEN_MEMBERS = "\n", "\t"
_OF_IT = and_(declarations.c.account == resources.c.account, declarations.c.region == resources.c.place)


def _mark_of(declared: Declaration) -> str:
    return _BETWEEN_MEMBERS.join(str(getattr(declared, member)) for member in _MARK)


def page(tx: Tx, account: str, after: str, limit: int) -> list[Listed]:
    """Return up to `limit` registries by name, after `after`; the account may be `-`."""
    query = _page(tx.conn.dialect, account != WILDCARD)
    values = {"in_kind": RegistryName.kind, "in_account": account, "behind": after, "most": limit}
    return [_listed(row) for row in query.rows(tx.conn, values)]


def _listed(row: tuple[Any, ...]) -> Listed:
    """Return a row with its marks in the same order each time."""
    listed = Listed._make(row)
    if listed.marks is None or _BETWEEN_MARKS not in listed.marks:
        return listed
    return listed._replace(marks=_BETWEEN_MARKS.join(sorted(listed.marks.split(_BETWEEN_MARKS))))


@lru_cache(maxsize=8)
def _page(compiler: Compiler, of_account: bool) -> Prepared:
    first, *others = (cast(declarations.c[member], Text) for member in _MARK)
    mark: Any = first
    for each in others:
        mark = mark.concat(_BETWEEN_MEMBERS).concat(each)
    between: Any = literal_column(f"'{_BETWEEN_MARKS}'", Text)
    marks = select(func.aggregate_strings(mark, between)).where(_OF_IT).scalar_subquery()
    columns = [resources.c[name] for name in ("kind", "account", "place", "name", "uid")]
    query = select(*columns, marks, *COUNTS, DIGEST, schedule.c.observe_time, schedule.c.due_at)
    query = query.select_from(resource).where(resources.c.kind == bindparam("in_kind"))
    query = query.where(resources.c.name > bindparam("behind"))
    if of_account:
        query = query.where(resources.c.account == bindparam("in_account"))
    return Prepared(query.order_by(resources.c.name).limit(bindparam("most", type_=BigInteger)), compiler)


def read(tx: Tx, names: Sequence[str]) -> dict[str, Read]:
    """Return existing resources with their declarations, by one statement."""
    rows = tx.conn.execute(_whole(tx.dialect).where(resources.c.name.in_(names)))
    return {row.name: _read(row._asdict()) for row in rows}


def snapshot(tx: Tx, kind: str, account: str, after: str, limit: int, condition: Condition | None) -> list[Read]:
    """Return a page of resources with their declarations, by one statement."""
    query = page_of(_whole(tx.dialect), kind, account, after, limit)
    rows = tx.conn.execute(query if condition is None else query.where(condition))
    return [_read(row._asdict()) for row in rows]


@lru_cache(maxsize=4)
def _whole(dialect: Dialect) -> Select[Any]:
    declared = select(dialect.json_lists(STORED_DECLARATION)).where(_OF_IT).scalar_subquery()
    return VERSIONED.add_columns(declared.label("declared"))


def _read(columns: dict[str, Any]) -> Read:
    text = columns.pop("declared")
    declared = [parsed(each) for each in (read_json(text) if text else ())]
    return Read(versioned_of(columns), sorted(declared, key=lambda each: each.owner))
