"""Render a version of a resource once for all streams that show it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ecrkeeper_server.api.messages.answer import Answer
from ecrkeeper_server.api.services.shared_renderings import SharedRenderings
from ecrkeeper_server.api.services.watch_stream import Event
from ecrkeeper_server.store.rows import Declaration, Resource
from ecrkeeper_server.turns import Steps, Turns


class RenderedEvents:
    """Renders a version of a resource once for all watches with the same view."""

    def __init__(self, turns: Turns, render: Callable[[Resource, Sequence[Declaration], int], Steps[Any]]) -> None:
        self._shared: SharedRenderings[Any] = SharedRenderings(turns)
        self._render = render

    async def of(self, event: Event, view: int) -> Answer[Any]:
        """Return the answer of an event.

        Streams share it, so nobody may change its message.
        """
        row = event.row
        if row is None:
            raise AssertionError(event)
        # The version does not cover the times, which are shown as well.
        key = (row.uid, event.version, row.observe_time, row.due_at, row.failed_at, row.attempts, view)
        return await self._shared.of(key, lambda: self._render(row, event.declared, view))
