"""What the databases have each in their own way; of SQLAlchemy's dialects only the one in use is loaded."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Table


def insert(dialect: str, table: Table) -> Any:
    """An INSERT that may say what to do on a conflict."""
    if dialect == "sqlite":
        from sqlalchemy.dialects import sqlite

        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table)
