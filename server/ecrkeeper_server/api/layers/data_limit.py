"""Limit the large data that the calls of one principal have in memory at once.

A large declaration takes megabytes while it is parsed, composed and rendered, and calls of one principal share their
turns on the event loop: sixteen at once are no faster than two, and hold eight times the memory. A call therefore
waits before it reads or converts large data, until the earlier calls of its principal leave capacity for it. Small
data is free, and principals do not wait for each other.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import AsyncIterator

CAPACITY = 1024 * 1024
"""Bytes of large data that the calls of one principal have in memory; one call may have more."""

SMALL = 64 * 1024
"""Bytes of data that are free."""


class DataLimit:
    """Counts the bytes that each principal holds; calls continue in their order."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._held: Counter[str] = Counter()
        self._waiting: dict[str, deque[tuple[int, asyncio.Future[None]]]] = {}

    async def acquire(self, principal: str, size: int, *, begun: bool = False) -> None:
        """Wait for capacity and hold it; a call that has begun comes before others."""
        size = min(size, self._capacity)
        if (begun or principal not in self._waiting) and self._has_capacity(principal, size):
            self._held[principal] += size
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault(principal, deque())
        if begun:
            waiting.appendleft((size, turn))
        else:
            waiting.append((size, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.release(principal, size)
            else:
                # A smaller one behind it may fit.
                turn.cancel()
                self._admit(principal)
            raise

    def release(self, principal: str, size: int) -> None:
        """Release what `acquire` held."""
        self._held[principal] -= min(size, self._capacity)
        self._admit(principal)
        if not self._held[principal]:
            del self._held[principal]

    def __len__(self) -> int:
        return len(self._held) + len(self._waiting)

    def _has_capacity(self, principal: str, size: int) -> bool:
        return self._held[principal] + size <= self._capacity

    def _admit(self, principal: str) -> None:
        """Let calls continue, in their order, while they fit."""
        waiting = self._waiting.get(principal)
        while waiting:
            size, turn = waiting[0]
            if not turn.done():
                if not self._has_capacity(principal, size):
                    return
                self._held[principal] += size
                turn.set_result(None)
            waiting.popleft()
        self._waiting.pop(principal, None)


class CallData:
    """The large data of one call."""

    def __init__(self, limit: DataLimit, principal: str) -> None:
        self._limit = limit
        self._principal = principal
        self._size = 0
        self._held = self._ended = False
        self._pauses = 0

    async def hold(self, size: int) -> None:
        """Wait for capacity and hold it until the call ends; see `Work.hold`."""
        # Two calls that hold one part each and wait for another one would wait for ever.
        if size <= SMALL or self._size:
            return
        self._size = size
        await self._acquire(begun=False)

    @contextlib.asynccontextmanager
    async def released(self) -> AsyncIterator[None]:
        """Release the capacity during the block; several blocks may overlap."""
        self._pauses += 1
        self._release()
        try:
            yield
        finally:
            self._pauses -= 1
        if self._size and not self._pauses and not self._ended:
            await self._acquire(begun=True)

    def end(self) -> None:
        """Release everything."""
        self._ended = True
        self._release()

    async def _acquire(self, *, begun: bool) -> None:
        await self._limit.acquire(self._principal, self._size, begun=begun)
        self._held = True
        if self._ended:
            self._release()

    def _release(self) -> None:
        if self._held:
            self._held = False
            self._limit.release(self._principal, self._size)
