"""Check that the files of an open SQLite database are still the opened ones.

SQLite continues with files that have lost their name, and does not detect other
writers. Its answer to COMMIT then says nothing about the next start.
"""

from __future__ import annotations

import os
import struct
import time
from pathlib import Path

import structlog
from msgspec import Struct

from ecrkeeper_server.errors import Unavailable

log = structlog.get_logger("ecrkeeper.store")

_READS_CHECK_SECONDS = 0.5
# https://sqlite.org/walformat.html; numbers are in the byte order of the machine.
_INDEX_BYTES = 136
_INDEX_VERSION = 3_007_000
_LOG_HEADER, _FRAME_HEADER = 32, 24

Identity = tuple[int, int]


class _Index(Struct, frozen=True):
    """The index of the write-ahead log: the log's size, and its checkpointed part."""

    log_bytes: int
    copied: bytes
    copying: bool


class _Stamp(Struct, frozen=True):
    """The file as it was after our last commit."""

    # Its size and modification time.
    file: tuple[int, int]
    copied: bytes


class SqliteFile:
    """Checks the database file, log and index; after one failure, all checks fail."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._opened = _identity(path)
        self._names: dict[str, Identity] = {}
        self._failure = ""
        self._check_at = 0.0
        self._index: int | None = None
        self._stamp: _Stamp | None = None

    def opened(self) -> None:
        """Record the files, once SQLite has opened all of them."""
        for suffix, subject in (("", "the database file"), ("-wal", "its write-ahead log"), ("-shm", "its index")):
            identity = _identity(self._path + suffix)
            if identity is not None:
                self._names[suffix] = identity
            elif not suffix:
                self._fail(f"{subject} vanished while it was opened")
        if self._opened not in (None, self._names.get("")):
            self._fail("the database file was replaced while it was opened")
        if "-shm" in self._names:
            # Kept open: closing any descriptor of the file would drop SQLite's locks on it.
            self._index = os.open(f"{self._path}-shm", os.O_RDONLY | os.O_CLOEXEC)
        self._stamp = self._now()

    def close(self) -> None:
        """Close the files, after SQLite has."""
        if self._index is not None:
            os.close(self._index)
            self._index = None

    def check_read(self) -> None:
        """Raise Unavailable if the files have changed; checks at most twice a second."""
        if self._failure:
            raise self._error()
        now = time.monotonic()
        if now >= self._check_at:
            self._check_at = now + _READS_CHECK_SECONDS
            self._check_names()

    def check_write(self) -> None:
        """Raise Unavailable if something else wrote; the write lock must be held."""
        self._check_names()
        now, before, index = self._now(), self._stamp, self._read_index()
        # SQLite writes into the database file only at a checkpoint, which the index records.
        if now is not None and before is not None and now.copied == before.copied and now.file != before.file:
            (new, _), (old, _) = now.file, before.file
            change = f"shrank from {old} to {new} bytes" if new < old else "was overwritten"
            self._fail(f"the database file {change}")
        size = _size(f"{self._path}-wal")
        if size is not None and index is not None and size < index.log_bytes:
            self._fail(f"the write-ahead log shrank to {size} bytes of {index.log_bytes}")

    def check_size(self) -> None:
        """Raise Unavailable if the file has shrunk, which explains other errors."""
        self._check_names()
        size, before = _size(self._path), self._stamp
        if size is not None and before is not None and size < before.file[0]:
            self._fail(f"the database file shrank from {before.file[0]} to {size} bytes")

    def committed(self) -> None:
        """Raise Unavailable if a commit went to unnamed files; else record the files."""
        self._check_names()
        self._stamp = self._now()

    def _check_names(self) -> None:
        if self._failure:
            raise self._error()
        for suffix, identity in self._names.items():
            current = _identity(self._path + suffix)
            if current != identity:
                subject = f"the file {Path(self._path).name}{suffix} of the database"
                self._fail(f"{subject} is gone" if current is None else f"{subject} was replaced")

    def _fail(self, event: str) -> None:
        self._failure = (
            f"{event} while the server used it: nothing is stored any more. "
            "Stop the server, put the right files in place, start it again"
        )
        log.error("store_file_replaced", path=self._path, error=self._failure)
        raise self._error()

    def _error(self) -> Unavailable:
        return Unavailable(self._failure, reason="STORE_FILE_REPLACED")

    def _now(self) -> _Stamp | None:
        """Return the file's state; None during another program's checkpoint."""
        try:
            # Read before the index, which records a checkpoint before it begins.
            status = os.stat(self._path)
        except OSError:
            return None
        index = self._read_index()
        return None if index is None or index.copying else _Stamp((status.st_size, status.st_mtime_ns), index.copied)

    def _read_index(self) -> _Index | None:
        """Return the index of the log; None if it is missing or its format is unknown."""
        content = b"" if self._index is None else os.pread(self._index, _INDEX_BYTES, 0)
        if len(content) < _INDEX_BYTES or struct.unpack_from("=I", content)[0] != _INDEX_VERSION:
            return None
        page, frames = struct.unpack_from("=HI", content, 14)
        size = (65_536 if page == 1 else page) + _FRAME_HEADER
        salts, copied, to_copy = content[32:40], content[96:100], content[128:132]
        return _Index(_LOG_HEADER + frames * size if frames else 0, salts + copied, copied != to_copy)


def _identity(path: str) -> Identity | None:
    """Return the identity of the file with that name, or None."""
    try:
        status = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        text = f"the files of the database cannot be read: {error.strerror}"
        raise Unavailable(text, reason="STORE_ACCESS_DENIED") from error
    return status.st_dev, status.st_ino


def _size(path: str) -> int | None:
    try:
        return os.stat(path).st_size
    except OSError:
        return None
