"""Detection of the newest schema without Alembic, if migrations are linear."""

from __future__ import annotations

from pathlib import Path

import pytest
from ecrkeeper_server.store import schema, schema_version
from sqlalchemy import create_engine, text

LINE = {"0001": "None", "0002": '"0001"', "0003": '"0002"'}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "versions").mkdir()
    for revision, before in LINE.items():
        write(tmp_path, revision, before)
    return tmp_path


def write(folder: Path, revision: str, before: str, name: str = "") -> Path:
    path = folder / "versions" / f"{name or revision}.py"
    path.write_text(f'"""A migration."""\n\nrevision = "{revision}"\ndown_revision = {before}\n')
    return path


def current(folder: Path, *versions: str, table: bool = True) -> bool:
    """Return the result for a database with these rows in Alembic's table."""
    engine = create_engine("sqlite://")
    with engine.begin() as conn:
        if table:
            conn.execute(text("CREATE TABLE alembic_version (version_num TEXT)"))
        for version in versions:
            conn.execute(text("INSERT INTO alembic_version VALUES (:version)"), {"version": version})
    return schema_version.surely_current(engine, folder)


def test_database_at_the_newest_revision_is_current(folder: Path) -> None:
    assert current(folder, "0003")


def test_database_at_later_revision_is_current(folder: Path) -> None:
    assert current(folder, "9999")


def test_file_order_does_not_matter(folder: Path) -> None:
    write(folder, "0004", "'0003'", name="0000")
    assert current(folder, "0004")
    assert not current(folder, "0003")


@pytest.mark.parametrize("versions", [(), ("0001",), ("0002",), ("0003", "0002"), ("0003", "9999")])
def test_other_databases_are_left_to_alembic(folder: Path, versions: tuple[str, ...]) -> None:
    assert not current(folder, *versions)


def test_database_without_alembic_table_is_left_to_alembic(folder: Path) -> None:
    assert not current(folder, table=False)


@pytest.mark.parametrize(
    ("revision", "before", "reason"),
    [
        ("0004", '"0002"', "two heads"),
        ("0004", '("0002", "0003")', "a merge"),
        ("0004", '"0000"', "a gap"),
        ("0004", "None", "two beginnings"),
        ("0002", '"0003"', "the same revision twice"),
        ('0004"  # "', '"0003"', "a comment"),
    ],
)
def test_branched_migrations_are_left_to_alembic(folder: Path, revision: str, before: str, reason: str) -> None:
    write(folder, revision, before, name="0004")
    assert not current(folder, "0003"), reason
    assert not current(folder, "0004"), reason


def test_migration_with_repeated_revision_is_left_to_alembic(folder: Path) -> None:
    path = folder / "versions" / "0003.py"
    path.write_text(path.read_text() + 'revision = "0004"\n')
    assert not current(folder, "0003")
    assert not current(folder, "0004")


def test_files_ignored_by_alembic_do_not_count(folder: Path) -> None:
    for name in ("__init__.py", ".#0004.py", "notes.txt"):
        (folder / "versions" / name).write_text('revision = "0004"\ndown_revision = "0003"\n')
    assert current(folder, "0003")


def test_own_migrations_are_linear(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise every start would load Alembic."""
    linear: list[bool] = []

    def look(*args: object) -> bool:
        linear.append(schema_version.surely_current(*args))  # type: ignore[arg-type]
        return linear[-1]

    monkeypatch.setattr(schema, "surely_current", look)
    assert schema.pending_migrations(database_url) == []
    assert linear == [True]
