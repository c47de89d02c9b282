"""Read rows with a JSON value of up to a megabyte in steps.

A list first reads the keys and sizes of its rows, and then the rows that it shows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol, TypeVar

from sqlalchemy import ColumnElement, Select, Table, Text, func, select, type_coerce

from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.json_columns import (
    MEASURED_AT_ONCE,
    NARROW_CHARACTERS,
    Pace,
    Reader,
    TextBytes,
    as_text,
    readers,
    reading_each,
    released,
)
from ecrkeeper_server.store.prepared import characters_of
from ecrkeeper_server.turns import Steps

T = TypeVar("T")
_NO_OTHERS: Mapping[str, Reader] = MappingProxyType({})


class Sized(NamedTuple):
    """The key of a row, and the bytes of its JSON value."""

    key: Any
    size: int


class Measured(Protocol):
    """A row with its bytes."""

    @property
    def size(self) -> int:
        """The bytes."""


def size_of(row: Measured) -> int:
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
    narrowed: Callable[[Select[Any]], Select[Any]],
    make: Callable[..., T],
    parsing: Mapping[str, Reader] = _NO_OTHERS,
) -> Steps[Steps[list[T]]]:
    """Read the rows of a narrowed query, and return the steps that parse them.

    `parsing` has other readers of some columns.
    """
    (rows,) = tx.ask(tx.conn, [(narrowed(_texts(table)), {})])
    texts = yield from reading_each(rows, tuple, characters_of)
    return _parsing(texts, list(table.c.keys()), make, {**_readers(table), **parsing})


def _parsing(
    rows: list[tuple[Any, ...]], names: Sequence[str], make: Callable[..., T], parsing: Mapping[str, Reader]
) -> Steps[list[T]]:
    existing: list[T] = []
    pace = Pace()
    for row in released(rows):
        pace.count(characters_of(row))
        if pace.is_over():
            yield
        values = dict(zip(names, row, strict=True))
        for name, reading in parsing.items():
            if values[name] is not None:
                values[name] = yield from reading(values[name])
        existing.append(make(**values))
    return existing


@lru_cache(maxsize=16)
def _texts(table: Table) -> Select[Any]:
    return select(*map(as_text, table.c))


@lru_cache(maxsize=16)
def _readers(table: Table) -> Mapping[str, Reader]:
    return readers(table.c)
