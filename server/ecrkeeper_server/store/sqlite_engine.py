"""Connections to SQLite that wait for locks, commit durably, and can hash."""

from __future__ import annotations

import sqlite3

from sqlalchemy import Engine, create_engine, event

_BUSY_SECONDS = 30


def sqlite_engine(url: str) -> Engine:
    """Return an engine whose connections wait for locks and commit durably."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT", connect_args={"check_same_thread": False})

    @event.listens_for(engine, "connect")
    def _configure(connection: sqlite3.Connection, _: object) -> None:
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {_BUSY_SECONDS * 1000}")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.close()
        # With Postgres's names.
        connection.create_function("hashtextextended", 2, _digest, deterministic=True)

    return engine


def _digest(text: str | None, seed: int) -> int | None:
    """Return a digest that differs between processes: it is compared within one.

    Without a text it is NULL, as in Postgres.
    """
    return None if text is None else hash((text, seed))
