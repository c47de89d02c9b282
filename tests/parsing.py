"""Count what the parser of JSON reads, and in which thread."""

from __future__ import annotations

import json
import threading
from typing import Any

import orjson
import pytest
from ecrkeeper_server.store import long_json
from ecrkeeper_server.turns import Steps


class Parsed:
    """The characters that were parsed: all, of one call, and in threads."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.characters = self.longest = 0
        self.in_threads = 0
        for module in (orjson, json):
            monkeypatch.setattr(long_json, module.__name__, _Counting(self, module.loads))

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

    def __init__(self, parsed: Parsed, loads: Any) -> None:
        self._parsed = parsed
        self._loads = loads

    def loads(self, text: str | bytes) -> Any:
        self._parsed.count(len(text))
        return self._loads(text)
