"""Run large work in slices on the event loop, in turn by principal.

A process has one event loop and, because of the GIL, one core for Python. Long work is therefore
cut into steps. After at most `SLICE` seconds of steps it waits for its next turn, and the loop serves everything else
in between. The turns go round by key: a principal gets as many with one large call as with a hundred.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection, Generator
from contextvars import ContextVar
from itertools import islice
from typing import Any, Protocol, TypeVar

T = TypeVar("T")
Steps = Generator[None, None, T]
"""Work that yields wherever it may pause, after a millisecond or less; its result is what it returns."""

SLICE = 0.002
"""Seconds of work in one turn."""

STEP = 1_000
"""Values that a step looks at, which takes less than a millisecond."""

MANY = 200
"""Elements from which work is done in turns; fewer take less than a slice."""


def finish(steps: Steps[T]) -> T:
    """Return the result of work that is small enough to be done at once."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result


def sorting(values: Collection[Any]) -> Steps[list[Any]]:
    """Sort values in steps: first parts of them, which it then merges."""
    if len(values) <= STEP:
        return sorted(values)
    remaining, parts = iter(values), deque[list[Any]]()
    while some := sorted(islice(remaining, STEP)):
        yield
        parts.append(some)
    while len(parts) > 1:
        yield
        # `sorted` finds that both halves are in order, and only merges them.
        parts.append(sorted(parts.popleft() + parts.popleft()))
    return parts[0]


