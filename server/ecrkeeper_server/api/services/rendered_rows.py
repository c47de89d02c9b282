"""Parts of List answers, rendered once for each change of a row.

Clients list a fleet at rest again and again. The database computes digests, so that it sends only
the states and settings of changed rows. The server caches the bytes of the others.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, Protocol, TypeVar

from cachetools import FIFOCache
from google.protobuf.message import Message

# In bytes: of all parts with their rows, of the longest cached part, and of a row.
_CACHED, _LONGEST, _ROW = 24 * 1024 * 1024, 65_536, 1_000


class Listed(Protocol):
    """A row of a page."""

    @property
    def uid(self) -> str:
        """The uid of the resource."""

    @property
    def key(self) -> tuple[Any, ...]:
        """The row without times that every attempt changes: the version of the rest."""


R = TypeVar("R", bound=Listed)


class RenderedRows(Generic[R]):
    """Converts rows to parts of an answer.

    A part is a serialized answer with one resource. Concatenated parts are a serialized answer with
    all their resources, by the definition of protobuf's encoding.

    `read` returns the current row of each row with its answer, or None for one that was removed.
    `stamp` replaces the times in an answer.
    """

    def __init__(
        self,
        read: Callable[[Sequence[R]], Awaitable[Sequence[tuple[R, Message] | None]]],
        parse: Callable[[bytes], Any],
        stamp: Callable[[Any, R], None],
    ) -> None:
        self._read = read
        self._parse = parse
        self._stamp = stamp
        # Lists read their rows in turn, so the row that was used last is no better than another.
        self._cached: FIFOCache[str, tuple[R, bytes]] = FIFOCache(_CACHED, getsizeof=lambda kept: len(kept[1]) + _ROW)

    async def show(self, rows: Sequence[R]) -> Sequence[bytes | None]:
        """Return the part of each row; None for one that was removed."""
        parts = list(map(self._part, rows))
        missing = [row for row, part in zip(rows, parts, strict=True) if part is None]
        if not missing:
            return parts
        read = iter(await self._read(missing))
        return [self._rendered(next(read)) if part is None else part for part in parts]

    def _part(self, row: R) -> bytes | None:
        try:
            cached, part = self._cached[row.uid]
        except KeyError:
            return None
        if cached == row:
            return part
        if cached.key != row.key:
            return None
        message = self._parse(part)
        self._stamp(message, row)
        return self._keep(row, message)

    def _rendered(self, read: tuple[R, Message] | None) -> bytes | None:
        return None if read is None else self._keep(*read)

    def _keep(self, row: R, message: Message) -> bytes:
        part = message.SerializeToString()
        if len(part) <= _LONGEST:
            self._cached[row.uid] = row, part
        return part
