"""Pages of List calls (AIP-158)."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from operator import methodcaller
from typing import Any, TypeVar

from ecrkeeper_server.api.services.page_tokens import TokenSigner, rejection

_DEFAULT = 100
MAX_ROWS = 1000
# gRPC clients accept answers of up to 4 MiB by default.
PAGE_BYTES = 1_500_000
_SHOWN = 20
# Rows of the first query, of the largest query, and in total for one page.
_FIRST_FETCHED, _MAX_FETCHED, _MAX_READ = 101, 500, 10_000

WIDE = 25
"""The largest query of rows that may have megabytes each."""

_MESSAGE_BYTES = methodcaller("ByteSize")

T = TypeVar("T")
M = TypeVar("M")
Show = Callable[[Sequence[T]], Awaitable[Sequence[M | None]]]


@dataclass(frozen=True, slots=True)
class Page:
    """The cursor of a page and its maximum size."""

    after: Any
    size: int
    _signer: TokenSigner

    def token(self, after: Any) -> str:
        """Return the token of the page after the cursor `after`."""
        return self._signer.token(after)


def page_of(request: Any, start: Any, signer: TokenSigner) -> Page:
    """Return the requested page; reject a token of another list or another caller.

    A page size above the maximum is read as the maximum (AIP-158).
    """
    size = min(request.page_size or _DEFAULT, MAX_ROWS)
    if not request.page_token:
        return Page(start, size, signer)
    after = signer.content(request.page_token)
    if not _alike(after, start):
        # A token for this list, but of another release of the server.
        raise rejection("is not a token of this release of the server")
    return Page(after, size, signer)


def _alike(after: Any, start: Any) -> bool:
    """Return whether a cursor has the shape of the first one."""
    if isinstance(start, list):
        return isinstance(after, list) and len(after) == len(start) and all(map(_alike, after, start))
    return type(after) is type(start)


def everything(_: object) -> bool:
    """Match every row: there is no filter, or no row to hide."""
    return True


async def scan(
    fetch: Callable[[Any, int], Awaitable[list[T]]],
    page: Page,
    meets: Callable[[T], bool],
    cursor: Callable[[T], Any],
    may: Callable[[T], bool],
    show: Show[T, M],
    *,
    maximum: int = _MAX_FETCHED,
    size_of: Callable[[M], int] = _MESSAGE_BYTES,
) -> tuple[list[M], str]:
    """Return a page of the matching rows that the caller may read, and the next token.

    `fetch` returns at most `maximum` rows after a cursor. `show` converts a few rows to messages, or to
    whatever `size_of` measures; None for a row that was removed since. A page ends early if its messages
    are large, or if few rows match, so that one call does not read the whole table. Rows that the caller
    may not read do not count, and no token names them.
    """
    found: list[M] = []
    size = read = 0
    after = page.after
    sent: T | None = None

    def token() -> str:
        return page.token(page.after if sent is None else cursor(sent))

    limit = min(maximum, page.size + 1, _FIRST_FETCHED)
    while read < _MAX_READ or sent is None:
        rows = await fetch(after, limit)
        allowed = [(row, meets(row)) for row in rows if may(row)]
        hidden = deque(row for row, matching in allowed if matching)
        shown: deque[M | None] = deque()
        for row, matching in allowed:
            if matching:
                left = page.size - len(found)
                if not left:
                    return found, token()
                if not shown:
                    shown.extend(await show([hidden.popleft() for _ in range(min(_SHOWN, left, len(hidden)))]))
                message = shown.popleft()
                if message is not None:
                    size += size_of(message)
                    if found and size > PAGE_BYTES:
                        return found, token()
                    found.append(message)
            sent = row
        if len(rows) < limit:
            return found, ""
        after = cursor(rows[-1])
        read += limit
        limit = min(maximum, 2 * limit)
        # Reads of SQLite do not yield to the event loop; let other calls run.
        await asyncio.sleep(0)
    return found, token()
