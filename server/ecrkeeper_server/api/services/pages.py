"""Pages of List calls (AIP-158)."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from operator import methodcaller
from typing import Any, Generic, TypeVar

from msgspec import Struct

from ecrkeeper_server.api.services.page_tokens import TokenSigner, rejection
from ecrkeeper_server.store.large_rows import Measured, size_of
from ecrkeeper_server.turns import Steps, work

_DEFAULT = 100
MAX_ROWS = 1000
# gRPC clients accept answers of up to 4 MiB by default.
PAGE_BYTES = 1_500_000
_SHOWN = 20
# Rows of the first query, of the largest query, and in total for one page.
_FIRST_FETCHED, _MAX_FETCHED, _MAX_READ = 101, 500, 10_000

WIDE = 25
"""The largest query of rows that may have megabytes each."""

MESSAGE_BYTES = methodcaller("ByteSize")
"""Measures a message."""

T = TypeVar("T")
M = TypeVar("M")
W = TypeVar("W", bound=Measured)
Show = Callable[[Sequence[T]], Awaitable[Sequence[M | None]]]


class Page(Struct, frozen=True):
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


def _narrow(_: object) -> int:
    return 0


class _Filling(Generic[T, M]):
    """A page while it is filled: its messages, and the last row that it covers."""

    def __init__(
        self,
        page: Page,
        cursor: Callable[[T], Any],
        show: Show[T, M],
        size_of: Callable[[M], int],
        weigh: Callable[[T], int],
    ) -> None:
        self._page = page
        self._weigh = weigh
        self._cursor = cursor
        self._show = show
        self._size_of = size_of
        self._bytes = 0
        self._pauses = work().pauses()
        self.messages: list[M] = []
        self.last: T | None = None

    def token(self) -> str:
        """Return the token of the page after this one."""
        return self._page.token(self._page.after if self.last is None else self._cursor(self.last))

    async def add(self, rows: Sequence[tuple[T, bool]]) -> bool:
        """Add the rows that match; return whether the page is full."""
        unshown = deque(row for row, matches in rows if matches)
        shown: deque[M | None] = deque()
        for row, matches in rows:
            if matches:
                space = self._page.size - len(self.messages)
                if not space:
                    return True
                if not shown:
                    shown.extend(await self._show(_batch(unshown, self._weigh, min(_SHOWN, space))))
                    await self._pauses.done()
                message = shown.popleft()
                if message is not None:
                    self._bytes += self._size_of(message)
                    if self.messages and self._bytes > PAGE_BYTES:
                        return True
                    self.messages.append(message)
            self.last = row
        return False


async def one_by_one(rows: Iterable[T], show: Callable[[T], Awaitable[M]]) -> list[M]:
    """Return what `show` makes of each row, with pauses.

    A small registry takes a millisecond at once, and a page has hundreds.
    """
    pauses = work().pauses()
    shown = []
    for row in rows:
        shown.append(await show(row))
        await pauses.done()
    return shown


def batches(rows: Iterable[W]) -> Iterator[list[W]]:
    """Yield rows that are read together: few if they are large."""
    remaining = deque(rows)
    while remaining:
        yield _batch(remaining, size_of, len(remaining))


def _batch(remaining: deque[T], weigh: Callable[[T], int], most: int) -> list[T]:
    """Remove and return the next rows: few if they are large."""
    batch: list[T] = []
    size = 0
    while remaining and len(batch) < most:
        size += weigh(remaining[0])
        if batch and size > PAGE_BYTES:
            break
        batch.append(remaining.popleft())
    return batch


def showing(rows: Iterable[T], message_of: Callable[[T], Steps[M]], cost_of: Callable[[T], int]) -> Steps[list[M]]:
    """Return the messages of rows in steps, and charge the caller for each row.

    Each message may take less than a slice, and those of a page together many slices.
    """
    payer = work()
    messages = []
    for row in rows:
        yield
        payer.charge(cost_of(row))
        messages.append((yield from message_of(row)))
    return messages


async def scan(
    fetch: Callable[[Any, int], Awaitable[list[T]]],
    page: Page,
    meets: Callable[[T], bool],
    cursor: Callable[[T], Any],
    may: Callable[[T], bool],
    show: Show[T, M],
    *,
    maximum: int = _MAX_FETCHED,
    size_of: Callable[[M], int] = MESSAGE_BYTES,
    weigh: Callable[[T], int] = _narrow,
) -> tuple[list[M], str]:
    """Return a page of the matching rows that the caller may read, and the next token.

    `fetch` returns at most `maximum` rows after a cursor. `show` converts a few rows to messages, or to
    whatever `size_of` measures; None for a row that was removed since. `weigh` returns the bytes that it reads for
    a row; it gets fewer rows if they are large. A page ends early if its messages
    are large, or if few rows match, so that one call does not read the whole table. Rows that the caller
    may not read do not count, and no token names them.
    """
    filling = _Filling(page, cursor, show, size_of, weigh)
    after, read = page.after, 0
    limit = min(maximum, page.size + 1, _FIRST_FETCHED)
    while read < _MAX_READ or filling.last is None:
        rows = await fetch(after, limit)
        if await filling.add([(row, meets(row)) for row in rows if may(row)]):
            return filling.messages, filling.token()
        if len(rows) < limit:
            return filling.messages, ""
        after = cursor(rows[-1])
        read += limit
        limit = min(maximum, 2 * limit)
        # Reads of SQLite do not yield to the event loop; let other calls run.
        await asyncio.sleep(0)
    return filling.messages, filling.token()
