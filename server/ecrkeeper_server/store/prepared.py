"""Queries that a server answers thousands of times a second: compiled once, and handed to the driver as they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Select
from sqlalchemy.engine import Dialect


class Prepared:
    """A query whose rows are what the driver makes of them: columns of other types must be read as text.

    SQLAlchemy takes three times as long for each execution of a query by key as SQLite does for the row.
    """

    def __init__(self, query: Select[Any], dialect: Dialect) -> None:
        compiled: Any = query.compile(dialect=dialect)
        self._query = query
        self._text = compiled.string
        self._constants = compiled.params
        self._order = compiled.positiontup

    def rows(self, conn: Connection, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """All rows for these parameters; for reads outside of a transaction, since what fails is asked again.

        The second time SQLAlchemy asks: it knows which errors mean that a connection is lost, and what follows.
        """
        given = {**self._constants, **values}
        driver: Any = conn.connection.driver_connection
        try:
            found = driver.execute(self._text, [given[name] for name in self._order] if self._order else given)
            rows: list[tuple[Any, ...]] = found.fetchall()
        except conn.dialect.loaded_dbapi.Error:
            rows = [tuple(row) for row in conn.execute(self._query, values)]
        return rows
