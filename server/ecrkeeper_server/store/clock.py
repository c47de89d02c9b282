"""The database's time, which all replicas share."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import ColumnElement

MICROSECONDS = 1_000_000
DAY = 86_400 * MICROSECONDS

Now = Callable[[], ColumnElement[int]]
"""The database's clock as an SQL expression in microseconds."""
