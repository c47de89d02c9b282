"""Folders and clusters of a killed process are removed by the next one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from ecrkeeper_testing import postgres_server
from ecrkeeper_testing.folders import remove_abandoned, temporary

FOLDER = """
import sys, time
from ecrkeeper_testing.folders import temporary
with temporary(sys.argv[1]) as folder:
    (folder / "large").write_text("x")
    print(folder, flush=True)
    time.sleep(60)
"""
CLUSTER = """
import sys, time
from ecrkeeper_testing import postgres_server
postgres_server._PREFIX = sys.argv[1]
with postgres_server.running() as cluster:
    print(cluster.folder, cluster.url, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def prefix() -> Iterator[str]:
    """A prefix that no other test uses."""
    unique = f"ecrkeeper-{uuid.uuid4().hex}-"
    yield unique
    assert list(Path(tempfile.gettempdir()).glob(f"{unique}*")) == []


@contextmanager
def owner(program: str, prefix: str) -> Iterator[list[str]]:
    """Run a program, yield the words that it prints, and send it SIGKILL."""
    with subprocess.Popen([sys.executable, "-c", program, prefix], stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None
            yield child.stdout.readline().split()
        finally:
            child.kill()


def test_folder_of_killed_owner_is_removed(prefix: str) -> None:
    with owner(FOLDER, prefix) as (name,):
        with temporary(prefix) as own:
            assert Path(name, "large").exists(), "its owner runs"
        assert not own.exists()
    assert Path(name, "large").exists()
    with temporary(prefix) as own:
        assert not Path(name).exists()
        remove_abandoned(prefix)
        assert own.exists()


def test_cluster_of_killed_owner_is_stopped_and_removed(prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_server, "_PREFIX", prefix)
    with owner(CLUSTER, prefix) as (name, url):
        pass
    psycopg.connect(url).close()
    remove_abandoned(prefix, postgres_server._stop_abandoned)
    assert not Path(name).exists()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url, connect_timeout=5)


def test_file_of_other_user_and_folder_without_lock_stay(prefix: str) -> None:
    with temporary(prefix) as unlocked:
        pass
    unlocked.mkdir()
    lock = unlocked.with_name(f"{prefix}other.lock")
    lock.symlink_to("/etc/passwd")
    if os.geteuid() == 0:
        other = unlocked.with_name(f"{prefix}another.lock")
        other.touch()
        shutil.chown(other, "nobody")
    remove_abandoned(prefix)
    assert unlocked.exists()
    assert lock.is_symlink()
    if os.geteuid() == 0:
        assert other.exists()
        other.unlink()
    lock.unlink()
    unlocked.rmdir()


def test_lock_removed_before_it_was_held_is_recreated(prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mkstemp = tempfile.mkstemp
    times = iter((remove_abandoned, lambda _: None))

    def made_during_a_removal(*arguments: Any) -> tuple[int, str]:
        created = mkstemp(*arguments)
        next(times)(prefix)
        return created

    monkeypatch.setattr(tempfile, "mkstemp", made_during_a_removal)
    with temporary(prefix) as folder:
        assert next(times, None) is None
        assert folder.with_name(f"{folder.name}.lock").exists()
