"""Precompiled queries for reads that a server makes thousands of times a second."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Select
from sqlalchemy.engine import Dialect

from ecrkeeper_server.store.json_columns import ROW_CHARACTERS, Pace
from ecrkeeper_server.turns import Steps


def characters_of(row: Sequence[Any]) -> int:
    """Return the length of a row's texts."""
    return sum(len(column) for column in row if type(column) is str)


class Prepared:
    """A query with unconverted rows of the driver: select other types as text.

    ValueError if its text depends on the values of its parameters.

    SQLAlchemy takes three times as long for a query by key as SQLite itself.
    """

    def __init__(self, query: Select[Any], dialect: Dialect) -> None:
        compiled: Any = query.compile(dialect=dialect)
        if compiled.post_compile_params or compiled.literal_execute_params:
            # The driver would reject the text, so each call would fail once before SQLAlchemy runs the query.
            raise ValueError(f"SQLAlchemy completes the text only when it executes the query: {compiled.string}")
        self._query = query
        self._text = compiled.string
        self._constants = compiled.params
        self._order = compiled.positiontup

    def rows(self, conn: Connection, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Return all rows for these parameters, outside of a transaction.

        If the driver fails, SQLAlchemy runs the query again: it knows which errors mean
        a lost connection, and how to recover.
        """
        try:
            rows: list[tuple[Any, ...]] = self._cursor(conn, values).fetchall()
        except conn.dialect.loaded_dbapi.Error:
            rows = self._again(conn, values)
        return rows

    def reading(
        self,
        conn: Connection,
        values: Mapping[str, Any],
        characters: Callable[[Sequence[Any]], int] = characters_of,
        row_characters: int = ROW_CHARACTERS,
    ) -> Steps[list[tuple[Any, ...]]]:
        """Return the same rows in steps.

        A row takes as long as reading `row_characters`, and those that `characters` returns.
        """
        rows: list[tuple[Any, ...]] = []
        pace = Pace()
        try:
            with contextlib.closing(self._cursor(conn, values)) as cursor:
                for row in cursor:
                    pace.count(characters(row), row_characters)
                    rows.append(row)
                    # Before the next row: SQLite's driver is one row ahead.
                    if pace.is_over():
                        yield
        except conn.dialect.loaded_dbapi.Error:
            return self._again(conn, values)
        return rows

    def _cursor(self, conn: Connection, values: Mapping[str, Any]) -> Any:
        parameters = {**self._constants, **values}
        driver: Any = conn.connection.driver_connection
        return driver.execute(self._text, [parameters[name] for name in self._order] if self._order else parameters)

    def _again(self, conn: Connection, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in conn.execute(self._query, values)]
