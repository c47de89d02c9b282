"""Temporary folders, which a later run removes if their owner was killed."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_SUFFIX = ".lock"


def _nothing(folder: Path) -> None:
    pass


@contextmanager
def temporary(prefix: str, stop: Callable[[Path], None] = _nothing) -> Iterator[Path]:
    """Yield a new folder, and remove it afterwards.

    The owner holds the lock of a file beside the folder; the system releases it when the owner
    ends in any way. Each call first removes the user's folders of this prefix whose lock is free.
    `stop` ends what still runs in such a folder.
    """
    remove_abandoned(prefix, stop)
    folder, lock = _locked(prefix)
    try:
        folder.mkdir(mode=0o700)
        yield folder
    finally:
        _remove(folder)
        os.close(lock)


def remove_abandoned(prefix: str, stop: Callable[[Path], None] = _nothing) -> None:
    """Remove the user's folders of a prefix that their owners left behind."""
    for path in Path(tempfile.gettempdir()).glob(f"{prefix}*{_SUFFIX}"):
        try:
            lock = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
        except OSError:  # It is another user's, or has just been removed.
            continue
        try:
            if os.fstat(lock).st_uid == os.geteuid() and _acquired(lock):
                stop(_folder(path))
                _remove(_folder(path))
        finally:
            os.close(lock)


def _locked(prefix: str) -> tuple[Path, int]:
    """Return the path of a new folder, not made yet, and the descriptor of its lock."""
    while True:
        lock, name = tempfile.mkstemp(_SUFFIX, prefix)
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Before the lock was held, another process may have taken it for an abandoned one.
        if Path(name).exists():
            return _folder(Path(name)), lock
        os.close(lock)


def _acquired(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _folder(lock: Path) -> Path:
    return lock.with_name(lock.name.removesuffix(_SUFFIX))


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    # The lock goes last, so that a later run goes on with an interrupted removal.
    if not folder.exists():
        folder.with_name(folder.name + _SUFFIX).unlink(missing_ok=True)
