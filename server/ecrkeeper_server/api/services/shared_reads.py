"""Read a changed resource once for all watches that show it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from cachetools import LRUCache

from ecrkeeper_server.api.services.broadcaster import Changes
from ecrkeeper_server.store import listing
from ecrkeeper_server.store.batch import Batch
from ecrkeeper_server.store.database import Database
from ecrkeeper_server.store.listing import Read

# On SQLite, other calls wait meanwhile.
_ROWS = 20
_KEPT = 64
_Part = asyncio.Task[Mapping[str, Read]]
"""A read of several resources, which may be under way."""


class SharedReads:
    """Reads changed resources once for all their watches."""

    def __init__(self, db: Database, changes: Changes) -> None:
        self._db = db
        self._changes = changes
        # With the number of announcements before the read.
        self._kept: LRUCache[str, tuple[int, _Part]] = LRUCache(_KEPT)
        self._batch: Batch[tuple[str, ...], Mapping[str, Read]] = Batch(self._read)

    async def of(self, names: tuple[str, ...]) -> Mapping[str, Read]:
        """Return the resources of these names that exist, and perhaps others."""
        parts = {self._current(name) for name in names}
        if None in parts:
            return await self._batch.put(names)
        reads: dict[str, Read] = {}
        for part in parts:
            if part is not None:
                reads |= await asyncio.shield(part)
        return reads

    def _current(self, name: str) -> _Part | None:
        """Return the read of a resource that nothing announced since has outdated."""
        announced, part = self._kept.get(name, (-1, None))
        if part is None or announced != self._changes.announced:
            return None
        failed = part.done() and (part.cancelled() or part.exception() is not None)
        return None if failed else part

    async def _read(self, requests: list[tuple[str, ...]]) -> list[Mapping[str, Read]]:
        names = sorted({name for each in requests for name in each})
        reads: dict[str, Read] = {}
        for start in range(0, len(names), _ROWS):
            some = names[start : start + _ROWS]
            part = asyncio.create_task(self._db.read(lambda tx, some=some: listing.read(tx, some)))  # type: ignore[misc]
            self._kept.update((name, (self._changes.announced, part)) for name in some)
            reads |= await part
            await asyncio.sleep(0)
        return [reads] * len(requests)
