"""Independent queries of one transaction, which share a round trip on Postgres.

Each statement has its own snapshot: a query behind a lock sees everything that was
committed before the lock was granted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Select
from sqlalchemy.engine import Dialect as Compiler

from ecrkeeper_server.store.database import Query, Rows
from ecrkeeper_server.store.json_columns import JsonText
from ecrkeeper_server.store.pipeline import is_pipelined, send

_Read = tuple[int, Callable[[str], Any]]
"""The position of a column of JSON, and the function that reads it."""


def ask(conn: Connection, queries: Sequence[Query]) -> list[Rows]:
    """Return the rows of each query, in order."""
    if not is_pipelined(conn):
        return [conn.execute(query, values).all() for query, values in queries]
    # SQLAlchemy executes the last one, and handles the errors of all of them.
    *first, (query, values) = queries
    sent = [_sent(conn, each, parameters) for each, parameters in first]
    last = conn.execute(query, values).all()
    return [*(fetch() for fetch in sent), last]


def _sent(conn: Connection, query: Select[Any], values: Mapping[str, Any]) -> Callable[[], Rows]:
    text, constants, read = _compiled(query, conn.dialect)
    errors: Any = conn.dialect.loaded_dbapi
    try:
        cursor = send(conn, text, {**constants, **values})
    except errors.Error:
        return conn.execute(query, values).all
    return lambda: [_decoded(row, read) for row in cursor.fetchall()]


@lru_cache(maxsize=256)
def _compiled(query: Select[Any], compiler: Compiler) -> tuple[str, Mapping[str, Any], list[_Read]]:
    compiled: Any = query.compile(dialect=compiler)
    types = ((n, column.type) for n, column in enumerate(query.selected_columns))
    return compiled.string, compiled.params, [(n, kind.read) for n, kind in types if isinstance(kind, JsonText)]


def _decoded(row: Sequence[Any], columns: Sequence[_Read]) -> Sequence[Any]:
    values = list(row)
    for n, read in columns:
        if values[n] is not None:
            values[n] = read(values[n])
    return values
