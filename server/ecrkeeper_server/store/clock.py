"""Time as the database tells it, so that replicas with wrong clocks agree on leases."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import BigInteger, ColumnElement, literal_column

MICROSECONDS = 1_000_000
DAY = 86_400 * MICROSECONDS

Now = Callable[[], ColumnElement[int]]

_SQLITE = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) * 1000"
# The same for a whole statement, so that an index on a time can be searched by it.
_POSTGRES = "CAST(extract(epoch FROM statement_timestamp()) * 1000000 AS BIGINT)"


def database_time(dialect: str) -> Now:
    """The database's own clock as an SQL expression in microseconds."""
    text = literal_column(_SQLITE if dialect == "sqlite" else _POSTGRES, BigInteger)
    return lambda: text
