"""Migrate a database to the newest schema, and open it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import URL, Engine
from sqlalchemy import make_url as parsed
from sqlalchemy.exc import ArgumentError, DatabaseError, OperationalError

from ecrkeeper_server.errors import StoreUnusable
from ecrkeeper_server.store.clock import Now
from ecrkeeper_server.store.database import Database
from ecrkeeper_server.store.failures import failure_of
from ecrkeeper_server.store.schema_version import surely_current

# Imported on demand: the driver of the other database and Alembic, which are large.


def make_url(url: str) -> URL:
    """Return the parts of a URL; StoreUnusable if it is malformed."""
    try:
        return parsed(url)
    except (ArgumentError, ValueError) as error:
        # The URL itself may contain a password.
        raise StoreUnusable("database_url: must be a URL such as postgresql://USER@HOST:PORT/NAME") from error


@contextlib.contextmanager
def _in_use(engine: Engine) -> Iterator[None]:
    """Describe in one line why a command cannot use the database."""
    try:
        yield
    except DatabaseError as error:
        # Others are errors of the program; SQLite reports some for files that are no database.
        if type(error) not in (OperationalError, DatabaseError):
            raise
        raise _unusable(engine, error) from error
    finally:
        engine.dispose()


def _unusable(engine: Engine, error: DatabaseError) -> StoreUnusable:
    url, failure = engine.url, failure_of(error)
    address = url.database if url.host is None else f"{url.host}:{url.port or 5432}"
    detail = str(error.orig).partition("\n")[0][:300]
    specific = failure.reason != "STORE_UNAVAILABLE"
    return StoreUnusable(
        f"the database at {address} cannot be used: " + (f"{failure.message} ({detail})" if specific else detail)
    )


def is_sqlite(url: str) -> bool:
    """Return whether the URL names an SQLite file."""
    return make_url(url).get_backend_name() == "sqlite"


def _engine(url: str, pool_size: int = 2) -> Engine:
    if is_sqlite(url):
        from ecrkeeper_server.store.sqlite_engine import sqlite_engine

        return sqlite_engine(url)
    from ecrkeeper_server.store.postgres_engine import postgres_engine

    return postgres_engine(make_url(url).set(drivername="postgresql+psycopg").render_as_string(False), pool_size)


def open_database(url: str, *, pool_size: int = 8, now: Now | None = None) -> Database:
    """Open the store at a URL, `sqlite:///path` or `postgresql://…`."""
    if is_sqlite(url):
        from ecrkeeper_server.store.sqlite import SqliteDatabase

        engine = _engine(url)
        try:
            return SqliteDatabase(engine, now)
        except DatabaseError as error:
            raise _unusable(engine, error) from error
    from ecrkeeper_server.store.postgres import PostgresDatabase

    return PostgresDatabase(_engine(url, pool_size), pool_size, now)


def _migrations() -> Path:
    """Return the migrations of the installed package or the checkout."""
    packaged = Path(__file__).parents[1] / "migrations"
    return packaged if packaged.is_dir() else Path(__file__).parents[3] / "migrations"


def migrate(url: str, revision: str = "head", *, lock_seconds: float = 10.0) -> None:
    """Migrate the database to a revision; concurrent replicas wait for each other.

    A database that is newer than this version stays as it is. Raises Unavailable if a
    table that is to be changed is in use for longer than `lock_seconds`; nothing has
    changed then.
    """
    if revision == "head" and not pending_migrations(url):
        return
    from ecrkeeper_server.store import migrating

    engine = _engine(url)
    with _in_use(engine):
        migrating.upgrade(engine, _migrations(), revision, lock_seconds)


def missing_file(url: str) -> Path | None:
    """Return the missing file of an SQLite database; opening it would create one."""
    path = make_url(url).database
    return Path(path) if is_sqlite(url) and path and not Path(path).exists() else None


def pending_migrations(url: str) -> list[str]:
    """Return the pending revisions, oldest first.

    A database that is newer than this version has none: migrations are backward
    compatible.
    """
    engine = _engine(url)
    with _in_use(engine):
        if surely_current(engine, _migrations()):
            return []
        from ecrkeeper_server.store import migrating

        return migrating.pending(engine, _migrations())


def lacks(url: str) -> str:
    """Return why a command cannot use a database with pending migrations; else empty."""
    pending = pending_migrations(url)
    if not pending:
        return ""
    return f"the database lacks the migrations {', '.join(pending)}; run `ecrkeeper-server migrate` first"
