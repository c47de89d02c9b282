"""The SQL of Postgres."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Executable,
    Integer,
    SelectBase,
    Table,
    Text,
    any_,
    bindparam,
    cast,
    column,
    func,
    literal_column,
    text,
    type_coerce,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeEngine

from ecrkeeper_server.store.clock import Now
from ecrkeeper_server.store.dialect import Dialect
from ecrkeeper_server.store.json_columns import ROWS

# Constant within a statement, so that it can be compared with an index on a time.
_NOW = literal_column("CAST(extract(epoch FROM statement_timestamp()) * 1000000 AS BIGINT)", BigInteger)
_THIS = literal_column("CAST(CAST(pg_current_xact_id() AS text) AS bigint)", BigInteger)
_OLDEST_RUNNING = literal_column("CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint)", BigInteger)
_NEXT = literal_column("CAST(CAST(pg_snapshot_xmax(pg_current_snapshot()) AS text) AS bigint)", BigInteger)


def postgres_now() -> ColumnElement[int]:
    """Return the time at which the statement began."""
    return _NOW


@dataclass(frozen=True)
class PostgresDialect(Dialect):
    """The SQL of Postgres, which numbers its transactions itself."""

    now: Now = postgres_now

    @property
    def sorts_code_points(self) -> bool:
        """The collation of the database decides."""
        return False

    @property
    def concurrent_writers(self) -> bool:
        """Return True."""
        return True

    def statistics(self, table: Table) -> Executable:
        """Return an ANALYZE, which has no effect for users who do not own the table."""
        return text(f"ANALYZE (SKIP_LOCKED) {table.name}")

    def insert_or_ignore(self, table: Table) -> Any:
        """Return an INSERT ... ON CONFLICT DO NOTHING."""
        return postgresql.insert(table).on_conflict_do_nothing()

    def json_table(self, columns: Mapping[str, TypeEngine[Any]]) -> Any:
        """Return a `json_to_recordset`."""
        text = bindparam(ROWS, type_=Text)
        typed: list[Any] = [column(name, kind) for name, kind in columns.items()]
        records = func.json_to_recordset(cast(text, postgresql.JSON)).table_valued(*typed, name=ROWS)
        return records.render_derived(with_types=True)

    def json_integer(self, parameter: str, key: ColumnElement[str]) -> ColumnElement[int]:
        """Return the member of a `jsonb`."""
        member: ColumnElement[Any] = bindparam(parameter, type_=postgresql.JSONB).op("->>")(key)
        return cast(member, Integer)

    def json_member(self, column: ColumnElement[Any], name: str) -> ColumnElement[str]:
        """Return the member of a `json`.

        It keeps escapes that a text of Postgres cannot hold.
        """
        member: ColumnElement[Any] = cast(type_coerce(column, Text), postgresql.JSON).op("->")(name)
        return cast(member, Text)

    def json_part(self, column: ColumnElement[Any], name: str) -> ColumnElement[str]:
        """Return the whole text.

        `json` rejects a NUL and half surrogate pairs anywhere in it.
        """
        return type_coerce(column, Text)

    def json_lists(self, columns: Sequence[ColumnElement[Any]]) -> ColumnElement[str]:
        """Return the lists with commas between them.

        `json_agg` would add spaces, and a long list without them is parsed in parts.
        """
        comma: Any = literal_column("','", Text)
        lists = func.aggregate_strings(cast(func.json_build_array(*columns), Text), comma)
        whole: ColumnElement[str] = literal_column("'['", Text) + lists + literal_column("']'", Text)
        return whole

    def one_of(self, column: ColumnElement[str], names: SelectBase) -> ColumnElement[bool]:
        """Return a comparison with an array, which always uses the index."""
        return column == any_(func.array(names.scalar_subquery()))

    def transaction_id(self, ids: ColumnElement[int]) -> ColumnElement[int]:
        """Return `pg_current_xact_id`."""
        return _THIS

    def first_unfinished(self, ids: ColumnElement[int]) -> ColumnElement[int]:
        """Return the `xmin` of the snapshot."""
        return _OLDEST_RUNNING

    def first_unassigned(self, ids: ColumnElement[int]) -> ColumnElement[int]:
        """Return the `xmax` of the snapshot."""
        return _NEXT
