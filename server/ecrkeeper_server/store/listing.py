"""Pages of registries without wide columns, to detect changed ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Text,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    select,
    type_coerce,
)
from sqlalchemy.engine import Dialect as Compiler

from ecrkeeper_server.names import WILDCARD, RegistryName
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.declarations import STORED_DECLARATION, Stored, parsing_all
from ecrkeeper_server.store.declared_texts import reading_lists, reading_texts_of
from ecrkeeper_server.store.dialect import Dialect
from ecrkeeper_server.store.filter_expression import Narrowing
from ecrkeeper_server.store.json_columns import (
    AT_ONCE,
    HASHED_AT_ONCE,
    NARROW_CHARACTERS,
    ROW_CHARACTERS,
    Pace,
    TextBytes,
    as_text,
    reading_each,
    released,
)
from ecrkeeper_server.store.prepared import Prepared
from ecrkeeper_server.store.resources import narrowing, parsed_row
from ecrkeeper_server.store.rows import Declaration, Resource
from ecrkeeper_server.store.tables import (
    RESOURCE_COLUMNS,
    RESOURCE_NAMES,
    STATE_BYTES,
    declarations,
    resource,
    resources,
    schedule,
)
from ecrkeeper_server.store.versions import COUNTS, DIGEST, Versioned, versioned_of
from ecrkeeper_server.store.windows import order_of
from ecrkeeper_server.turns import Steps


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

    def listing(self) -> Steps[Listed]:
        """Return the resource as in a list, in steps."""
        row, marks = self.row, list[str]()
        for at, each in enumerate(self.declared):
            if at % _MARKS_AT_ONCE == _MARKS_AT_ONCE - 1:
                yield
            marks.append(_mark_of(each))
        joined = _BETWEEN_MARKS.join(sorted(marks)) or None
        return Listed(
            row.kind, row.account, row.place, row.name, row.uid, joined, row.generation, row.observed_generation,
            self.versioned.digest, row.observe_time, row.due_at,
        )  # fmt: skip


# Each change of a declaration makes another generation.
_MARK = ("owner", "uid", "generation", "observed_generation")
_MARKS_AT_ONCE = 200
_BETWEEN_MARKS, _BETWEEN_MEMBERS = "\n", "\t"
_MARKS_AT = Listed._fields.index("marks")
_OF_IT = and_(declarations.c.account == resources.c.account, declarations.c.region == resources.c.place)


def _mark_of(declared: Declaration) -> str:
    return _BETWEEN_MEMBERS.join(str(getattr(declared, member)) for member in _MARK)


def reading_list(tx: Tx, account: str, after: str, limit: int) -> Steps[list[Listed]]:
    """Return up to `limit` registries by name, after `after`, in steps.

    The account may be `-`.
    """
    query = _page(tx.conn.dialect, account != WILDCARD)
    values = {"in_kind": RegistryName.kind, "in_account": account, "behind": after, "most": limit}
    return list(map(_listed, (yield from query.reading(tx.conn, values, _hashed, NARROW_CHARACTERS))))


def _hashed(row: Sequence[Any]) -> int:
    """Return the characters for what the database has read of a row.

    It has read the state, and the versions of the declarations.
    """
    marks, length = row[_MARKS_AT] or "", row[-1]
    return int(length // HASHED_AT_ONCE + marks.count(_BETWEEN_MARKS) * NARROW_CHARACTERS)


def _listed(row: tuple[Any, ...]) -> Listed:
    """Return a row with its marks in the same order each time."""
    listed = Listed._make(row[:-1])
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
    query = select(*columns, marks, *COUNTS, DIGEST, schedule.c.observe_time, schedule.c.due_at, STATE_BYTES)
    query = query.select_from(resource).where(resources.c.kind == bindparam("in_kind"))
    name = order_of(of_account=of_account)
    query = query.where(name > bindparam("behind", type_=Text))
    if of_account:
        query = query.where(resources.c.account == bindparam("in_account"))
    return Prepared(query.order_by(name).limit(bindparam("most", type_=BigInteger)), compiler)


def reading(tx: Tx, names: Sequence[str]) -> Steps[Steps[dict[str, Read]]]:
    """Read resources with their declarations, and return the steps that parse them.

    They are as of one moment.
    """
    return _by_name((yield from _reading(tx, lambda query: query.where(resources.c.name.in_(names)))))


def _by_name(parsing: Steps[list[Read]]) -> Steps[dict[str, Read]]:
    return {each.row.name: each for each in (yield from parsing)}


def reading_page(
    tx: Tx, kind: str, account: str, after: str, limit: int, narrowed: Narrowing | None
) -> Steps[Steps[list[Read]]]:
    """Read a page of the same, by name."""
    return (yield from _reading(tx, (yield from narrowing(tx, kind, account, after, limit, narrowed))))


def _reading(tx: Tx, narrowed: Callable[[Select[Any]], Select[Any]]) -> Steps[Steps[list[Read]]]:
    # On Postgres, another statement would see what was written meanwhile.
    whole = tx.dialect.concurrent_writers
    (rows,) = tx.ask(tx.conn, [(narrowed(_texts(tx.dialect, whole=whole)), {})])
    texts: list[Any] = yield from reading_each(rows, lambda row: row, _characters)
    longer = {} if whole else (yield from reading_texts_of(tx, [row for row in texts if row[-1] is None]))
    return _parsing(texts, longer)


def _characters(row: Sequence[Any]) -> int:
    return len(row[_STATE_AT]) + len(row[-1] or "")


def _parsing(rows: list[Any], longer: Mapping[str, list[Stored]]) -> Steps[list[Read]]:
    """Return the values of rows; declarations that a row leaves out are in `longer`."""
    reads: list[Read] = []
    pace = Pace()
    for row in released(rows):
        if pace.is_over():
            yield
        pace.count(_characters(row))
        *columns, digest, declared = row
        versioned = versioned_of(parsed_row(columns), digest)
        texts = longer.get(versioned.row.name, []) if declared is None else (yield from reading_lists(declared))
        reads.append(Read(versioned, (yield from parsing_all(texts, pace))))
    return reads


@lru_cache(maxsize=8)
def _texts(dialect: Dialect, *, whole: bool) -> Select[Any]:
    """Return the query of resources with their declarations as a list.

    Unless they are to be `whole`, many or long declarations are left out.
    """
    declared: ColumnElement[Any] = select(dialect.json_lists(STORED_DECLARATION)).where(_OF_IT).scalar_subquery()
    if not whole:
        few = func.count() * ROW_CHARACTERS <= AT_ONCE
        short = func.coalesce(func.sum(TextBytes(type_coerce(declarations.c.settings, Text))), 0) <= AT_ONCE
        are_few, are_short = (
            select(each).select_from(declarations).where(_OF_IT).scalar_subquery() for each in (few, short)
        )
        # In this order, so that the lengths of many are not read.
        declared = case((~are_few, None), (are_short, declared), else_=None)
    return select(*map(as_text, RESOURCE_COLUMNS), DIGEST, declared.label("declared")).select_from(resource)


_STATE_AT = RESOURCE_NAMES.index("state")
