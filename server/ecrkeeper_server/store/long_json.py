"""Parse long JSON texts in short parts.

A parser holds Python's lock for some 5 ms for each MB, in any thread. A long text is therefore split first, at a tenth
of that time, and parsed part by part.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any, Self

import msgspec
import orjson

from ecrkeeper_server.json_object import Json
from ecrkeeper_server.turns import Steps, finish

LONG = 65_536
"""The characters of a long text; a shorter one is parsed at once, in less than half a millisecond."""

# The levels of a value whose members are compared one by one, those of them that may be long, and those of a step.
_DEPTH, _FEW, _COMPARED = 4, 25, 50
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])


class LongJson:
    """A JSON value as a long text, which is parsed when it is needed.

    It is equal to its value. `reading` parses it in steps. `value` parses it at once if nobody did so before. One that
    is to be stored has both, by `of`: neither is made again.
    """

    __slots__ = ("_known", "_members", "_text", "_value")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, text: str) -> None:
        self._text = text
        self._value: Json | None = None
        # The members that were asked for, and those of them that exist.
        self._known: set[str] = set()
        self._members: Json = {}

    @classmethod
    def of(cls, value: Any, text: str) -> Self:
        """Return a value with its text."""
        both = cls(text)
        both._value = value
        return both

    def __eq__(self, other: object) -> bool:
        if isinstance(other, LongJson):
            return other is self or (self._text == other._text if self._text and other._text else self == other.value())
        return self.value() == other

    def __repr__(self) -> str:
        return f"LongJson of {len(self._text)} characters" if self._text else f"LongJson({self._value!r})"

    @property
    def stored(self) -> Any:
        """The text, or the value of one that was parsed."""
        return self._text or self._value

    def reading(self) -> Steps[Json]:
        """Parse the text in steps, and return its value."""
        if self._value is None:
            self._value = yield from reading(self._text)
            # The value is enough.
            self._text, self._members = "", {}
        return self._value

    def reading_members(self, names: Collection[str]) -> Steps[Json]:
        """Return at least these of the members that exist, and parse no others."""
        if self._value is not None:
            return self._value
        if not self._known.issuperset(names):
            parts = _MEMBERS.decode(self._text)
            yield
            members = self._members
            for name in parts.keys() & set(names) - self._known:
                members[name] = yield from _reading(bytes(parts[name]))
            self._known.update(names)
            return members
        return self._members

    def value(self) -> Json:
        """Return the value, and parse the text at once if it is not parsed yet."""
        return finish(self.reading()) if self._value is None else self._value


def value_of(stored: Json | LongJson) -> Json:
    """Return the value of a stored object."""
    return stored.value() if isinstance(stored, LongJson) else stored


def reading_members(stored: Json | LongJson, names: Collection[str]) -> Steps[Json]:
    """Return at least these members of a stored object that exist."""
    if isinstance(stored, LongJson):
        return (yield from stored.reading_members(names))
    return stored


def comparing(one: Any, other: Any, depth: int = _DEPTH) -> Steps[bool]:
    """Return whether two values are equal, in steps."""
    if one is other:
        return True
    if not depth or type(one) is not type(other) or type(one) not in (dict, list) or len(one) != len(other):
        return bool(one == other)
    for at, key in enumerate(one if type(one) is dict else range(len(one))):
        if at % _COMPARED == _COMPARED - 1:
            yield
        if type(one) is dict and key not in other:
            return False
        # Long values are within the first members and items, or in many.
        same = one[key] == other[key] if at >= _FEW else (yield from comparing(one[key], other[key], depth - 1))
        if not same:
            return False
    return True


def reading(text: str) -> Steps[Any]:
    """Return the value of a JSON text, in steps."""
    try:
        return (yield from _reading(text.encode()))
    except msgspec.DecodeError:
        return parse(text)


def parse(text: str | bytes) -> Any:
    """Return the value of a short JSON text."""
    try:
        return orjson.loads(text)
    except ValueError:
        return json.loads(text)


def _reading(text: bytes) -> Steps[Any]:
    """Return the value of a text; split a long one."""
    if len(text) > LONG and text.startswith(b"["):
        return (yield from _items(text))
    if len(text) > LONG and text.startswith(b"{"):
        yield
        members = _MEMBERS.decode(text)
        yield
        values = yield from _values(list(members.values()))
        return dict(zip(members, values, strict=True))
    return parse(text)


def _items(text: bytes) -> Steps[list[Any]]:
    """Return the items of a list, some in each step.

    It guesses where an item ends. A wrong guess is within an item and leaves a bracket or a quote open, so the text
    until there cannot be parsed.
    """
    between = _between(text)
    values: list[Any] = []
    at = 1
    while len(text) - at > LONG:
        comma = text.rfind(between, at, at + LONG) + between.index(b",")
        try:
            if comma < at:
                raise ValueError("an item is long")
            values += orjson.loads(b"[" + text[at:comma] + b"]")
        except ValueError:
            yield
            return values + (yield from _values(_ITEMS.decode(b"[" + text[at:])))
        at = comma + 1
        yield
    values += parse(b"[" + text[at:])
    return values


def _between(text: bytes) -> bytes:
    """Return the likely text between two items of a list."""
    if text.startswith(b"[{"):
        # Objects mostly have the same first key.
        return b"}," + text[1 : text.find(b":", 1, 100)]
    return {b'["': b'","', b"[[": b"],["}.get(text[:2], b",")


def _values(parts: list[msgspec.Raw]) -> Steps[list[Any]]:
    """Return the values of parts; parse short ones together."""
    values: list[Any] = []
    begin = size = 0
    for at, part in enumerate(parts):
        length = len(memoryview(part))
        if size + length > LONG:
            values += _parse_all(parts[begin:at])
            begin, size = at, 0
            yield
        if length > LONG:
            values.append((yield from _reading(bytes(part))))
            begin, size = at + 1, 0
        else:
            # With its separator.
            size += length + 1
    return values + _parse_all(parts[begin:])


def _parse_all(parts: list[msgspec.Raw]) -> list[Any]:
    parsed: list[Any] = parse(b"[" + b",".join(parts) + b"]")
    return parsed
