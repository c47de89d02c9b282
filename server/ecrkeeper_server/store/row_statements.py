"""Statements that insert and update rows of a table, cached by their columns.

The values of the rows are parameters, or all rows are one JSON parameter.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Table, bindparam, insert, select, update

from ecrkeeper_server.store.database import Stamp, Values
from ecrkeeper_server.store.dialect import Dialect
from ecrkeeper_server.store.json_columns import JsonText, json_rows, json_text


# Building a statement takes longer than running it.
@lru_cache(maxsize=128)
def insertion(dialect: Dialect, table: Table, columns: tuple[str, ...], stamp: Stamp) -> Any:
    """Return the statement that inserts rows.

    Its parameters are named after the columns.
    """
    # SQLAlchemy requests generated keys by itself, and a statement that returns rows is awaited.
    return insert(table).values({**{name: bindparam(name) for name in columns}, **stamp(dialect)}).inline()


@lru_cache(maxsize=128)
def change(table: Table, key: tuple[str, ...], columns: tuple[str, ...]) -> Any:
    """Return the statement that updates rows by their keys.

    Its parameters have a `_` before the column's name.
    """
    return _changing(table, key, columns, {name: bindparam(f"_{name}") for name in columns})


@lru_cache(maxsize=128)
def json_insertion(dialect: Dialect, table: Table, columns: tuple[str, ...], stamp: Stamp) -> Any:
    """Return the statement that inserts the rows of its parameter (`as_json`)."""
    values, stamped = _parameter_columns(dialect, table, columns), stamp(dialect)
    return insert(table).from_select(
        [*columns, *stamped], select(*(values[name] for name in columns), *stamped.values())
    )


@lru_cache(maxsize=128)
def json_change(dialect: Dialect, table: Table, key: tuple[str, ...], columns: tuple[str, ...]) -> Any:
    """Return the statement that updates rows by their keys.

    The new values are in its one parameter (`as_json`).
    """
    return _changing(table, key, columns, _parameter_columns(dialect, table, columns))


def as_json(table: Table, rows: Sequence[Values]) -> dict[str, str]:
    """Return rows as one parameter."""
    stored = [name for name in rows[0] if isinstance(table.c[name].type, JsonText)]
    return json_rows({**row, **{name: json_text(row[name]) for name in stored}} for row in rows)


def _parameter_columns(dialect: Dialect, table: Table, columns: tuple[str, ...]) -> Any:
    return dialect.json_table({name: table.c[name].type for name in columns}).c


def _changing(table: Table, key: tuple[str, ...], columns: tuple[str, ...], values: Any) -> Any:
    which = [table.c[name] == values[name] for name in key]
    return update(table).where(*which).values({name: values[name] for name in columns if name not in key})
