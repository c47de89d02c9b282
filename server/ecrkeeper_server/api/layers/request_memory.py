"""Limits on the memory of requests: those arriving, and those in progress.

A request takes memory from its first byte on, and its size is known only when it is complete. A few
slots, each for the largest possible request, therefore limit the requests that arrive at a time.
Most requests arrive at once and release their slot. A slow sender gets a short deadline when
another request waits, and no principal holds more than half of the slots.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from ecrkeeper_server.api.layers.capacity import retry_later, without_reserve
from ecrkeeper_server.api.layers.limits import Limits
from ecrkeeper_server.errors import ResourceExhausted, Unavailable

_LONGEST_SECONDS = 30.0
# Time for a request to arrive while another one waits for its slot, and the maximum wait for a
# slot.
_CONTENDED_SECONDS = 2.0
_WAIT_SECONDS = 5.0
# A principal whose requests take at most this share also uses the reserve of the capacity.
_SMALL_SHARE = 64


async def in_time(read: Callable[[], Awaitable[Any]]) -> Any:
    """Return the result of `read` within the limit, for small requests without a slot."""
    try:
        async with asyncio.timeout(_LONGEST_SECONDS):
            return await read()
    except TimeoutError:
        raise _too_slow() from None


class Deadlines:
    """Timeouts of the same length, with one timer for all of them.

    A timer of each call would take three times as long as the rest of its timeout.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        # In the order in which they began, which is that of their ends.
        self._ends: dict[asyncio.Timeout, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, limit: asyncio.Timeout) -> None:
        """Begin a timeout without an end, which the caller has entered."""
        loop = asyncio.get_running_loop()
        self._ends[limit] = loop.time() + self._seconds
        if self._timer is None:
            self._timer = loop.call_later(self._seconds, self._expire, loop)

    def end(self, limit: asyncio.Timeout) -> None:
        """Stop its time."""
        del self._ends[limit]

    def _expire(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let the timeouts expire whose time is over, and wait for the next one."""
        self._timer = None
        for limit, end in self._ends.items():
            if end > loop.time():
                self._timer = loop.call_at(end, self._expire, loop)
                return
            if not limit.expired():
                limit.reschedule(end)


class _Slot:
    """A request that is arriving."""

    __slots__ = ("began", "limit", "principal", "shortened")

    def __init__(self, principal: str, began: float, limit: asyncio.Timeout) -> None:
        self.principal = principal
        self.began = began
        self.limit = limit
        self.shortened = False


class _Held:
    """The bytes of a request in progress."""

    __slots__ = ("_memory", "_principal", "_size")

    def __init__(self, memory: RequestMemoryLimit, principal: str, size: int) -> None:
        self._memory = memory
        self._principal = principal
        self._size = size

    def __enter__(self) -> None:
        self._memory.hold(self._principal, self._size)

    def __exit__(self, *_: object) -> None:
        self._memory.release(self._principal, self._size)


class RequestMemoryLimit:
    """Limits the bytes of requests; rejects with ResourceExhausted and a retry delay."""

    def __init__(self, limits: Limits) -> None:
        half = limits.request_bytes // 2
        self._slots, self._bytes = max(2, half // limits.message_bytes), half
        self._receiving_of: dict[str, int] = {}
        self._held: dict[str, int] = {}
        self._deadlines = Deadlines(_LONGEST_SECONDS)
        self._slots_in_use: dict[_Slot, None] = {}
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        self.receiving = 0
        self.held = 0

    async def receive(self, principal: str, read: Callable[[], Awaitable[Any]]) -> Any:
        """Wait for a slot, and return the result of `read`."""
        if self._has_capacity(principal):
            self._acquire(principal)
        else:
            await self._wait_for_slot(principal)
        try:
            return await self._read(principal, read)
        finally:
            self._release(principal)

    def holding(self, principal: str, size: int) -> _Held:
        """Count the bytes of a request while it is in progress."""
        return _Held(self, principal, size)

    def hold(self, principal: str, size: int) -> None:
        """Count the bytes of a request, or reject it."""
        held, own = self._held.get(principal, 0), self._bytes // 2
        small = held + size <= self._bytes // _SMALL_SHARE
        maximum = self._bytes if small else without_reserve(self._bytes)
        # The only request is always admitted, whatever the limits are.
        if self.held and self.held + size > maximum:
            raise _rejection(
                "OVERLOADED", f"the server has requests of {maximum} bytes in progress, its maximum", maximum
            )
        if held and held + size > own:
            raise _rejection(
                "CONCURRENCY_LIMITED", f"this caller has requests of {own} bytes in progress, its maximum", own
            )
        self.held += size
        self._held[principal] = held + size

    def release(self, principal: str, size: int) -> None:
        """Stop counting the bytes of a request."""
        self.held -= size
        if left := self._held.get(principal, 0) - size:
            self._held[principal] = left
        else:
            # Requests without content may have removed it already.
            self._held.pop(principal, None)

    async def _read(self, principal: str, read: Callable[[], Awaitable[Any]]) -> Any:
        try:
            async with asyncio.timeout(None) as limit:
                slot = _Slot(principal, asyncio.get_running_loop().time(), limit)
                self._slots_in_use[slot] = None
                self._deadlines.begin(limit)
                try:
                    return await read()
                finally:
                    self._deadlines.end(limit)
                    del self._slots_in_use[slot]
        except TimeoutError:
            raise _too_slow() from None

    async def _wait_for_slot(self, principal: str) -> None:
        """Wait for a slot; `_release` acquires it for the waiting request."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault(principal, deque())
        waiting.append(turn)
        self._shorten_deadline(principal)
        try:
            async with asyncio.timeout(_WAIT_SECONDS):
                await turn
        except BaseException as ended:
            if turn.done() and not turn.cancelled():
                self._release(principal)
            else:
                self._stop_waiting(principal, turn)
            if isinstance(ended, TimeoutError):
                message = "the server is receiving its maximum number of requests"
                raise _rejection("OVERLOADED", message, self._bytes) from None
            raise

    def _has_capacity(self, principal: str) -> bool:
        return self.receiving < self._slots and self._receiving_of.get(principal, 0) < self._slots // 2

    def _acquire(self, principal: str) -> None:
        self.receiving += 1
        self._receiving_of[principal] = self._receiving_of.get(principal, 0) + 1

    def _release(self, principal: str) -> None:
        """Release a slot and hand it to the waiting principal with the fewest slots."""
        self.receiving -= 1
        self._receiving_of[principal] -= 1
        if not self._receiving_of[principal]:
            del self._receiving_of[principal]
        if not self._waiting:
            return
        able = filter(self._has_capacity, self._waiting)
        for following in sorted(able, key=lambda each: self._receiving_of.get(each, 0)):
            # A caller that was just cancelled is still in the queue.
            turn = next((each for each in self._waiting[following] if not each.done()), None)
            if turn is not None:
                self._stop_waiting(following, turn)
                self._acquire(following)
                turn.set_result(None)
                return

    def _stop_waiting(self, principal: str, turn: asyncio.Future[None]) -> None:
        waiting = self._waiting[principal]
        waiting.remove(turn)
        if not waiting:
            del self._waiting[principal]

    def _shorten_deadline(self, principal: str) -> None:
        """Shorten the deadline of the oldest slot that the caller could use.

        One slot for each waiting request.
        """
        own = self._receiving_of.get(principal, 0) >= self._slots // 2
        now = asyncio.get_running_loop().time()
        for slot in self._slots_in_use:
            if not slot.shortened and not slot.limit.expired() and (slot.principal == principal or not own):
                slot.shortened = True
                slot.limit.reschedule(max(now, slot.began + _CONTENDED_SECONDS))
                return


def _too_slow() -> Unavailable:
    return Unavailable("the request did not arrive in time", reason="REQUEST_TOO_SLOW")


def _rejection(reason: str, message: str, limit: int) -> ResourceExhausted:
    # Jitter, so that rejected callers do not all retry at the same moment.
    return retry_later(reason, message, limit=str(limit), of="request_bytes", after=random.uniform(0.5, 1.5))
