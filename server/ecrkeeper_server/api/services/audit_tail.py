"""The newest events of the audit trail, which all streams of it share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from ecrkeeper.v1 import audit_service_pb2
from msgspec import Struct

from ecrkeeper_server.api.messages.answer import Answer
from ecrkeeper_server.api.services.broadcaster import Changes
from ecrkeeper_server.api.services.followed import Followed
from ecrkeeper_server.api.services.shared_renderings import SharedRenderings
from ecrkeeper_server.store import audit, audit_stream
from ecrkeeper_server.store.audit import AuditEvent, Selection
from ecrkeeper_server.store.audit_stream import PART_BYTES, Cursor, Part, cursor_of
from ecrkeeper_server.store.database import Database
from ecrkeeper_server.turns import Steps, Turns

BATCH = 200
# Events of earlier reads, for streams that are busy meanwhile: at most so many, with `PART_BYTES` of changes.
_KEPT = 100
# Interval at which streams poll without a notification, because notifications can be lost.
_POLL_SECONDS = 2.0
# Interval at which they poll for events that an older transaction delays.
_HELD_SECONDS = 0.05
_ALL = Selection()
Shows = Answer[audit_service_pb2.WatchAuditEventsResponse]
Render = Callable[[AuditEvent], Awaitable[Shows]]
RenderSteps = Callable[[AuditEvent], Steps[audit_service_pb2.WatchAuditEventsResponse]]


class Shown:
    """An event that is rendered once for all streams.

    Nobody may change its message.
    """

    def __init__(self, row: AuditEvent, render: Render) -> None:
        self.row = row
        self.cursor = cursor_of(row)
        self._render = render
        self._rendered: Shows | None = None

    async def answer(self) -> Shows:
        """Return the answer with the event."""
        if self._rendered is None:
            self._rendered = await self._render(self.row)
        return self._rendered


class Tail(Struct, frozen=True):
    """All events after the cursor `start` up to the cursor `end`, in order."""

    start: Cursor
    end: Cursor
    events: tuple[Shown, ...]
    pause: float


class AuditTail:
    """Reads and renders new events once for all streams.

    A stream that is behind them reads for itself.
    """

    def __init__(self, db: Database, changes: Changes, turns: Turns, render: Render, steps: RenderSteps) -> None:
        self._db = db
        self._render = render
        self._steps = steps
        self._shared: SharedRenderings[audit_service_pb2.WatchAuditEventsResponse] = SharedRenderings(turns)
        self._followed: Followed[str, Tail] = Followed(changes, turns, self._read, str, lambda tail: tail.pause)

    async def after(self, cursor: Cursor, selection: Selection) -> AsyncIterator[tuple[list[Shown], Cursor]]:
        """Yield events after a cursor and then new ones, with the cursor behind them."""
        with self._followed.joined(audit.CHANGED) as stream:
            while True:
                tail = await stream.next()
                # A stream that is behind the tail reads for itself.
                while tail.start > cursor:
                    part = await self._part(cursor, selection)
                    cursor = cursor_of(part.events[-1]) if part.more else max(cursor, part.horizon)
                    yield [Shown(row, self._render) for row in part.events], cursor
                    if not part.more:
                        break
                    await asyncio.sleep(0)
                if tail.start <= cursor:
                    new = [each for each in tail.events if each.cursor > cursor and selection.has(each.row)]
                    cursor = max(cursor, tail.end)
                    yield new, cursor

    async def _render_once(self, row: AuditEvent) -> Shows:
        return await self._shared.of(cursor_of(row), lambda: self._steps(row))

    async def _part(self, cursor: Cursor, selection: Selection) -> Part:
        return await self._db.read_then_parse(lambda tx: audit_stream.streaming(tx, cursor, selection, BATCH))

    async def _read(self, _key: str, before: Tail | None) -> Tail:
        if before is None:
            present = await self._db.read(audit_stream.now)
            return Tail(present, present, (), _POLL_SECONDS)
        part = await self._part(before.end, _ALL)
        new = tuple(Shown(row, self._render_once) for row in part.events)
        dropped, kept = _dropped(before.events)
        start = dropped[-1].cursor if dropped else before.start
        if part.more:
            return Tail(start, new[-1].cursor, kept + new, 0.0)
        end = max(new[-1].cursor if new else before.end, part.horizon)
        return Tail(start, end, kept + new, _HELD_SECONDS if part.held_back else _POLL_SECONDS)


def _dropped(events: tuple[Shown, ...]) -> tuple[tuple[Shown, ...], tuple[Shown, ...]]:
    """Return the events of earlier reads to drop, and those to keep."""
    size, begin = 0, len(events)
    while begin > max(0, len(events) - _KEPT):
        size += events[begin - 1].row.size
        if size > PART_BYTES:
            break
        begin -= 1
    return events[:begin], events[begin:]
