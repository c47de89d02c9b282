"""An unusable store has the same message in errors, log, metric and `/readyz`."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import ecrkeeper
import psycopg
import pytest

from tests import harness, postgres
from tests.observability.test_running_server import Watched

SETTINGS = f"accounts/{harness.ACCOUNT}/registries/us-east-1/settings"
ENHANCED = {"scanningConfiguration": {"scanType": "ENHANCED"}}
FILE_BYTES = 1_000_000
LIMITED = f"import os, resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, ({FILE_BYTES},) * 2); os.execv(sys.argv[1], sys.argv[1:])"


class SmallFiles(harness.Server):
    """A server whose files cannot grow, as under a quota."""

    command = (sys.executable, "-c", LIMITED, *harness.Server.command)


def rejected(watched: Watched, calls: int = 1) -> ecrkeeper.Unavailable | None:
    """Declare until a declaration is not stored; return its error or None."""
    with ecrkeeper.Client(watched.server.address, insecure=True, timeout=30) as client:
        for _ in range(calls):
            try:
                client.apply_registry_settings(f"{SETTINGS}/owner-{uuid.uuid4().hex[:8]}", ENHANCED)
            except ecrkeeper.Unavailable as error:
                return error
    return None


def assert_reported(watched: Watched, error: ecrkeeper.Unavailable | None, reason: str, words: str) -> None:
    """Check that the message is the same everywhere."""
    assert error is not None
    assert error.reason == reason
    assert words in error.message
    page = harness.eventually(lambda: _unready(watched))
    assert page.startswith("not ready: ")
    assert words in page
    assert watched.sample("ecrkeeper_store_fault", reason=reason) == 1
    line = next(line for line in watched.eventually("store_unavailable") if line["reason"] == reason)
    assert words in str(line["error"])
    assert watched.get("/healthz")[0] == 200


def assert_over(watched: Watched) -> None:
    harness.eventually(lambda: watched.get("/readyz")[0] == 200, 30)
    assert rejected(watched) is None
    assert watched.sample("ecrkeeper_store_fault") == 0
    assert watched.eventually("store_available")


def _unready(watched: Watched) -> str:
    status, page = watched.get("/readyz")
    return page if status == 503 else ""


@pytest.fixture
def volume(tmp_path: Path) -> Iterator[Path]:
    """A small file system."""
    folder = tmp_path / "volume"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip("only root may mount a file system")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def on(folder: Path) -> str:
    return f"sqlite:///{folder / 'ecrkeeper.db'}"


def fill(path: Path) -> None:
    """Fill the file system."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT)
    with contextlib.suppress(OSError):
        while True:
            os.write(file, bytes(4096))
    os.close(file)


def test_full_disk_is_reported_until_space_is_free(aws: harness.Simulator, tmp_path: Path, volume: Path) -> None:
    watched = Watched(tmp_path, aws, on(volume))
    assert rejected(watched) is None
    fill(volume / "ballast")
    # SQLite reuses the checkpointed beginning of its log first.
    error = rejected(watched, 300)
    assert_reported(watched, error, "STORE_DISK_FULL", "disk of the database is full")
    for _ in range(3):
        assert rejected(watched) is not None
    assert len(watched.lines("store_unavailable")) == 1, "not a line for each call"
    (volume / "ballast").unlink()
    assert_over(watched)
    assert watched.server.stop() == 0


def test_ungrowable_file_is_reported(aws: harness.Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness, "Server", SmallFiles)
    watched = Watched(tmp_path, aws)
    error = rejected(watched, 300)
    assert error is not None
    assert error.reason == "STORE_IO_ERROR"
    assert "a file may not grow" in error.message
    # A checkpoint may free space, so only the log is certain to have it.
    line = next(line for line in watched.eventually("store_unavailable") if line["reason"] == error.reason)
    assert "a file may not grow" in str(line["error"])


