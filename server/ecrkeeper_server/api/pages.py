"""Pages of List calls (AIP-158)."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from google.protobuf.message import Message

from ecrkeeper_server.errors import InvalidArgument, Violation

_DEFAULT = 100
# gRPC takes answers of up to 4 MiB.
_PAGE_BYTES = 1_500_000
_SHOWN = 20
# Rows that are fetched first, more and more at a time, and in all for one page.
_FIRST_FETCHED, _MOST_FETCHED, _MOST_READ = 101, 500, 10_000

T = TypeVar("T")
M = TypeVar("M", bound=Message)
Show = Callable[[Sequence[T]], Awaitable[Sequence[M]]]


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
    query = _query(request)
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


def _query(request: Any) -> str:
    """Another text for every other method and for every other request, but for which page of it is asked for."""
    content = type(request)()
    content.CopyFrom(request)
    for field in ("page_size", "page_token"):
        content.ClearField(field)
    asked = content.DESCRIPTOR.full_name.encode() + b"\0" + content.SerializeToString(deterministic=True)
    return hashlib.sha256(asked).hexdigest()[:12]


def _storable(part: Any) -> bool:
    """Whether every database takes the value."""
    if isinstance(part, int):
        return 0 <= part < 2**63
    return "\0" not in part and part.isprintable()


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


async def scan(
    fetch: Callable[[Any, int], Awaitable[list[T]]],
    page: Page,
    meets: Callable[[T], bool],
    cursor: Callable[[T], Any],
    may: Callable[[T], bool],
    show: Show[T, M],
    *,
    most: int = _MOST_FETCHED,
) -> tuple[list[M], str]:
    """One page of the rows that the caller may read and that meet a filter, as messages, and the token of the next.

    `fetch` returns rows behind a cursor, `most` at a time; `show` makes messages of rows. A page ends early
    where its messages become large, and where few rows meet the filter, rather than reading the whole
    table in one call. Rows that the caller may not read do not count, and no token names one.
    """
    found: list[M] = []
    size = read = 0
    after = told = page.after
    limit = min(most, page.size + 1, _FIRST_FETCHED)
    while read < _MOST_READ or told == page.after:
        rows = await fetch(after, limit)
        allowed = [(row, meets(row)) for row in rows if may(row)]
        messages = _shown([row for row, wanted in allowed if wanted][: page.size - len(found)], show)
        for row, wanted in allowed:
            if wanted:
                message = await anext(messages) if len(found) < page.size else None
                size += message.ByteSize() if message is not None else 0
                if message is None or (found and size > _PAGE_BYTES):
                    return found, page.token(told)
                found.append(message)
            told = cursor(row)
        if len(rows) < limit:
            return found, ""
        after = cursor(rows[-1])
        read += limit
        limit = min(most, 2 * limit)
        # Reads of SQLite do not wait for anything: let other calls go on.
        await asyncio.sleep(0)
    return found, page.token(told)


async def _shown(rows: Sequence[T], show: Show[T, M]) -> AsyncIterator[M]:
    """The messages of rows, made a few at a time: those beyond the end of the page are not made."""
    for start in range(0, len(rows), _SHOWN):
        for message in await show(rows[start : start + _SHOWN]):
            yield message
