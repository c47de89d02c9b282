"""Precompiled queries for reads that a server makes thousands of times a second."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Select
from sqlalchemy.engine import Dialect


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
        parameters = {**self._constants, **values}
        driver: Any = conn.connection.driver_connection
        try:
            cursor = driver.execute(
                self._text, [parameters[name] for name in self._order] if self._order else parameters
            )
            rows: list[tuple[Any, ...]] = cursor.fetchall()
        except conn.dialect.loaded_dbapi.Error:
            rows = [tuple(row) for row in conn.execute(self._query, values)]
        return rows