def test_missing_file_is_reported_until_restart(aws: harness.Simulator, tmp_path: Path) -> None:
    watched = Watched(tmp_path, aws)
    assert rejected(watched) is None
    path = tmp_path / "ecrkeeper.db"
    path.rename(tmp_path / "kept.db")
    error = rejected(watched)
    assert_reported(watched, error, "STORE_FILE_REPLACED", "ecrkeeper.db of the database is gone")
    (tmp_path / "kept.db").rename(path)
    assert "Stop the server" in _unready(watched)
    with ecrkeeper.Client(watched.server.address, insecure=True) as client, pytest.raises(ecrkeeper.Unavailable):
        client.get_registry(SETTINGS.removesuffix("/settings"), timeout=5)
    assert watched.server.stop() == 0
    assert rejected(Watched(tmp_path, aws)) is None


def test_shrunken_file_is_reported(aws: harness.Simulator, tmp_path: Path) -> None:
    watched = Watched(tmp_path, aws)
    os.truncate(tmp_path / "ecrkeeper.db", 8192)
    assert_reported(watched, rejected(watched), "STORE_FILE_REPLACED", "shrank from")


def test_read_only_file_is_reported(aws: harness.Simulator, tmp_path: Path) -> None:
    harness.migrate(on(tmp_path))
    path = str(tmp_path / "ecrkeeper.db")
    # Permissions do not restrict root.
    if subprocess.run(["chattr", "+i", path], capture_output=True).returncode:
        pytest.skip("the file system knows no immutable files, or only root may make them")
    try:
        watched = Watched(tmp_path, aws)
        assert_reported(watched, rejected(watched), "STORE_READ_ONLY", "the database file is read-only")
    finally:
        subprocess.run(["chattr", "-i", path], check=True)
    assert watched.server.stop() == 0
    (tmp_path / "server.log").unlink()
    assert rejected(Watched(tmp_path, aws)) is None


def disconnect(cluster: postgres.Postgres, name: str, statement: str) -> None:
    """Change a database, and end the connections to it."""
    with psycopg.connect(cluster.url, autocommit=True) as conn:
        conn.execute(statement.format(name))  # type: ignore[arg-type]
        conn.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])


@pytest.mark.parametrize(
    ("fault", "mended", "reason", "words"),
    [
        (
            'ALTER DATABASE "{}" SET default_transaction_read_only = on',
            'ALTER DATABASE "{}" RESET default_transaction_read_only',
            "STORE_READ_ONLY",
            "accepts no writes",
        ),
        (
            'ALTER DATABASE "{}" ALLOW_CONNECTIONS false',
            'ALTER DATABASE "{}" ALLOW_CONNECTIONS true',
            "STORE_UNAVAILABLE",
            "accepts no connections",
        ),
        (
            'ALTER DATABASE "{0}" RENAME TO "{0}_x"',
            'ALTER DATABASE "{0}_x" RENAME TO "{0}"',
            "STORE_MISSING",
            "does not exist",
        ),
    ],
)
def test_postgres_failure_is_reported_and_clears(
    aws: harness.Simulator,
    tmp_path: Path,
    cluster: postgres.Postgres,
    postgres_url: str,
    fault: str,
    mended: str,
    reason: str,
    words: str,
) -> None:
    name = postgres_url.rpartition("/")[2]
    watched = Watched(tmp_path, aws, postgres_url)
    assert rejected(watched) is None
    if "RENAME" in fault:
        disconnect(cluster, name, 'ALTER DATABASE "{}" ALLOW_CONNECTIONS false')
    disconnect(cluster, name, fault)
    error = rejected(watched)
    assert_reported(watched, error, reason, words)
    disconnect(cluster, name, mended)
    if "RENAME" in fault:
        disconnect(cluster, name, 'ALTER DATABASE "{}" ALLOW_CONNECTIONS true')
    assert_over(watched)
    assert watched.server.stop() == 0
