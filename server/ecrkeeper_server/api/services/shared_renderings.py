"""Render once what several calls show."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from cachetools import LRUCache

from ecrkeeper_server.api.services.shared_work import SharedTask
from ecrkeeper_server.turns import Steps, Turns, work

M = TypeVar("M")

# A thousand streams show a change at the same time, but few changes at once.
_KEPT = 32


class SharedRenderings(Generic[M]):
    """Renders each key once, in turns that all watches share.

    The principals of the calls that wait pay for it.
    """

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._kept: LRUCache[Hashable, SharedTask[M]] = LRUCache(_KEPT)

    async def of(self, key: Hashable, steps: Callable[[], Steps[M]]) -> M:
        """Return the message of a key; calls share it, so nobody may change it."""
        rendering = self._kept.get(key)
        if rendering is None or rendering.failed:
            rendering = self._kept[key] = SharedTask(self._turns, lambda shared: shared.run(steps()))
        return await rendering.result(work())
