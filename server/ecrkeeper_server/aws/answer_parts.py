"""Parse a large answer in parts: orjson takes 30 ms for the largest one.

Python's decoder finds where each item of a list ends, and orjson parses the item. It accepts the same answers as for
a short one, and shares the keys of all items.
"""

from __future__ import annotations

import json
import re
from codecs import getincrementaldecoder
from typing import Any

import orjson

from ecrkeeper_server.turns import Steps

# Characters that a step parses, and bytes that a step decodes or searches.
_CHARACTERS, _BYTES = 64 * 1024, 1024 * 1024
# AWS's lists are in an object of the answer at most; anything deeper is an item.
_DEPTH = 3
_SPACE = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder()


def counting(body: bytes, *marks: bytes) -> Steps[list[int]]:
    """Return how often the body has each mark, in steps."""
    counts = [0] * len(marks)
    for start in range(0, len(body), _BYTES):
        yield
        for at, mark in enumerate(marks):
            counts[at] += body.count(mark, start, start + _BYTES)
    return counts


def loading(body: bytes) -> Steps[Any]:
    """Return what `orjson.loads` returns, in steps; ValueError for invalid JSON."""
    decoder, texts = getincrementaldecoder("utf-8")(), []
    for start in range(0, len(body), _BYTES):
        yield
        texts.append(decoder.decode(body[start : start + _BYTES], final=start + _BYTES >= len(body)))
    parsing = _Parsing("".join(texts))
    try:
        result = yield from parsing.value(parsing.skip(0), _DEPTH)
    except (IndexError, RecursionError):
        raise ValueError("not JSON") from None
    if parsing.skip(parsing.end) != len(parsing.text):
        raise ValueError("more than one value")
    return result


class _Parsing:
    """Parses one text; `end` is the end of the last value."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.end = self._paused = 0

    def skip(self, at: int) -> int:
        """Return the place of the next character that is no space."""
        return _SPACE.match(self.text, at).end()  # type: ignore[union-attr]  # it also matches nothing

    def value(self, at: int, depth: int) -> Steps[Any]:
        """Parse the value at a place: an object or a list in parts, down to a depth."""
        opening = self.text[at]
        if depth and opening == "{":
            return (yield from self._object(at, depth))
        if depth and opening == "[":
            return (yield from self._list(at))
        return self._item(at)

    def _item(self, at: int) -> Any:
        _, self.end = _DECODER.raw_decode(self.text, at)
        return orjson.loads(self.text[at : self.end])

    def _object(self, at: int, depth: int) -> Steps[dict[str, Any]]:
        result: dict[str, Any] = {}
        at = self.skip(at + 1)
        if self.text[at] == "}":
            self.end = at + 1
            return result
        while True:
            if self.text[at] != '"':
                raise ValueError("a name must be a string")
            name = self._item(at)
            at = self.skip(self.end)
            if self.text[at] != ":":
                raise ValueError("a name must have a value")
            result[name] = yield from self.value(self.skip(at + 1), depth - 1)
            if self._closed("}"):
                return result
            at = self.skip(self.end)

    def _list(self, at: int) -> Steps[list[Any]]:
        result: list[Any] = []
        at = self.skip(at + 1)
        if self.text[at] == "]":
            self.end = at + 1
            return result
        while True:
            result.append(self._item(at))
            if self.end - self._paused >= _CHARACTERS:
                self._paused = self.end
                yield
            if self._closed("]"):
                return result
            at = self.skip(self.end)

    def _closed(self, closing: str) -> bool:
        """Return whether a value is the last one, and go behind the comma or the end."""
        at = self.skip(self.end)
        self.end = at + 1
        if self.text[at] not in (",", closing):
            raise ValueError("a value must be followed by a comma or the end")
        return self.text[at] == closing
