"""The SQL of SQLite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    SelectBase,
    Table,
    Text,
    bindparam,
    cast,
    func,
    literal,
    literal_column,
    select,
    type_coerce,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.types import TypeEngine

from ecrkeeper_server.store.clock import Now
from ecrkeeper_server.store.dialect import Dialect
from ecrkeeper_server.store.json_columns import ROWS, JsonText, TextBytes

_NOW = literal_column("CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) * 1000", BigInteger)


def sqlite_now() -> ColumnElement[int]:
    """Return the time, to a millisecond."""
    return _NOW


@compiles(TextBytes, "sqlite")
def _text_bytes(element: TextBytes, compiler: Any, **options: Any) -> str:
    return f"length(CAST({compiler.process(element.clauses, **options)} AS BLOB))"


@dataclass(frozen=True)
class SqliteDialect(Dialect):
    """The SQL of SQLite, whose one writer counts its transactions in a column."""

    now: Now = sqlite_now

    @property
    def sorts_code_points(self) -> bool:
        """The collation of all columns is BINARY."""
        return True

    @property
    def concurrent_writers(self) -> bool:
        """Return False."""
        return False

    def statistics(self, table: Table) -> None:
        """Return None: without statistics, the index with the most equal columns is used."""

    def insert_or_ignore(self, table: Table) -> Any:
        """Return an INSERT ... ON CONFLICT DO NOTHING."""
        return sqlite.insert(table).on_conflict_do_nothing()

    def json_table(self, columns: Mapping[str, TypeEngine[Any]]) -> Any:
        """Return a select over `json_each`."""
        each = func.json_each(bindparam(ROWS, type_=Text)).table_valued("value")
        members = [
            func.json_extract(each.c.value, f"$.{name}", type_=kind).label(name) for name, kind in columns.items()
        ]
        return select(*members).select_from(each).subquery(ROWS)

    def json_integer(self, parameter: str, key: ColumnElement[str]) -> ColumnElement[int]:
        """Return a `json_extract` with a path built from the key."""
        path = literal('$."').concat(key).concat('"')
        return cast(func.json_extract(bindparam(parameter, type_=JsonText), path), Integer)

    def json_member(self, column: ColumnElement[Any], name: str) -> ColumnElement[str]:
        """Return a `json_extract`."""
        return func.json_extract(type_coerce(column, Text), f"$.{name}", type_=Text)

    def json_part(self, column: ColumnElement[Any], name: str) -> ColumnElement[str]:
        """Return the member alone: a long text is not read."""
        member = literal(f'{{"{name}":').concat(self.json_member(column, name)).concat("}")
        return func.coalesce(member, "{}")

    def json_lists(self, columns: Sequence[ColumnElement[Any]]) -> ColumnElement[str]:
        """Return a `json_group_array`."""
        return func.json_group_array(func.json_array(*columns), type_=Text)

    def one_of(self, column: ColumnElement[str], names: SelectBase) -> ColumnElement[bool]:
        """Return an IN condition: SQLite looks up each name."""
        return column.in_(names)

    def transaction_id(self, ids: ColumnElement[int]) -> ColumnElement[int]:
        """Return the number after the newest one."""
        return select(func.coalesce(func.max(ids), 0) + 1).scalar_subquery()

    def first_unfinished(self, ids: ColumnElement[int]) -> ColumnElement[int]:
        """Return the number after the newest one: readers see only finished transactions."""
        return self.transaction_id(ids)

    def first_unassigned(self, ids: ColumnElement[int]) -> ColumnElement[int]:
        """Return the number after the newest one."""
        return self.transaction_id(ids)
