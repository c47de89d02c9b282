"""A stream of YAML documents, written and read with the memory of one document.

`ecrkeeper_files.completeness` detects exports that were cut short.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from ecrkeeper_files import strict_yaml
from ecrkeeper_files.completeness import Completeness, Incomplete
from ecrkeeper_files.kinds import VERSION
from ecrkeeper_files.strict_yaml import Document
from ecrkeeper_files.written import dump

from ecrkeeper_server.json_object import Json


class StreamError(Exception):
    """The stream is not YAML, or is truncated; `args` has all errors."""


class Writer:
    """Writes and counts the documents of an export; `end` completes it."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out
        self.count = 0
        self._dump({"apiVersion": VERSION, "kind": "Export"})

    def write(self, document: Json) -> None:
        """Write one document."""
        self._dump(document)
        self.count += 1

    def end(self) -> None:
        """Write the last document, without which an export counts as truncated."""
        self._dump({"apiVersion": VERSION, "kind": "End", "documents": self.count})
        self._out.flush()

    def _dump(self, document: Json) -> None:
        dump(document, self._out)


def read(source: IO[bytes]) -> Iterator[tuple[int, Document]]:
    """Yield each document with its number, counted from 1.

    StreamError if the stream is not YAML, or is truncated.
    """
    number, whole = 0, Completeness()
    try:
        for number, document in enumerate(strict_yaml.load_all(source), start=1):
            if not whole.skips(document.value):
                yield number, document
        whole.end()
    except Incomplete as error:
        raise StreamError(str(error)) from error
    except strict_yaml.StrictYamlError as error:
        raise StreamError(*(f"document {number + 1} is not valid YAML: {each}" for each in error.violations)) from error
    if number == 0:
        raise StreamError("the file has no documents")
