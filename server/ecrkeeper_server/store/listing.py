"""Pages of registries without wide columns, to detect changed ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Select, Text, and_, bindparam, case, cast, func, literal_column, select, type_coerce
from sqlalchemy.engine import Dialect as Compiler

from ecrkeeper_server.names import WILDCARD, RegistryName
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.declarations import SETTINGS_AT, STORED_DECLARATION, Stored, as_text, parsed, parsing_one
from ecrkeeper_server.store.declared_texts import owner_of, reading_texts_of
from ecrkeeper_server.store.dialect import Dialect
from ecrkeeper_server.store.filter_expression import Condition
from ecrkeeper_server.store.json_columns import (
    AT_ONCE,
    HASHED_AT_ONCE,
    NARROW_CHARACTERS,
    ROW_CHARACTERS,
    JsonText,
    Pace,
    TextBytes,
    read_json,
    reading_each,
    reading_json,
)
from ecrkeeper_server.store.prepared import Prepared
from ecrkeeper_server.store.resources import page_of
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
from ecrkeeper_server.store.versions import COUNTS, DIGEST, VERSIONED, Versioned, versioned_of
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
    query = query.where(resources.c.name > bindparam("behind"))
    if of_account:
        query = query.where(resources.c.account == bindparam("in_account"))
    return Prepared(query.order_by(resources.c.name).limit(bindparam("most", type_=BigInteger)), compiler)


def reading(tx: Tx, names: Sequence[str]) -> Steps[dict[str, Read]]:
    """Return resources with their declarations, as of one moment and in steps."""
    return {each.row.name: each for each in (yield from _reading(tx, lambda q: q.where(resources.c.name.in_(names))))}


def reading_page(
    tx: Tx, kind: str, account: str, after: str, limit: int, condition: Condition | None
) -> Steps[list[Read]]:
    """Return a page of the same, by name."""

    def page(query: Select[Any]) -> Select[Any]:
        query = page_of(query, kind, account, after, limit)
        return query if condition is None else query.where(condition)

    return (yield from _reading(tx, page))


def _reading(tx: Tx, narrowed: Callable[[Select[Any]], Select[Any]]) -> Steps[list[Read]]:
    if tx.dialect.concurrent_writers:
        # Another statement would see what was written meanwhile.
        return [_read(row._asdict()) for row in tx.conn.execute(narrowed(_whole(tx.dialect)))]
    (rows,) = tx.ask(tx.conn, [(narrowed(_texts(tx.dialect)), {})])
    stored: list[tuple[Versioned, str | None]] = yield from reading_each(
        rows, lambda row: (_versioned(row[:-1]), row[-1]), lambda row: len(row[_STATE_AT]) + len(row[-1] or "")
    )
    longer = yield from reading_texts_of(tx, [each.row for each, declared in stored if declared is None])
    reads: list[Read] = []
    for each, declared in stored:
        texts = longer[each.row.name] if declared is None else (yield from _short(declared))
        reads.append(Read(each, (yield from _parsing(texts))))
    return reads


def _short(declared: str) -> Steps[list[Stored]]:
    return sorted((yield from reading_json(declared)), key=owner_of)


def _versioned(row: Sequence[Any]) -> Versioned:
    columns = dict(zip(_NAMES, row, strict=True))
    parsed_columns = {name: None if columns[name] is None else read(columns[name]) for name, read in _JSON}
    return versioned_of({**columns, **parsed_columns})


def _parsing(texts: Sequence[Stored]) -> Steps[list[Declaration]]:
    """Return the values of declarations; pause between long or many ones only."""
    declared: list[Declaration] = []
    pace = Pace()
    for text in texts:
        if pace.is_over():
            yield
        pace.count(len(text[SETTINGS_AT]))
        declared.append((yield from parsing_one(text)))
    return declared


@lru_cache(maxsize=4)
def _texts(dialect: Dialect) -> Select[Any]:
    """Return the query of resources with few declarations; of more they have none."""
    few = func.count() * ROW_CHARACTERS <= AT_ONCE
    short = func.coalesce(func.sum(TextBytes(type_coerce(declarations.c.settings, Text))), 0) <= AT_ONCE
    lists = select(dialect.json_lists(STORED_DECLARATION)).where(_OF_IT).scalar_subquery()
    are_few, are_short = (
        select(each).select_from(declarations).where(_OF_IT).scalar_subquery() for each in (few, short)
    )
    # In this order, so that the lengths of many are not read.
    declared = case((~are_few, None), (are_short, lists), else_=None)
    return select(*map(as_text, RESOURCE_COLUMNS), DIGEST, declared.label("declared")).select_from(resource)


_JSON = [(column.name, column.type.read) for column in RESOURCE_COLUMNS if isinstance(column.type, JsonText)]
_NAMES = [*RESOURCE_NAMES, DIGEST.name]
_STATE_AT = _NAMES.index("state")


@lru_cache(maxsize=4)
def _whole(dialect: Dialect) -> Select[Any]:
    declared = select(dialect.json_lists(STORED_DECLARATION)).where(_OF_IT).scalar_subquery()
    return VERSIONED.add_columns(declared.label("declared"))


def _read(columns: dict[str, Any]) -> Read:
    text = columns.pop("declared")
    declared = [parsed(each) for each in (read_json(text) if text else ())]
    return Read(versioned_of(columns), sorted(declared, key=lambda each: each.owner))
