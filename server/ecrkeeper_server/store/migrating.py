"""Run the migrations with Alembic; imported only if there may be any."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from ecrkeeper_server.errors import Unavailable

_LOCK_NOT_AVAILABLE = "55P03"


def _config(folder: Path) -> Config:
    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    return config


def upgrade(engine: Engine, folder: Path, revision: str, lock_seconds: float) -> None:
    """Migrate a database to a revision.

    Raises Unavailable if a table is in use for longer than `lock_seconds`.
    """
    config = _config(folder)
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


def pending(engine: Engine, folder: Path) -> list[str]:
    """Return the pending revisions, oldest first; none if the database is newer."""
    script = ScriptDirectory.from_config(_config(folder))
    with engine.connect() as conn:
        current = MigrationContext.configure(conn).get_current_revision()
    known = [revision.revision for revision in script.walk_revisions()]
    if current is not None and current not in known:
        return []
    return known[: known.index(current) if current else len(known)][::-1]
