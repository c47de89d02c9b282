"""Columns of JSON text, and tables of values that statements get as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

import orjson
from sqlalchemy import BigInteger, ColumnElement, Text, TypeDecorator, type_coerce
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.functions import GenericFunction

from ecrkeeper_server.store.long_json import LONG, LongJson, parse, reading
from ecrkeeper_server.turns import Steps, finish

R = TypeVar("R")
T = TypeVar("T")
Reader = Callable[[str], Steps[Any]]
"""Returns the value of a JSON text, in steps."""

ROWS = "given"
"""The parameter that holds the rows of a table of values."""

AT_ONCE, ROW_CHARACTERS = 250_000, 2_500
"""The characters of JSON that a step reads in less than a millisecond; a row takes as long as some more."""
NARROW_CHARACTERS, HASHED_AT_ONCE = 500, 4
"""The same for a row that is not parsed; and so many characters are hashed in the time of one."""
MEASURED_AT_ONCE = 8
"""So many characters are measured in the time of one: SQLite reads them."""


class Pace:
    """Counts the rows that a step reads, by their characters of JSON."""

    __slots__ = ("_characters",)

    def __init__(self) -> None:
        self._characters = 0

    def is_over(self) -> bool:
        """Return whether the step has read enough; the next one then begins."""
        if self._characters <= AT_ONCE:
            return False
        self._characters = 0
        return True

    def count(self, characters: int, row: int = ROW_CHARACTERS) -> None:
        """Count a row."""
        self._characters += row + characters


def reading_each(
    rows: Iterable[R], make: Callable[[R], T], characters: Callable[[R], int], row_characters: int = ROW_CHARACTERS
) -> Steps[list[T]]:
    """Return what `make` makes of rows, in steps by their characters of JSON."""
    made: list[T] = []
    pace = Pace()
    for row in rows:
        if pace.is_over():
            yield
        made.append(make(row))
        pace.count(characters(row), row_characters)
    return made


def released(rows: list[R]) -> Iterator[R]:
    """Yield rows, and remove each: its values take the place of its texts."""
    rows.reverse()
    while rows:
        yield rows.pop()


# A value with a member of more items is written in parts.
_MANY = 500
# A value is taken apart into its members, and theirs, so many times: a state has settings, these have rules.
_DEPTH = 5
# A value with more items is only taken apart into them. They are written in runs of so many, or of so many characters.
_FEW, _AT_ONCE, _RUN = 25, 50, 65_536
# `json.dumps` with these options would create an encoder for every value.
_ENCODER = json.JSONEncoder(separators=(",", ":"), sort_keys=True)


class JsonText(TypeDecorator[Any]):
    """A JSON value as text: the same on every database, and never a raw NUL byte."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Write a value; None is the database's NULL."""
        return json_text(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """Read a value."""
        return None if value is None else self.read(value)

    def read(self, text: str) -> Any:
        """Return the value of a text."""
        return read_json(text)

    def reading(self, text: str) -> Steps[Any]:
        """Return the same in steps."""
        return reading_json(text)


class StateText(JsonText):
    """The same for long values, which are parsed when they are needed."""

    cache_ok = True

    def read(self, text: str) -> Any:
        """Return the value of a text."""
        return read_state(text)

    def reading(self, text: str) -> Steps[Any]:
        """Return the same in steps."""
        yield from ()
        return read_state(text)


def as_text(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return a column with its JSON as text."""
    return type_coerce(column, Text).label(column.key) if isinstance(column.type, JsonText) else column


def readers(columns: Iterable[ColumnElement[Any]]) -> dict[str, Reader]:
    """Return what parses the texts of those columns that are JSON."""
    return {str(column.key): column.type.reading for column in columns if isinstance(column.type, JsonText)}


class TextBytes(GenericFunction[int]):
    """The bytes of a text, `octet_length` in SQL.

    Databases would read the whole text to count its characters.
    """

    name = "octet_length"
    type = BigInteger()
    inherit_cache = True


def json_rows(values: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the parameter that holds the rows of `Dialect.json_table`.

    One parameter keeps the statement the same for any number of rows.
    """
    return {ROWS: orjson.dumps(list(values)).decode()}


# A sweep reads a row and a declaration for each registry, and a write stores five values: orjson
# takes a fifth of the time. `json` handles the rest: half surrogate pairs and larger integers.
def json_text(value: Any) -> str | None:
    """Return the text of a JSON column."""
    if value is None:
        return None
    if type(value) is LongJson:
        value = value.stored
        if type(value) is str:
            return value
    if type(value) is dict and max(map(_items, value.values()), default=0) > _MANY:
        return "".join(_parts(value))
    return _sorted(value)


def writing_json(value: Any) -> Steps[LongJson]:
    """Return a value with its text, in steps, so that a transaction need not make it."""
    parts: list[str] = []
    written = 0
    for part in _parts(value):
        parts.append(part)
        written += len(part)
        if written > _RUN:
            written = 0
            yield
    return LongJson.of(value, "".join(parts))


def _sorted(value: Any) -> str:
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    except TypeError:
        return _ENCODER.encode(value)


def _items(value: Any) -> int:
    return len(value) if type(value) is dict or type(value) is list else 0


def _parts(value: Any, depth: int = _DEPTH) -> Iterator[str]:
    """Yield the parts of a text.

    Each call of orjson keeps Python's lock, also in a thread, and the event loop waits for it.
    """
    if _items(value) > _FEW:
        yield from _runs(value, depth)
    elif not depth or not _items(value):
        yield _sorted(value)
    elif type(value) is list:
        for at, item in enumerate(value):
            yield "," if at else "["
            yield from _parts(item, depth - 1)
        yield "]"
    else:
        for at, name in enumerate(sorted(value)):
            yield ("," if at else "{") + _sorted(name) + ":"
            yield from _parts(value[name], depth - 1)
        yield "}"


def _runs(value: Any, depth: int) -> Iterator[str]:
    """Yield the parts of a value with many items, which may be long."""
    listed = type(value) is list
    yield "[" if listed else "{"
    run: dict[Any, Any] = {}
    between, count = "", 1
    for name in range(len(value)) if listed else sorted(value):
        item = value[name]
        # One with many items is taken apart by itself.
        apart = depth > 0 and _items(item) > _FEW
        if not apart:
            run[name] = item
        if run and (apart or len(run) >= count):
            text = _run(run, listed=listed)
            yield between + text
            between, run, count = ",", {}, _next_count(count, len(text))
        if apart:
            yield between if listed else f"{between}{_sorted(name)}:"
            between = ","
            yield from _parts(item, depth - 1)
    if run:
        yield between + _run(run, listed=listed)
    yield "]" if listed else "}"


def _run(run: dict[Any, Any], *, listed: bool) -> str:
    """Return the text of some items, without the brackets around them."""
    return _sorted(list(run.values()) if listed else run)[1:-1]


def _next_count(count: int, length: int) -> int:
    """Return how many items the next run has, after one whose text has a length."""
    return min(_AT_ONCE, 2 * count) if length < _RUN else max(1, count // 2)


def read_json(text: str) -> Any:
    """Return the value of a JSON column."""
    if len(text) > LONG:
        return finish(reading(text))
    try:
        return orjson.loads(text)
    except ValueError:
        return parse(text)


def reading_json(text: str) -> Steps[Any]:
    """Return the same in steps."""
    return (yield from reading(text)) if len(text) > LONG else read_json(text)


def read_state(text: str) -> Any:
    """Return the value of a state; a long one is not parsed."""
    return LongJson(text) if len(text) > LONG else read_json(text)
