"""Read a changed resource once for all watches that show it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial

from cachetools import LRUCache

from ecrkeeper_server.api.services.broadcaster import Changes
from ecrkeeper_server.api.services.shared_work import SharedTask
from ecrkeeper_server.store import listing
from ecrkeeper_server.store.batch import Batch
from ecrkeeper_server.store.database import Database
from ecrkeeper_server.store.listing import Read
from ecrkeeper_server.store.rows import parsed
from ecrkeeper_server.turns import Turns, Work, work

# On SQLite, other calls wait meanwhile.
_ROWS = 20
_KEPT = 64
_Part = SharedTask[Mapping[str, Read]]
"""A read of several resources, which may be under way."""
_Request = tuple[tuple[str, ...], Work]
"""The names that a call reads, and its work."""


class SharedReads:
    """Reads changed resources once for all their watches."""

    def __init__(self, db: Database, changes: Changes, turns: Turns) -> None:
        self._db = db
        self._changes = changes
        self._turns = turns
        # With the number of announcements before the read.
        self._kept: LRUCache[str, tuple[int, _Part]] = LRUCache(_KEPT)
        self._batch: Batch[_Request, Mapping[str, Read]] = Batch(self._read)

    async def of(self, names: tuple[str, ...]) -> Mapping[str, Read]:
        """Return the resources of these names that exist, and perhaps others."""
        parts = {self._current(name) for name in names}
        if None in parts:
            return await self._batch.put((names, work()))
        reads: dict[str, Read] = {}
        for part in parts:
            if part is not None:
                reads |= await part.result(work())
        return reads

    def _current(self, name: str) -> _Part | None:
        """Return the read of a resource that nothing announced since has outdated."""
        announced, part = self._kept.get(name, (-1, None))
        if part is None or announced != self._changes.announced:
            return None
        return None if part.failed else part

    async def _read(self, requests: list[_Request]) -> list[Mapping[str, Read]]:
        names = sorted({name for some, _ in requests for name in some})
        reads: dict[str, Read] = {}
        for start in range(0, len(names), _ROWS):
            some = names[start : start + _ROWS]
            part = _Part(self._turns, partial(self._rows, some))
            self._kept.update((name, (self._changes.announced, part)) for name in some)
            reads |= await part.result(*(payer for wanted, payer in requests if not set(some).isdisjoint(wanted)))
            await asyncio.sleep(0)
        return [reads] * len(requests)

    async def _rows(self, names: list[str], _shared: Work) -> Mapping[str, Read]:
        reads = await self._db.read_then_parse(lambda tx: listing.reading(tx, names))
        for each in reads.values():
            await parsed(each.row)
        return reads
