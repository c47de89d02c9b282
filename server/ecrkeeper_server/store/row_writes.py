"""Insert and update many rows of a table.

psycopg sends each row of a statement by itself, and waits for Python's lock each time: while other threads run, that
takes longer than the statement. On Postgres, all rows are one parameter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Table, bindparam, insert, select, update

from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.dialect import Dialect
from ecrkeeper_server.store.tables import JsonText, json_rows, json_text

Values = Mapping[str, Any]
"""The values of a row by column; all rows of a call have the same columns."""

Stamp = Callable[[Dialect], Mapping[str, ColumnElement[Any]]]
"""Returns expressions by column, which are the same for all rows."""


def no_stamp(_: Dialect) -> Mapping[str, ColumnElement[Any]]:
    """Return no expressions."""
    return {}


def insert_rows(tx: Tx, table: Table, rows: Sequence[Values], stamp: Stamp = no_stamp) -> None:
    """Insert rows."""
    if rows:
        together = _together(tx, rows)
        statement = _insert(tx.dialect, table, tuple(rows[0]), stamp, together)
        tx.conn.execute(statement, _json(table, rows) if together else _one_or_all(rows))


def update_rows(tx: Tx, table: Table, key: tuple[str, ...], rows: Sequence[Values]) -> None:
    """Update rows by their keys, which are among the values."""
    if rows:
        together = _together(tx, rows)
        statement = _update(tx.dialect, table, key, tuple(rows[0]), together)
        named = rows if together else [{f"_{name}": value for name, value in row.items()} for row in rows]
        tx.conn.execute(statement, _json(table, rows) if together else _one_or_all(named))


def _together(tx: Tx, rows: Sequence[Values]) -> bool:
    return len(rows) > 1 and tx.dialect.sends_rows_one_by_one


def _one_or_all(rows: Sequence[Values]) -> Any:
    return rows[0] if len(rows) == 1 else rows


def _json(table: Table, rows: Sequence[Values]) -> dict[str, str]:
    stored = [name for name in rows[0] if isinstance(table.c[name].type, JsonText)]
    return json_rows({**row, **{name: json_text(row[name]) for name in stored}} for row in rows)


# Building a statement takes longer than running it.
@lru_cache(maxsize=128)
def _insert(dialect: Dialect, table: Table, columns: tuple[str, ...], stamp: Stamp, together: bool) -> Any:
    stamped = stamp(dialect)
    if not together:
        # SQLAlchemy asks for generated keys by itself, and a statement with rows is waited for.
        return insert(table).values({**{name: bindparam(name) for name in columns}, **stamped}).inline()
    given = _given(dialect, table, columns)
    source = select(*(given.c[name] for name in columns), *stamped.values())
    return insert(table).from_select([*columns, *stamped], source)


@lru_cache(maxsize=128)
def _update(dialect: Dialect, table: Table, key: tuple[str, ...], columns: tuple[str, ...], together: bool) -> Any:
    given = _given(dialect, table, columns).c if together else {name: bindparam(f"_{name}") for name in columns}
    which = [table.c[name] == given[name] for name in key]
    return update(table).where(*which).values({name: given[name] for name in columns if name not in key})


def _given(dialect: Dialect, table: Table, columns: tuple[str, ...]) -> Any:
    return dialect.json_table({name: table.c[name].type for name in columns})
