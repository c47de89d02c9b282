"""Count what the parser of JSON reads, and in which thread."""

from __future__ import annotations

import json
import threading
from typing import Any, TypeVar

import orjson
import pytest
from ecrkeeper_server.store import json_columns, long_json
from ecrkeeper_server.turns import Steps

T = TypeVar("T")


def both(reading: Steps[Steps[T]]) -> Steps[T]:
    """Return what was read and then parsed, in one transaction."""
    return (yield from (yield from reading))


class Parsed:
    """The characters that were parsed: all, of one call, and in threads.

    Without `short`, those that only short texts have are not counted.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, short: bool = False) -> None:
        self.characters = self.longest = 0
        self.in_threads = 0
        for parser in (long_json, json_columns) if short else (long_json,):
            for module in (orjson, json):
                monkeypatch.setattr(parser, module.__name__, _Counting(self, module))

    def count(self, characters: int) -> None:
        self.characters += characters
        self.longest = max(self.longest, characters)
        if threading.current_thread() is not threading.main_thread():
            self.in_threads += characters

    def steps(self, steps: Steps[Any]) -> tuple[Any, list[int]]:
        """Return the result of steps, and the characters of each."""
        found: list[int] = []
        while True:
            before = self.characters
            try:
                next(steps)
            except StopIteration as end:
                return end.value, [*found, self.characters - before]
            found.append(self.characters - before)


class _Counting:
    """A module whose `loads` counts."""

    def __init__(self, parsed: Parsed, module: Any) -> None:
        self._parsed = parsed
        self._module = module

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)

    def loads(self, text: str | bytes) -> Any:
        self._parsed.count(len(text))
        return self._module.loads(text)
