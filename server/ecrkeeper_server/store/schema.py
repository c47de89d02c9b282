"""Bring a database to the newest schema, and open it."""

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

# Imported where they are needed: the driver of the other database and Alembic, which are large.


def make_url(url: str) -> URL:
    """The parts of a URL; StoreUnusable if it has none."""
    try:
        return parsed(url)
    except (ArgumentError, ValueError) as error:
        # The URL itself may hold a password.
        raise StoreUnusable("database_url: is no URL; it must look like postgresql://USER@HOST:PORT/NAME") from error


@contextlib.contextmanager
def _in_use(engine: Engine) -> Iterator[None]:
    """Say in one line what keeps a command from the database."""
    try:
        yield
    except DatabaseError as error:
        # Others are faults of the program; SQLite says so of a file that is no database.
        if type(error) not in (OperationalError, DatabaseError):
            raise
        raise _unusable(engine, error) from error
    finally:
        engine.dispose()


def _unusable(engine: Engine, error: DatabaseError) -> StoreUnusable:
    url, failure = engine.url, failure_of(error)
    place = url.database if url.host is None else f"{url.host}:{url.port or 5432}"
    said = str(error.orig).partition("\n")[0][:300]
    known = failure.reason != "STORE_UNAVAILABLE"
    return StoreUnusable(
        f"the database at {place} cannot be used: " + (f"{failure.message} ({said})" if known else said)
    )


def is_sqlite(url: str) -> bool:
    """Whether the URL names a SQLite file."""
    return make_url(url).get_backend_name() == "sqlite"


def _engine(url: str, pool_size: int = 2) -> Engine:
    if is_sqlite(url):
        from ecrkeeper_server.store.sqlite import sqlite_engine

        return sqlite_engine(url)
    from ecrkeeper_server.store.postgres import postgres_engine

    return postgres_engine(make_url(url).set(drivername="postgresql+psycopg").render_as_string(False), pool_size)


def open_database(url: str, *, pool_size: int = 8, now: Now | None = None) -> Database:
    """Open the store at an SQLAlchemy URL, `sqlite:///path` or `postgresql://…`."""
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
    """The migrations: in the installed package, or beside `server/` in a checkout."""
    packaged = Path(__file__).parents[1] / "migrations"
    return packaged if packaged.is_dir() else Path(__file__).parents[3] / "migrations"


def migrate(url: str, revision: str = "head", *, lock_seconds: float = 10.0) -> None:
    """Bring the database to a revision of the schema; replicas that do so at once wait for each other.

    A database that is newer than this program is left as it is. Unavailable
    if a table that is to be changed is in use for longer than `lock_seconds`;
    nothing has changed then.
    """
    if revision == "head" and not pending_migrations(url):
        return
    from ecrkeeper_server.store import migrating

    engine = _engine(url)
    with _in_use(engine):
        migrating.upgrade(engine, _migrations(), revision, lock_seconds)


def missing_file(url: str) -> Path | None:
    """The file of an SQLite database that is not there; opening the database would make an empty one."""
    path = make_url(url).database
    return Path(path) if is_sqlite(url) and path and not Path(path).exists() else None


def pending_migrations(url: str) -> list[str]:
    """The revisions that the database does not have yet, oldest first.

    A database that is newer than this program has none: migrations only add
    what older programs do not miss.
    """
    engine = _engine(url)
    with _in_use(engine):
        if surely_current(engine, _migrations()):
            return []
        from ecrkeeper_server.store import migrating

        return migrating.pending(engine, _migrations())


def lacks(url: str) -> str:
    """What keeps a command from a database that is behind, in words; empty if it has every migration."""
    pending = pending_migrations(url)
    if not pending:
        return ""
    return f"the database lacks the migrations {', '.join(pending)}; run `ecrkeeper-server migrate` first"
