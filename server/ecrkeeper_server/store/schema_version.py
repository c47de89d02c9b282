"""Detect the newest schema without Alembic.

Loading Alembic takes a tenth of a server's start, and nearly every start finds
nothing to migrate. Migrations that are not linear are left to Alembic.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

_TABLE = "alembic_version"
_REVISION = re.compile(r"""^revision = (["'])(\w+)\1$""", re.MULTILINE)
_BEFORE = re.compile(r"""^down_revision = (?:None|(["'])(\w+)\1)$""", re.MULTILINE)
# Files that Alembic takes for migrations.
_FILES = re.compile(r"(?!\.#|__init__).*\.py")


def surely_current(engine: Engine, folder: Path) -> bool:
    """Return whether the database is certainly at the newest or a later revision."""
    line = _line(folder)
    if line is None:
        return False
    with engine.connect() as conn:
        versions = _versions(conn)
    return len(versions) == 1 and (versions[0] == line[-1] or versions[0] not in line)


def _versions(conn: Connection) -> list[str]:
    if not inspect(conn).has_table(_TABLE):
        return []
    return [row[0] for row in conn.execute(text(f"SELECT version_num FROM {_TABLE}"))]  # noqa: S608 - our own name


def _line(folder: Path) -> list[str] | None:
    """Return the revisions, oldest first; None if unreadable or not linear."""
    after: dict[str | None, str] = {}
    count = 0
    for parsed in _parsed(folder):
        if parsed is None:
            return None
        revision, before = parsed
        after[before] = revision
        count += 1
    line: list[str] = []
    at: str | None = None
    while at in after:
        at = after.pop(at)
        line.append(at)
    return line if line and len(set(line)) == count else None


def _parsed(folder: Path) -> Iterator[tuple[str, str | None] | None]:
    """Return each migration's revision and predecessor; None if one is unclear."""
    for path in (folder / "versions").iterdir():
        if not _FILES.fullmatch(path.name):
            continue
        content = path.read_text("utf-8")
        revisions, before = list(_REVISION.finditer(content)), list(_BEFORE.finditer(content))
        plain = len(revisions) == 1 and len(before) == 1
        yield (revisions[0][2], before[0][2]) if plain else None