class Turns:
    """Gives turns to the work of all keys; at most one in each iteration of the loop.

    While the database is `busy`, the loop is free for a slice before each turn. The GIL would otherwise make every
    statement of a transaction wait for the slice in progress.
    """

    def __init__(
        self, clock: Callable[[], float] = time.perf_counter, busy: Callable[[], bool] = lambda: False
    ) -> None:
        self.clock = clock
        self._busy = busy
        self._paused = False
        # Large transactions, one at a time: those behind it in the database wait for one of them at most.
        self.writes = FairLock()
        # Large decisions that a transaction will store, one at a time: their rows need much memory.
        self.decisions = FairLock()
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        self._scheduled = False

    async def wait(self, key: str, *, begun: bool = False) -> None:
        """Wait for the next turn of a key.

        Work that has begun comes before other work of the key.
        """
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        waiting = self._waiting.setdefault(key, deque())
        if begun:
            waiting.appendleft(turn)
        else:
            waiting.append(turn)
        if not self._scheduled:
            self._scheduled = True
            loop.call_soon(self._give, loop)
        await turn

    def _give(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self._paused and self._busy():
            self._paused = True
            loop.call_later(SLICE, self._give, loop)
            return
        self._paused = self._scheduled = False
        turn = _next(self._waiting)
        if turn is not None:
            turn.set_result(None)
        if self._waiting:
            self._scheduled = True
            loop.call_soon(self._give, loop)


class FairLock:
    """A lock that goes round by key.

    Two keys get it equally often, however many tasks wait for each of them.
    """

    def __init__(self) -> None:
        self._held = False
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    @contextlib.asynccontextmanager
    async def of(self, key: str) -> AsyncIterator[None]:
        """Hold the lock."""
        if self._held:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.setdefault(key, deque()).append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._release()
                raise
        self._held = True
        try:
            yield
        finally:
            self._release()

    def _release(self) -> None:
        turn = _next(self._waiting)
        if turn is None:
            self._held = False
        else:
            turn.set_result(None)


def _next(waiting: dict[str, deque[asyncio.Future[None]]]) -> asyncio.Future[None] | None:
    """Remove and return the first task of the first key; move the key to the end."""
    while waiting:
        key, turns = next(iter(waiting.items()))
        turn = turns.popleft()
        del waiting[key]
        if turns:
            waiting[key] = turns
        # One that was cancelled needs no turn.
        if not turn.done():
            return turn
    return None


def _free(_amount: float) -> None:
    """Count nothing."""


class Pauses:
    """Pauses of work on many small things, each of which is done at once.

    There is one after each slice. They cost the caller nothing, as small things do.
    """

    def __init__(self, turns: Turns, key: str) -> None:
        self._turns = turns
        self._key = key
        self._began = turns.clock()

    async def done(self) -> None:
        """Note that a thing is done; wait for the next turn after a slice."""
        if self._turns.clock() - self._began < SLICE:
            return
        await self._turns.wait(self._key, begun=True)
        self._began = self._turns.clock()


class Data(Protocol):
    """The large data of a call."""

    async def hold(self, size: int) -> None:
        """Wait for the memory of so many bytes, and hold it until the call ends."""

    def released(self) -> contextlib.AbstractAsyncContextManager[None]:
        """Release the memory during a block."""


class Work:
    """The work of one call or one attempt: in turns, and on one account.

    `charge` is told of many elements before they are worked on and may reject the work; `spent` is told the seconds of
    CPU after. Up to `free` seconds in a thread are not counted. `large` says whether it took more than a slice so far.
    """

    def __init__(
        self,
        turns: Turns,
        key: str,
        *,
        charge: Callable[[int], None] = _free,
        spent: Callable[[float], None] = _free,
        free: float = SLICE,
        data: Data | None = None,
    ) -> None:
        self._turns = turns
        self._charge = charge
        self._spent = spent
        self._free = free
        self._data = data
        self.key = key
        self.large = False

    def charge(self, elements: int) -> None:
        """Count elements before they are worked on, or reject the work; few are free."""
        if elements >= MANY:
            self._charge(elements)

    def used(self, seconds: float) -> None:
        """Count seconds of CPU that the work took in a thread."""
        if seconds > self._free:
            self._spent(seconds)

    def pay(self, seconds: float) -> None:
        """Count a part of the CPU of work that several calls share."""
        self._spent(seconds)

    async def hold(self, size: int) -> None:
        """Wait until the key's other calls leave memory for so many bytes.

        The call holds it until it ends. Small data is free. A call waits once: it may add to what it holds.
        """
        if self._data is not None:
            await self._data.hold(size)

    def released(self) -> contextlib.AbstractAsyncContextManager[None]:
        """Release that memory during a block that waits for AWS."""
        return contextlib.nullcontext() if self._data is None else self._data.released()

    async def charged(self, steps: Steps[T], elements: int) -> T:
        """Count elements, and return the result of steps on them."""
        self.charge(elements)
        return await self.run(steps, elements)

    async def run(self, steps: Steps[T], elements: int = MANY) -> T:
        """Return the result of steps, with a pause after each slice.

        Few elements need no pause.
        """
        if elements < MANY:
            return finish(steps)
        clock, begun = self._turns.clock, False
        try:
            while True:
                # Work in progress holds memory, so a key ends one before it begins the next.
                async with self._turn(begun=begun) as began:
                    begun = True
                    try:
                        while clock() - began < SLICE:
                            next(steps)
                    except StopIteration as end:
                        result: T = end.value
                        return result
        finally:
            steps.close()

    async def run_short(self, steps: Steps[T]) -> T:
        """Return the result of steps, which are few mostly; the first one needs no turn."""
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result
        return await self.run(steps)

    async def step(self, function: Callable[..., T], *args: Any, elements: int = MANY) -> T:
        """Return what a function returns, in a turn of its own; of few elements, at once."""
        if elements < MANY:
            return function(*args)
        async with self._turn():
            return function(*args)

    @contextlib.asynccontextmanager
    async def _turn(self, *, begun: bool = False) -> AsyncIterator[float]:
        """Wait for a turn, yield its begin, and count its seconds; waiting costs nothing."""
        await self._turns.wait(self.key, begun=begun)
        began = self._turns.clock()
        try:
            yield began
        finally:
            self._spent(self._turns.clock() - began)

    def pauses(self) -> Pauses:
        """Return the pauses of work on many small things, which begins now."""
        return Pauses(self._turns, self.key)

    def deciding(self) -> contextlib.AbstractAsyncContextManager[None]:
        """Hold the turn for a decision on many elements."""
        return self._turns.decisions.of(self.key)

    @contextlib.asynccontextmanager
    async def writing(self, elements: int) -> AsyncIterator[None]:
        """Hold the turn for a transaction; one of few elements needs none."""
        if elements < MANY:
            yield
            return
        async with self._turns.writes.of(self.key):
            yield


def _uncounted() -> Work:
    return Work(Turns(), "")


WORK: ContextVar[Callable[[], Work]] = ContextVar("work", default=_uncounted)
"""Makes the work of the current task and of those that it starts. Most calls are small and need none."""


def work() -> Work:
    """Return the work of the current call or attempt, or work that nobody counts."""
    return WORK.get()()
