"""Render a version of a resource once for all streams that show it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from cachetools import LRUCache

from ecrkeeper_server.api.services.broadcaster import TURNS_KEY
from ecrkeeper_server.api.services.watch_stream import Event
from ecrkeeper_server.store.rows import Declaration, Resource
from ecrkeeper_server.turns import Steps, Turns, Work

# A thousand streams show a change at the same time, but few changes at once.
_KEPT = 32


class RenderedEvents:
    """Renders resources in turns that all watches share."""

    def __init__(self, turns: Turns, render: Callable[[Resource, Sequence[Declaration], int], Steps[Any]]) -> None:
        self._work = Work(turns, TURNS_KEY)
        self._render = render
        self._kept: LRUCache[tuple[object, ...], asyncio.Task[Any]] = LRUCache(_KEPT)

    async def of(self, event: Event, view: int) -> Any:
        """Return the message of an event; streams share it, so nobody may change it."""
        row = event.row
        if row is None:
            raise AssertionError(event)
        # The version does not cover the times, which are shown as well.
        key = (row.uid, event.version, row.observe_time, row.due_at, row.failed_at, row.attempts, view)
        task = self._kept.get(key)
        if task is None or task.cancelled() or (task.done() and task.exception() is not None):
            task = self._kept[key] = asyncio.create_task(self._work.run(self._render(row, event.declared, view)))
        return await asyncio.shield(task)
