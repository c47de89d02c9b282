"""Bring a database to the newest schema, and open it."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, make_url
from sqlalchemy.exc import OperationalError

from ecrkeeper_server.errors import Unavailable
from ecrkeeper_server.store.clock import Now
from ecrkeeper_server.store.database import Database
from ecrkeeper_server.store.postgres import PostgresDatabase, postgres_engine
from ecrkeeper_server.store.sqlite import SqliteDatabase, sqlite_engine

_LOCK_NOT_AVAILABLE = "55P03"


def is_sqlite(url: str) -> bool:
    """Whether the URL names a SQLite file."""
    return make_url(url).get_backend_name() == "sqlite"


def _engine(url: str, pool_size: int = 2) -> Engine:
    if is_sqlite(url):
        return sqlite_engine(url)
    return postgres_engine(make_url(url).set(drivername="postgresql+psycopg").render_as_string(False), pool_size)


def open_database(url: str, *, pool_size: int = 8, now: Now | None = None) -> Database:
    """Open the store at an SQLAlchemy URL, `sqlite:///path` or `postgresql://…`."""
    if is_sqlite(url):
        return SqliteDatabase(_engine(url), now)
    return PostgresDatabase(_engine(url, pool_size), pool_size, now)


def _migrations() -> Path:
    """The migrations: in the installed package, or beside `server/` in a checkout."""
    packaged = Path(__file__).parents[1] / "migrations"
    return packaged if packaged.is_dir() else Path(__file__).parents[3] / "migrations"


def _config() -> AlembicConfig:
    config = AlembicConfig()
    config.set_main_option("script_location", str(_migrations()).replace("%", "%%"))
    return config


def migrate(url: str, revision: str = "head", *, lock_seconds: float = 10.0) -> None:
    """Bring the database to a revision of the schema; replicas that do so at once wait for each other.

    A database that is newer than this program is left as it is. Unavailable
    if a table that is to be changed is in use for longer than `lock_seconds`;
    nothing has changed then.
    """
    if revision == "head" and not pending_migrations(url):
        return
    engine = _engine(url)
    config = _config()
    config.attributes.update(engine=engine, lock_seconds=lock_seconds)
    try:
        command.upgrade(config, revision)
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
            raise
        raise Unavailable(
            f"a long transaction uses a table that the migration changes, for more than {lock_seconds:g} s; "
            "nothing has been changed, run it again",
            reason="STORE_BUSY",
        ) from error
    finally:
        engine.dispose()


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
    script = ScriptDirectory.from_config(_config())
    try:
        with engine.connect() as conn:
            current = MigrationContext.configure(conn).get_current_revision()
    finally:
        engine.dispose()
    known = [revision.revision for revision in script.walk_revisions()]
    if current is not None and current not in known:
        return []
    return known[: known.index(current) if current else len(known)][::-1]
