"""SQLite files that vanish, are replaced, shrink or are overwritten while open."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from ecrkeeper_server.errors import StoreUnusable, Unavailable
from ecrkeeper_server.store import schema, sqlite_file
from ecrkeeper_server.store.database import Database, Tx
from ecrkeeper_server.store.overview import alive
from ecrkeeper_server.store.sqlite import SqliteDatabase

from tests import databases


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    file = tmp_path / "data" / "ecrkeeper.db"
    databases.new_sqlite(file)
    return file


@pytest.fixture
async def db(path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    monkeypatch.setattr(sqlite_file, "_READS_CHECK_SECONDS", 0.0)
    opened = schema.open_database(f"sqlite:///{path}")
    # Part of it is in the file, part in the log.
    for number in range(20):
        await opened.write(insert(f"before {number}", 10_000))
    await opened.write(lambda tx: tx.conn.exec_driver_sql("SELECT 1"))
    yield opened
    await opened.close()


def insert(name: str, size: int = 10) -> Callable[[Tx], None]:
    row = (name, "x" * size)
    return lambda tx: _insert(tx, row)


def _insert(tx: Tx, row: tuple[str, str]) -> None:
    tx.conn.exec_driver_sql("CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, text TEXT)")
    tx.conn.exec_driver_sql("INSERT INTO notes VALUES (?, ?)", row)


def elsewhere(path: Path, script: str) -> None:
    """A separate process with SQLite, since locks within one process differ."""
    program = f"import sqlite3\nconn = sqlite3.connect({str(path)!r}, isolation_level=None)\n{script}"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def copy_over(path: Path) -> None:
    """Like `cp backup.db ecrkeeper.db`: the file keeps its inode."""
    backup = path.with_name("backup.db")
    elsewhere(path, f"conn.execute('VACUUM INTO ?', ({str(backup)!r},))")
    with backup.open("rb") as source, path.open("r+b") as target:
        target.truncate(0)
        shutil.copyfileobj(source, target)


def replace(path: Path) -> None:
    """Like `mv backup.db ecrkeeper.db`."""
    backup = path.with_name("backup.db")
    elsewhere(path, f"conn.execute('VACUUM INTO ?', ({str(backup)!r},))")
    backup.rename(path)


@pytest.mark.parametrize(
    ("harm", "words", "reason"),
    [
        (lambda path: path.unlink(), "ecrkeeper.db of the database is gone", "deleted"),
        (lambda path: path.rename(beside(path, ".old")), "ecrkeeper.db of the database is gone", "renamed"),
        (lambda path: path.parent.rename(path.parents[1] / "moved"), "is gone", "the directory was renamed"),
        (lambda path: shutil.rmtree(path.parent), "is gone", "the directory was deleted"),
        (replace, "ecrkeeper.db of the database was replaced", "a backup was moved there"),
        (lambda path: os.truncate(path, 0), "shrank from", "emptied"),
        (lambda path: os.truncate(path, 4096), "shrank from", "cut off"),
        (copy_over, "the database file", "a backup was copied over it"),
        (lambda path: path.write_bytes(path.read_bytes()), "was overwritten", "something wrote into it"),
        (lambda path: beside(path, "-wal").unlink(), "ecrkeeper.db-wal of the database is gone", "the log deleted"),
        (lambda path: os.truncate(beside(path, "-wal"), 0), "log shrank to 0 bytes", "the log emptied"),
        (lambda path: os.truncate(beside(path, "-wal"), 5000), "log shrank to 5000 bytes", "the log cut off"),
        (lambda path: beside(path, "-shm").unlink(), "ecrkeeper.db-shm of the database is gone", "the index deleted"),
    ],
)
async def test_write_to_replaced_file_is_not_acknowledged(
    db: Database, path: Path, harm: Callable[[Path], None], words: str, reason: str
) -> None:
    harm(path)
    for _ in range(3):
        with pytest.raises(Unavailable) as caught:
            await db.write(insert("after"))
        assert caught.value.reason == "STORE_FILE_REPLACED", reason
        assert words in caught.value.message
        assert "Stop the server" in caught.value.message
    with pytest.raises(Unavailable) as caught:
        await db.read(alive)
    assert caught.value.reason == "STORE_FILE_REPLACED", "reads would show what is stored nowhere"


async def test_returned_file_stays_rejected_until_restart(db: Database, path: Path) -> None:
    path.rename(beside(path, ".old"))
    with pytest.raises(Unavailable):
        await db.write(insert("away"))
    beside(path, ".old").rename(path)
    with pytest.raises(Unavailable) as caught:
        await db.write(insert("back"))
    assert caught.value.reason == "STORE_FILE_REPLACED", "another program may have used it meanwhile"
    await db.close()
    reopened = schema.open_database(f"sqlite:///{path}")
    await reopened.write(insert("restarted"))
    await reopened.close()


async def test_read_of_truncated_file_is_an_error(db: Database, path: Path) -> None:
    """SQLite itself calls the database malformed."""
    opened = schema.open_database(f"sqlite:///{path}")
    os.truncate(path, 4096)
    with pytest.raises(Unavailable) as caught:
        await opened.read(lambda tx: tx.conn.exec_driver_sql("SELECT * FROM resources").all())
    assert caught.value.reason == "STORE_FILE_REPLACED"
    assert "shrank" in caught.value.message
    await opened.close()


async def test_read_detects_missing_file_within_half_a_second(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(sqlite_file.time, "monotonic", lambda: now[0])
    db = schema.open_database(f"sqlite:///{path}")
    assert await db.read(alive)
    path.unlink()
    assert await db.read(alive), "not with each read: a check costs a tenth of one"
    now[0] += 0.5
    with pytest.raises(Unavailable):
        await db.read(alive)
    await db.close()


async def test_commit_is_not_acknowledged_if_file_is_lost(db: Database, path: Path) -> None:
    def change(tx: Tx) -> None:
        _insert(tx, ("meanwhile", "x"))
        path.unlink()

    with pytest.raises(Unavailable) as caught:
        await db.write(change)
    assert caught.value.reason == "STORE_FILE_REPLACED"


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        ("conn.execute('SELECT * FROM notes').fetchall()", "an export reads"),
        ("conn.execute(\"INSERT INTO notes VALUES (hex(randomblob(8)), 'x')\")", "another program writes by the rules"),
        ("conn.execute('PRAGMA wal_checkpoint(PASSIVE)')", "the log is copied"),
        ("conn.execute('PRAGMA wal_checkpoint(TRUNCATE)')", "the log is copied and emptied"),
        ("conn.execute('DELETE FROM notes'); conn.execute('VACUUM')", "the file will be smaller"),
        (
            "conn.execute('DELETE FROM notes'); conn.execute('VACUUM'); conn.execute('PRAGMA wal_checkpoint(TRUNCATE)')",
            "the file is smaller",
        ),
        ("conn.backup(sqlite3.connect(':memory:'))", "a backup is made"),
        ("import os; os.chmod(conn.execute('PRAGMA database_list').fetchone()[2], 0o660)", "other rights"),
    ],
)
async def test_allowed_file_changes_are_no_failure(db: Database, path: Path, act: str, reason: str) -> None:
    for round in range(3):
        elsewhere(path, act)
        await db.write(insert(f"after {round}"))
        assert await db.read(alive), reason
    # The log is checkpointed every thousand pages.
    for number in range(3):
        await db.write(insert(f"large {number}", 5_000_000))
    assert await db.read(lambda tx: tx.conn.exec_driver_sql("SELECT count(*) FROM notes").scalar_one()) >= 4


async def test_wal_is_checkpointed_by_the_server(db: Database, path: Path) -> None:
    before = path.stat().st_size
    for number in range(40):
        await db.write(insert(f"{number}", 500_000))
    assert path.stat().st_size > before, "it was copied meanwhile"


async def test_database_in_memory_has_no_file() -> None:
    db = schema.open_database("sqlite://")
    assert await db.read(alive)
    await db.close()


async def test_full_disk_is_reported_and_recovers(db: Database, path: Path) -> None:
    def limit(pages: int) -> Callable[[Tx], object]:
        return lambda tx: tx.conn.exec_driver_sql(f"PRAGMA max_page_count = {pages}").scalar_one()

    pages = await db.write(limit(1))
    with pytest.raises(Unavailable) as caught:
        await db.write(insert("large", 1_000_000))
    assert caught.value.reason == "STORE_DISK_FULL"
    assert isinstance(pages, int)
    await db.write(limit(2**30))
    await db.write(insert("large", 1_000_000))


async def test_read_only_file_is_reported_and_recovers(db: Database) -> None:
    assert isinstance(db, SqliteDatabase)
    db._writing.exec_driver_sql("PRAGMA query_only = ON")
    for attempt in (insert("refused"), db.try_write):
        with pytest.raises(Unavailable) as caught:
            await db.write(attempt)
        assert caught.value.reason == "STORE_READ_ONLY"
    db._writing.exec_driver_sql("PRAGMA query_only = OFF")
    await db.write(insert("accepted"))


async def test_failure_ending_transaction_names_cause(db: Database) -> None:
    """The others of the group get the same error, not a missing savepoint."""

    def ends(tx: Tx) -> None:
        tx.conn.exec_driver_sql("INSERT OR ROLLBACK INTO notes VALUES ('before 1', 'again')")

    with pytest.raises(Unavailable) as caught:
        await db.write(ends)
    assert "SQLITE_CONSTRAINT" in caught.value.message
    await db.write(insert("the next one"))


def damage(path: Path, first: int, pages: int) -> None:
    """Overwrite pages of an unused file."""
    with path.open("r+b") as file:
        file.seek((first - 1) * 4096)
        file.write(b"\xff" * pages * 4096)


async def test_damaged_table_is_named(path: Path) -> None:
    conn = sqlite3.connect(path)
    (root,) = conn.execute("SELECT rootpage FROM sqlite_master WHERE name = 'resources'").fetchone()
    conn.close()
    damage(path, root, 1)
    db = schema.open_database(f"sqlite:///{path}")
    with pytest.raises(Unavailable) as caught:
        await db.read(lambda tx: tx.conn.exec_driver_sql("SELECT * FROM resources").all())
    assert caught.value.reason == "STORE_CORRUPT"
    await db.close()


def test_damaged_file_is_rejected(path: Path) -> None:
    damage(path, 2, path.stat().st_size // 4096 - 1)
    with pytest.raises(StoreUnusable, match="is damaged: stop the server, and restore a backup"):
        schema.open_database(f"sqlite:///{path}")


async def test_write_probe_changes_nothing(db: Database, path: Path) -> None:
    conn = sqlite3.connect(path)
    before = list(conn.iterdump())
    await db.write(db.try_write)
    assert list(conn.iterdump()) == before
    conn.close()
