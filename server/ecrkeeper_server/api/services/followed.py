"""One reader for all streams that follow the same thing."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from contextvars import Context
from types import TracebackType
from typing import Any, Generic, TypeVar

from ecrkeeper_server.api.services.broadcaster import TURNS_KEY, Changes
from ecrkeeper_server.api.services.shared_work import SharedWork
from ecrkeeper_server.turns import Turns, work

K = TypeVar("K")
V = TypeVar("V")

# After a read that failed; its streams have ended.
_RETRY_SECONDS = 1.0


class Followed(Generic[K, V]):
    """Reads what streams follow once for each change, however many streams there are.

    The principals of the streams pay for the reads.
    `read` returns the value of a key, given the one before; None at first. `name` is what listeners
    receive when the value changed. Notifications can be lost, so the value is also read `pause`
    seconds after it was last read.
    """

    def __init__(
        self,
        changes: Changes,
        turns: Turns,
        read: Callable[[K, V | None], Awaitable[V]],
        name: Callable[[K], str],
        pause: Callable[[V], float],
    ) -> None:
        self._changes = changes
        self._turns = turns
        self._read = read
        self._name = name
        self._pause = pause
        self._readers: dict[K, _Reader[V]] = {}

    @contextlib.contextmanager
    def joined(self, key: K) -> Iterator[Follower[V]]:
        """Follow a key within the block; reading stops with the last stream of the key."""
        reader = self._readers.get(key)
        if reader is None:

            async def read(before: V | None) -> V:
                return await self._read(key, before)

            shared = SharedWork(self._turns)
            reader = self._readers[key] = _Reader(self._changes, shared, read, self._name(key), self._pause)
        payer = work()
        follower = Follower(reader, self._turns, payer.key)
        reader.streams += 1
        reader.shared.join(payer)
        try:
            yield follower
        finally:
            reader.streams -= 1
            reader.shared.leave(payer)
            if not reader.streams:
                del self._readers[key]
                reader.stop()


class Follower(Generic[V]):
    """One stream, and how far it has followed."""

    def __init__(self, reader: _Reader[V], turns: Turns, principal: str) -> None:
        self._reader = reader
        self._turns = turns
        self._key = f"{TURNS_KEY} of {principal}"
        self._after = reader.read_again()

    async def next(self) -> V:
        """Return the value of the next read.

        The first read begins after the stream joined. Streams that wait share a read and go on in
        turns, by principal. Raises the error of the read.
        """
        value, self._after = await self._reader.next(self._after)
        await self._turns.wait(self._key)
        return value


class _Reader(Generic[V]):
    """Reads a value at first, after each change, and after a pause."""

    def __init__(
        self,
        changes: Changes,
        shared: SharedWork,
        read: Callable[[V | None], Awaitable[V]],
        name: str,
        pause: Callable[[V], float],
    ) -> None:
        self.streams = 0
        self.shared = shared
        self._read = read
        self._name = name
        self._pause = pause
        self._subscribed = contextlib.ExitStack()
        self._listener = self._subscribed.enter_context(changes.subscribe_to(name))
        self._begun = self._done = 0
        self._value: Any = None
        self._error: Exception | None = None
        self._frames: TracebackType | None = None
        self._read_once = asyncio.Event()
        # An empty context, because the task belongs neither to the trace nor to the caller of the first stream.
        self._task = asyncio.create_task(self._run(), context=Context())

    def stop(self) -> None:
        """Stop reading."""
        self._task.cancel()
        self._subscribed.close()

    def read_again(self) -> int:
        """Read at once; return the number of the last read that began before."""
        if self._begun:
            self._listener.add(frozenset((self._name,)))
        return self._begun

    async def next(self, after: int) -> tuple[V, int]:
        """Return the value and the number of the newest read after a number."""
        while self._done <= after:
            await self._read_once.wait()
        if self._error is not None:
            # Otherwise each stream would add its frames to those of the others.
            raise self._error.with_traceback(self._frames)
        return self._value, self._done

    async def _run(self) -> None:
        while True:
            self._begun += 1
            begun, seconds = self._begun, _RETRY_SECONDS
            try:
                with self.shared.counted():
                    self._value, self._error = await self._read(self._value), None
                seconds = self._pause(self._value)
            except Exception as error:
                # All streams of the key get the error, whatever it is.
                self._value, self._error, self._frames = None, error, error.__traceback__
            self._done = begun
            ended, self._read_once = self._read_once, asyncio.Event()
            ended.set()
            await self._changed(seconds)

    async def _changed(self, seconds: float) -> None:
        """Wait until the value may have changed."""
        clock = asyncio.get_running_loop().time
        until = clock() + seconds
        while (remaining := until - clock()) > 0:
            if await self._listener.wait(remaining) or self._listener.overflowed:
                self._listener.overflowed = False
                return
