"""How much memory requests take: how many are received at a time, and how large those in work are together.

A request takes memory from its first byte on, and how large it becomes is known when it is complete. So a few have
places at a time, each for the largest there is; most are there at once, and the next ones follow. Who
sends slowly while others wait is cut off soon, and nobody can have more than half of the places.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ecrkeeper_server.api.layers.capacity import Limits
from ecrkeeper_server.errors import ResourceExhausted, Unavailable

_LONGEST_SECONDS = 30.0
# How long a request may take to arrive when another one waits for its place, and how long that one waits.
_HURRIED_SECONDS = 2.0
_WAIT_SECONDS = 5.0


async def in_time(read: Callable[[], Awaitable[Any]]) -> Any:
    """What `read` returns, for calls whose requests are small and take no place."""
    try:
        async with asyncio.timeout(_LONGEST_SECONDS):
            return await read()
    except TimeoutError:
        raise _too_slow() from None


class _Place:
    """Where a request is received."""

    def __init__(self, principal: str, began: float, limit: asyncio.Timeout) -> None:
        self.principal = principal
        self.began = began
        self.limit = limit
        self.hurried = False


class RequestMemoryLimit:
    """Bounds the bytes of requests; refuses with ResourceExhausted, which says when to try again."""

    def __init__(self, limits: Limits) -> None:
        half = limits.request_bytes // 2
        self._places, self._bytes = max(2, half // limits.message_bytes), half
        self._taken: Counter[str] = Counter()
        self._held: Counter[str] = Counter()
        self._receiving: dict[_Place, None] = {}
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        self.taken = 0
        self.held = 0

    async def receive(self, principal: str, read: Callable[[], Awaitable[Any]]) -> Any:
        """What `read` returns, as soon as there is a place for it."""
        if self._room(principal):
            self._take(principal)
        else:
            await self._turn(principal)
        try:
            return await self._read(principal, read)
        finally:
            self._leave(principal)

    @contextmanager
    def holding(self, principal: str, size: int) -> Iterator[None]:
        """Count the bytes of a request while it is in work."""
        most, own = self._bytes, self._bytes // 2
        # One alone is always taken, whatever the limits are.
        if self.held and self.held + size > most:
            raise _refusal("OVERLOADED", f"the server has requests of {most} bytes in work", most)
        if self._held[principal] and self._held[principal] + size > own:
            raise _refusal("CONCURRENCY_LIMITED", f"this caller has requests of {own} bytes in work", own)
        self.held += size
        self._held[principal] += size
        try:
            yield
        finally:
            self.held -= size
            self._held[principal] -= size
            if not self._held[principal]:
                del self._held[principal]

    async def _read(self, principal: str, read: Callable[[], Awaitable[Any]]) -> Any:
        try:
            async with asyncio.timeout(_LONGEST_SECONDS) as limit:
                place = _Place(principal, asyncio.get_running_loop().time(), limit)
                self._receiving[place] = None
                try:
                    return await read()
                finally:
                    del self._receiving[place]
        except TimeoutError:
            raise _too_slow() from None

    async def _turn(self, principal: str) -> None:
        """Wait for a place, which whoever leaves one has taken for us."""
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault(principal, deque())
        waiting.append(mine)
        self._hurry(principal)
        try:
            async with asyncio.timeout(_WAIT_SECONDS):
                await mine
        except BaseException as ended:
            if mine.done() and not mine.cancelled():
                self._leave(principal)
            else:
                self._forget(principal, mine)
            if isinstance(ended, TimeoutError):
                text = "the server is receiving as many requests as it can"
                raise _refusal("OVERLOADED", text, self._bytes) from None
            raise

    def _room(self, principal: str) -> bool:
        return self.taken < self._places and self._taken[principal] < self._places // 2

    def _take(self, principal: str) -> None:
        self.taken += 1
        self._taken[principal] += 1

    def _leave(self, principal: str) -> None:
        """Give up a place, and call whoever has the fewest of those who wait and may have it."""
        self.taken -= 1
        self._taken[principal] -= 1
        if not self._taken[principal]:
            del self._taken[principal]
        if not self._waiting:
            return
        for following in sorted(filter(self._room, self._waiting), key=lambda each: self._taken[each]):
            # Who was cancelled a moment ago is still among those who wait.
            mine = next((each for each in self._waiting[following] if not each.done()), None)
            if mine is not None:
                self._forget(following, mine)
                self._take(following)
                mine.set_result(None)
                return

    def _forget(self, principal: str, mine: asyncio.Future[None]) -> None:
        waiting = self._waiting[principal]
        waiting.remove(mine)
        if not waiting:
            del self._waiting[principal]

    def _hurry(self, principal: str) -> None:
        """Give the oldest place that would help the caller little more time, once for each who waits."""
        own = self._taken[principal] >= self._places // 2
        now = asyncio.get_running_loop().time()
        for place in self._receiving:
            if not place.hurried and not place.limit.expired() and (place.principal == principal or not own):
                place.hurried = True
                place.limit.reschedule(max(now, place.began + _HURRIED_SECONDS))
                return


def _too_slow() -> Unavailable:
    return Unavailable("the request did not arrive in time", reason="REQUEST_TOO_SLOW")


def _refusal(reason: str, text: str, limit: int) -> ResourceExhausted:
    # Spread out, or all that were refused come again at the same moment.
    after = round(random.uniform(0.5, 1.5), 3)
    metadata = {"limit": str(limit), "of": "request_bytes"}
    return ResourceExhausted(
        f"{text}; try again after {after:g} s", reason=reason, metadata=metadata, retry_after=after
    )
