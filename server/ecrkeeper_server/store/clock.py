"""Time as the database tells it, so that replicas with wrong clocks agree on leases."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import BigInteger, ColumnElement, literal, literal_column

MICROSECONDS = 1_000_000

Now = Callable[[], ColumnElement[int]]

_SQLITE = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) * 1000"
_POSTGRES = "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)"


def database_time(dialect: str) -> Now:
    """The database's own clock as an SQL expression in microseconds."""
    text = _SQLITE if dialect == "sqlite" else _POSTGRES
    return lambda: literal_column(text, BigInteger)


def fixed_time(seconds: Callable[[], float]) -> Now:
    """A clock that a test moves by hand."""
    return lambda: literal(int(seconds() * MICROSECONDS), BigInteger)
