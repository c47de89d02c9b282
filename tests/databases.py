"""Databases of the newest schema: copies, because the migrations take longer."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

import pytest

from tests import harness, postgres

# Also the name of the database in Postgres.
_TEMPLATE = "migrated"


def migrated(request: pytest.FixtureRequest, kind: str, folder: Path) -> str:
    """Return the URL of a new, migrated database of a kind."""
    return new_postgres(request) if kind == "postgres" else new_sqlite(folder / "ecrkeeper.db")


def new_sqlite(path: Path) -> str:
    """Create a migrated SQLite file, and return its URL."""
    path.write_bytes(_migrated_file())
    return f"sqlite:///{path}"


def new_postgres(request: pytest.FixtureRequest) -> str:
    """Create a migrated Postgres database for the requesting fixture or test.

    It is dropped with it. Return the URL.
    """
    return postgres.new_database(request, request.getfixturevalue("postgres_template"))


def make_postgres_template(cluster: postgres.Postgres) -> str:
    """Create the database that the others are copies of, and return its name."""
    harness.migrate(cluster.create_database(_TEMPLATE))
    return _TEMPLATE


@functools.cache
def _migrated_file() -> bytes:
    with tempfile.TemporaryDirectory(prefix="ecrkeeper-testing-") as folder:
        path = Path(folder) / "ecrkeeper.db"
        harness.migrate(f"sqlite:///{path}")
        assert [each.name for each in path.parent.iterdir()] == [path.name], "all is in the file itself"
        return path.read_bytes()
