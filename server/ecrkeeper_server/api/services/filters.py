"""Filters of lists and watches (AIP-160): fields of resources, and their matching."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from typing import Any

from msgspec import Struct

from ecrkeeper_server.names import shown
from ecrkeeper_server.settings.codec import words
from ecrkeeper_server.store.filter_expression import (
    Either,
    Every,
    Expression,
    Negation,
    Restriction,
    holds,
    required,
)
from ecrkeeper_server.store.filter_syntax import parse, violation

Fields = Mapping[str, Callable[[Any], Container[str]]]
_NO_FILTER = Every(())


class Key(Struct, frozen=True):
    """A field with keys of elements, in which `*` is a character like others."""

    of: Callable[[Any], Container[str]]

    def __call__(self, row: Any) -> Container[str]:
        """The values of a row."""
        return self.of(row)


class Choice(Struct, frozen=True):
    """A field with a few values, which filters may write in any case."""

    of: Callable[[Any], Container[str]]
    values: tuple[str, ...]
    case: Callable[[str], str] = str.upper

    def __call__(self, row: Any) -> Container[str]:
        """Return the values of a row."""
        return self.of(row)


def enum_choice(enum: Any, of: Callable[[Any], Container[str]], *, unspecified: bool = False) -> Choice:
    """Return a field with the values of an API enum.

    `unspecified` if rows can have that value too.
    """
    values = ((enum.Name(0),) if unspecified else ()) + words(enum)
    return Choice(of, values)


def truth(of: Callable[[Any], bool]) -> Choice:
    """Return a boolean field."""
    return Choice(lambda row: [str(of(row)).upper()], ("TRUE", "FALSE"))


def filter_expression(text: str, fields: Fields) -> Expression:
    """Parse a filter on these fields, with enum values as rows have them."""
    return _checked(parse(text), fields)


def matcher(text: str, fields: Fields) -> Callable[[Any], bool]:
    """Return a predicate: whether a row matches a filter."""
    expression = filter_expression(text, fields)
    if expression == _NO_FILTER:
        return _every_row

    def matches(row: Any) -> bool:
        return holds(expression, lambda each: (each.value in fields[each.field](row)) is each.equal)

    return matches


def _every_row(_row: Any) -> bool:
    return True


def equal_to(text: str, fields: Fields, name: str) -> str | None:
    """Return the value that a filter requires of a field.

    None if several values can match.
    """
    restrictions = required(filter_expression(text, fields))
    return next((each.value for each in restrictions if each.field == name and each.equal), None)


def _checked(expression: Expression, fields: Fields) -> Expression:
    match expression:
        case Restriction(name, equal, given):
            if name not in fields:
                raise violation(f"unknown field {shown(name)}; known fields are {', '.join(sorted(fields))}")
            return Restriction(name, equal, _value(name, fields[name], given))
        case Every(parts):
            return Every(tuple(_checked(part, fields) for part in parts))
        case Either(parts):
            return Either(tuple(_checked(part, fields) for part in parts))
        case Negation(part):
            return Negation(_checked(part, fields))


def _value(name: str, field: Callable[[Any], Container[str]], text: str) -> str:
    """Return the value to compare with the values of rows."""
    if "*" in text and not isinstance(field, Key):
        raise violation(f"{name}: `*` is not supported, got {shown(text)}; a value matches as a whole")
    if not isinstance(field, Choice):
        return text
    value = field.case(text)
    if value not in field.values:
        raise violation(f"{name}: must be one of {', '.join(field.values)}, got {shown(text)}")
    return value
