"""Read rows with a JSON value of up to a megabyte in steps.

A list first reads the keys and sizes of its rows, and then the rows that it shows.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple, Protocol, TypeVar

from sqlalchemy import ColumnElement, Select, Table, Text, func, select, type_coerce

from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.json_columns import (
    MEASURED_AT_ONCE,
    NARROW_CHARACTERS,
    Pace,
    TextBytes,
    reading_each,
    reading_json,
)
from ecrkeeper_server.store.long_json import LONG
from ecrkeeper_server.turns import Steps

T = TypeVar("T")


class Sized(NamedTuple):
    """The key of a row, and the bytes of its JSON value."""

    key: Any
    size: int


class _Measured(Protocol):
    @property
    def size(self) -> int: ...


def size_of(row: _Measured) -> int:
    """Return the bytes of a row."""
    return row.size


@lru_cache(maxsize=16)
def sizes(key: ColumnElement[Any], value: ColumnElement[Any]) -> Select[Any]:
    """Return the query of keys with the sizes of a JSON column.

    A missing value has no bytes.
    """
    columns: list[ColumnElement[Any]] = [key, func.coalesce(TextBytes(type_coerce(value, Text)), 0)]
    return select(*columns)


def reading_sizes(tx: Tx, query: Select[Any]) -> Steps[list[Sized]]:
    """Return the rows of such a query."""
    (rows,) = tx.ask(tx.conn, [(query, {})])
    return reading_each(rows, Sized._make, lambda row: row[1] // MEASURED_AT_ONCE, NARROW_CHARACTERS)


def reading_rows(
    tx: Tx,
    table: Table,
    value: str,
    condition: ColumnElement[bool],
    make: Callable[..., T],
    parsing: Callable[[str], Steps[Any]] = reading_json,
) -> Steps[list[T]]:
    """Return the rows of a table, in no order.

    `parsing` reads the text of the long JSON column.
    """
    names = list(table.c.keys())
    (rows,) = tx.ask(tx.conn, [(_with_text(table, value).where(condition), {})])
    existing: list[T] = []
    pace = Pace()
    for row in rows:
        if pace.is_over():
            yield
        values = dict(zip(names, row, strict=True))
        text = values[value]
        if text is not None:
            pace.count(len(text))
            if len(text) > LONG:
                yield
            values[value] = yield from parsing(text)
        existing.append(make(**values))
    return existing


@lru_cache(maxsize=16)
def _with_text(table: Table, value: str) -> Select[Any]:
    columns: list[ColumnElement[Any]] = [
        type_coerce(column, Text).label(column.key) if column.key == value else column for column in table.c
    ]
    return select(*columns)
