"""Files that may change while the server runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

import structlog

T = TypeVar("T")
log = structlog.get_logger("ecrkeeper.identity")


class FileError(Exception):
    """Files cannot be used; `errors` has every cause."""

    def __init__(self, errors: list[str]) -> None:
        super().__init__("; ".join(errors))
        self.errors = errors


class WatchedFiles(Generic[T]):
    """The parsed content of a group of files, re-read when one of them changes.

    `parse` gets the contents in order and raises FileError. An unusable change is logged once, and
    the last good value stays. FileError if the first content is unusable. Thread-safe.
    """

    def __init__(
        self, description: str, paths: Sequence[Path], parse: Callable[[list[bytes]], T], max_bytes: int
    ) -> None:
        self._description = description
        self._paths = tuple(paths)
        self._parse = parse
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._stamp = self._stamps()
        self._contents = self._read()
        self.value = parse(self._contents)

    def refresh(self) -> bool:
        """Re-read changed files; return whether the value has changed."""
        with self._lock:
            # Stamp before reading, so that the next refresh detects a change in between.
            stamp = self._stamps()
            if stamp == self._stamp:
                return False
            try:
                contents = self._read()
                if contents == self._contents:
                    self._stamp = stamp
                    return False
                value = self._parse(contents)
            except FileError as error:
                self._stamp = stamp
                log.warning("file_not_usable", what=self._description, kept="the last good one", faults=error.errors)
                return False
            self._stamp, self._contents, self.value = stamp, contents, value
            log.info("file_reloaded", what=self._description, files=[str(path) for path in self._paths])
            return True

    def _stamps(self) -> tuple[object, ...]:
        stamps: list[object] = []
        for path in self._paths:
            try:
                stat = path.stat()
                # The inode distinguishes files that were renamed into place within one clock tick.
                stamps.append((stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size, stat.st_ino))
            except OSError as error:
                stamps.append(error.errno)
        return tuple(stamps)

    def _read(self) -> list[bytes]:
        contents: list[bytes] = []
        errors: list[str] = []
        for path in self._paths:
            try:
                with path.open("rb") as file:
                    content = file.read(self._max_bytes + 1)
            except OSError as error:
                errors.append(f"{path}: {error.strerror or error}")
                continue
            if len(content) > self._max_bytes:
                errors.append(f"{path}: must be at most {self._max_bytes:,} bytes")
            contents.append(content)
        if errors:
            raise FileError(errors)
        return contents
