"""Read a changed resource once for all watches that show it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from cachetools import LRUCache

from ecrkeeper_server.api.services.broadcaster import Changes
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.store import declarations, resources
from ecrkeeper_server.store.batch import Batch
from ecrkeeper_server.store.database import Database, Tx
from ecrkeeper_server.store.resources import Versioned
from ecrkeeper_server.store.rows import Declaration

# On SQLite, other calls wait meanwhile.
_ROWS = 20
_KEPT = 64
# Before every announcement, so that it is never taken as a resource that is gone.
_UNREAD: tuple[int, None] = (-1, None)


@dataclass(frozen=True, slots=True)
class Known:
    """A resource with its version, and what is declared for it."""

    versioned: Versioned
    declared: list[Declaration]


class SharedReads:
    """Reads changed resources of one kind once for all their watches."""

    def __init__(self, db: Database, kind: str, changes: Changes) -> None:
        self._db = db
        self._kind = kind
        self._changes = changes
        # With the number of announcements before the read; None is a resource that is gone.
        self._kept: LRUCache[str, tuple[int, Known | None]] = LRUCache(_KEPT)
        self._batch: Batch[tuple[str, ...], Mapping[str, Known]] = Batch(self._read)

    async def of(self, names: tuple[str, ...]) -> Mapping[str, Known]:
        """Return the resources of these names that exist, and perhaps others."""
        announced = self._changes.announced
        kept = {name: self._kept.get(name, _UNREAD) for name in names}
        if all(before == announced for before, _ in kept.values()):
            return {name: known for name, (_, known) in kept.items() if known is not None}
        return await self._batch.put(names)

    async def _read(self, asked: list[tuple[str, ...]]) -> list[Mapping[str, Known]]:
        names = sorted({name for each in asked for name in each})
        found: dict[str, Known] = {}
        for start in range(0, len(names), _ROWS):
            some, announced = names[start : start + _ROWS], self._changes.announced
            found |= await self._db.read(lambda tx, some=some: self._known(tx, some))  # type: ignore[misc]
            self._kept.update((name, (announced, found.get(name))) for name in some)
            await asyncio.sleep(0)
        return [found] * len(asked)

    def _known(self, tx: Tx, names: list[str]) -> dict[str, Known]:
        found = resources.versioned(tx, names)
        declared: Mapping[str, list[Declaration]] = {}
        if self._kind == RegistryName.kind:
            declared = declarations.of_registries(tx, [each.row for each in found.values()])
        return {name: Known(each, declared.get(name, [])) for name, each in found.items()}
