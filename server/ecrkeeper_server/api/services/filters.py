"""Filters of List calls and watches (AIP-160): terms `field = value`, `!=` or `:` (has), joined by AND."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ecrkeeper_server.errors import InvalidArgument, Violation
from ecrkeeper_server.names import shown
from ecrkeeper_server.plain_text import control_in
from ecrkeeper_server.settings.codec import words

_TERM = re.compile(
    r'\s*([A-Za-z_][A-Za-z0-9_.]*)\s*(=|!=|:)\s*(?:"((?:[^"\\]|\\.){0,512})"|([A-Za-z0-9_.\-/*]{1,512}))\s*'
)
_AND = re.compile(r"AND\s")
_TERMS = 20

Fields = Mapping[str, Callable[[Any], Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Choice:
    """A field with a few values, which are asked for in any case."""

    of: Callable[[Any], Sequence[str]]
    values: tuple[str, ...]

    def __call__(self, row: Any) -> Sequence[str]:
        """The values of a row."""
        return self.of(row)


def enum_choice(enum: Any, of: Callable[[Any], Sequence[str]], *, unspecified: bool = False) -> Choice:
    """A field with the values of an enum of the API; `unspecified` where rows can have that one, too."""
    values = (("UNSPECIFIED",) if unspecified else ()) + words(enum)
    return Choice(of, values)


def matcher(text: str, fields: Fields) -> Callable[[Any], bool]:
    """Whether a row meets a filter: terms `field = value`, `!=` or `:` (has), joined by AND."""
    terms = _parse(text, fields)

    def meets(row: Any) -> bool:
        return all((wanted in fields[name](row)) is (operator != "!=") for name, operator, wanted in terms)

    return meets


def equal_to(text: str, fields: Fields, name: str) -> str | None:
    """The value that a filter asks of a field by a term `name = value`; None if there is no such term."""
    return next((value for field, operator, value in _parse(text, fields) if (field, operator) == (name, "=")), None)


def _parse(text: str, fields: Fields) -> list[tuple[str, str, str]]:
    terms: list[tuple[str, str, str]] = []
    at = 0
    if control := control_in(text):
        # Values are compared in the database, too, and not every one takes such text.
        raise _fault(f"must not hold control characters, got {control}")
    while text[at:].strip():
        if terms:
            joined = _AND.match(text, at)
            if joined is None:
                raise _fault(f"expected AND at {shown(text[at:])}; OR, NOT and parentheses are not supported")
            at = joined.end()
        found = _TERM.match(text, at)
        if found is None or len(terms) == _TERMS:
            raise _fault(f'expected `field = "value"` at {shown(text[at:])}')
        name, operator, quoted, bare = found.groups()
        if name not in fields:
            raise _fault(f"unknown field {shown(name)}; known are {', '.join(sorted(fields))}")
        value = bare if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
        terms.append((name, operator, _value(name, fields[name], value)))
        at = found.end()
    return terms


def _value(name: str, field: Callable[[Any], Sequence[str]], given: str) -> str:
    """What is compared with the values of rows."""
    if "*" in given:
        raise _fault(f"{name}: `*` is not supported, got {shown(given)}; a value is compared as a whole")
    if not isinstance(field, Choice):
        return given
    value = given.upper()
    if value not in field.values:
        raise _fault(f"{name}: must be one of {', '.join(field.values)}, got {shown(given)}")
    return value


def _fault(description: str) -> InvalidArgument:
    return InvalidArgument([Violation("filter", description)])
