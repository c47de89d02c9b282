"""Pages and filters of List calls (AIP-158, AIP-160)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ecrkeeper_server.errors import InvalidArgument, Violation
from ecrkeeper_server.names import shown

_DEFAULT = 100
_TERM = re.compile(
    r'\s*([A-Za-z_][A-Za-z0-9_.]*)\s*(=|!=|:)\s*(?:"((?:[^"\\]|\\.){0,512})"|([A-Za-z0-9_.\-/*]{1,512}))\s*'
)
_AND = re.compile(r"AND\s")
_TERMS = 20

Fields = Mapping[str, Callable[[Any], Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Page:
    """Where a page begins and how long it may be."""

    after: Any
    size: int
    _query: str

    def token(self, after: Any) -> str:
        """The token of the page that begins behind `after`."""
        return base64.urlsafe_b64encode(json.dumps([self._query, after]).encode()).decode()


def page_of(request: Any, start: Any) -> Page:
    """The page that a request asks for; a token of another query is refused."""
    parts = [getattr(request, "parent", ""), getattr(request, "name", ""), getattr(request, "filter", "")]
    parts += [str(getattr(request, name)) for name in ("start_time", "end_time") if hasattr(request, name)]
    query = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]
    size = request.page_size or _DEFAULT
    if not request.page_token:
        return Page(start, size, query)
    try:
        given, after = json.loads(base64.urlsafe_b64decode(request.page_token.encode("ascii")))
    except (TypeError, ValueError, binascii.Error, UnicodeError, RecursionError):
        given, after = None, None
    if given != query or type(after) is not type(start) or (isinstance(after, list) and len(after) != len(start)):
        raise InvalidArgument([Violation("page_token", "is not a token of this list; pass next_page_token unchanged")])
    if not all(
        isinstance(part, type(other)) and _storable(part)
        for part, other in zip(_list(after), _list(start), strict=True)
    ):
        raise InvalidArgument([Violation("page_token", "is not a token of this list; pass next_page_token unchanged")])
    return Page(after, size, query)


def _storable(part: Any) -> bool:
    """Whether every database takes the value."""
    if isinstance(part, int):
        return 0 <= part < 2**63
    return "\0" not in part and part.isprintable()


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


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
        terms.append((name, operator, value))
        at = found.end()
    return terms


def _fault(description: str) -> InvalidArgument:
    return InvalidArgument([Violation("filter", description)])
