"""Detect exports that were cut short; pure.

An export begins with a document of the kind `Export` and ends with one of the kind `End`, which has the number of the
others. A file written by hand needs neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ecrkeeper_files.plain_text import escaped, shown

MARKS = ("Export", "End")


class Incomplete(Exception):
    """The file is not a whole export."""


class Completeness:
    """Counts the documents of one file."""

    def __init__(self) -> None:
        self._number = 0
        self._counted = 0
        self._exported = False
        self._ended = False

    def skips(self, value: Any) -> bool:
        """Count a document; return whether it is empty or a mark of an export.

        Incomplete if the export says otherwise.
        """
        self._number += 1
        if self._ended:
            raise Incomplete(f"document {self._number} comes after the end of the export")
        kind = value.get("kind") if isinstance(value, Mapping) else None
        if kind == "Export" and self._number == 1:
            self._exported = True
        elif kind == "End":
            self._ended = True
            self._compare(value.get("documents"))
        elif value is not None:
            self._counted += 1
            return False
        return True

    def _compare(self, declared: Any) -> None:
        if declared != self._counted:
            text = shown(declared) if isinstance(declared, str) else escaped(str(declared)[:80])
            raise Incomplete(f"the export has {self._counted} documents, and its last document declares {text}")

    def end(self) -> None:
        """Note the end of the file; Incomplete if an export has not ended."""
        if self._exported and not self._ended:
            raise Incomplete(f"the export is truncated after document {self._number}")
