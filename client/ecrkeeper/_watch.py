"""Watches that continue after an interruption and send the missed changes."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Iterator
from contextlib import suppress
from types import TracebackType
from typing import Generic, Protocol, Self, TypeVar

import grpc
from google.protobuf.message import Message

from ecrkeeper._base import LOG, Backoff, Watched, finite
from ecrkeeper._errors import ResourceExhausted, Unavailable
from ecrkeeper._failures import from_rpc

Step = TypeVar("Step", bound=Message)
Step_co = TypeVar("Step_co", bound=Message, covariant=True)

# Both streams number their kinds the same way.
CURRENT, SNAPSHOT_COMPLETE, REMOVED = 1, 2, 3


class Stream(Protocol[Step_co]):
    """A running stream."""

    def __iter__(self) -> Iterator[Step_co]: ...
    def cancel(self) -> object: ...


class AsyncStream(Protocol[Step_co]):
    """A running stream of the asyncio API."""

    def __aiter__(self) -> AsyncIterator[Step_co]: ...
    def cancel(self) -> object: ...


class Subscription(Generic[Step]):
    """The sent content of a watch, which turns a second snapshot into changes."""

    def __init__(self, call: Watched[Step], *, begun: bool = False) -> None:
        self.call = call
        # A stream with a token continues after its last message; others begin with a new snapshot.
        self._resumable = "resume_token" in call.request.DESCRIPTOR.fields_by_name
        # A stream of one resource shows it as it is, and ends when nothing more happens to it.
        self.ends = not self._resumable and "kind" not in call.response.DESCRIPTOR.fields_by_name
        self._end = None if call.timeout is None else time.monotonic() + finite(call.timeout)
        self._backoff = Backoff(maximum=10.0)
        self._resource = next(field.name for field in call.response.DESCRIPTOR.fields if field.message_type)
        self._known: set[str] = set()
        self._shown: set[str] = set()
        # Whether the server is known to be reachable, and whether the current stream had a message.
        self._begun = begun
        self._sent = False

    def remaining(self) -> float | None:
        """Return the remaining seconds; None without a timeout."""
        return None if self._end is None else max(0.0, self._end - time.monotonic())

    def take(self, step: Step) -> list[Step]:
        """Return the messages to pass on.

        The end of a snapshot is preceded by removals of the resources that it no longer shows.
        """
        self._begun = self._sent = True
        self._backoff.reset()
        if self._resumable:
            setattr(self.call.request, "resume_token", getattr(step, "resume_token"))  # noqa: B009, B010
            return [step]
        if self.ends:
            return [step]
        kind, name = getattr(step, "kind"), getattr(step, self._resource).name  # noqa: B009
        if kind == CURRENT:
            self._known.add(name)
            self._shown.add(name)
        elif kind == REMOVED:
            self._known.discard(name)
            self._shown.discard(name)
        elif kind == SNAPSHOT_COMPLETE:
            missed = sorted(self._known - self._shown)
            self._known &= self._shown
            return [*map(self._removed, missed), step]
        return [step]

    def interrupted(self, failure: grpc.RpcError | None) -> float:
        """Return the pause before a new subscription.

        Raise errors that it would not resolve.
        """
        requested = 0.0
        if failure is not None:
            error = from_rpc(failure, self.call.request)
            limited = isinstance(error, ResourceExhausted) and error.retry_after is not None
            # A stream ends when its token expires. The next one sends a new token; with the old one
            # it fails at once.
            expired = self._sent and error.reason == "TOKEN_EXPIRED"
            if not (expired or (self._begun and (limited or isinstance(error, Unavailable)))):
                raise error from failure
            requested = error.retry_after or 0.0
        self._sent = False
        self._shown.clear()
        pause, remaining = max(self._backoff.pause(), requested), self.remaining()
        pause = pause if remaining is None else min(pause, remaining)
        kind = self.call.request.DESCRIPTOR.name.removesuffix("Request")
        LOG.info("%s: the stream ended (%s); subscribing again in %.1f s", kind, failure and failure.code(), pause)
        return pause

    def _removed(self, name: str) -> Step:
        step = self.call.response()
        setattr(step, "kind", REMOVED)  # noqa: B010
        getattr(step, self._resource).name = name
        return step


class Watch(Generic[Step]):
    """Iterates over the messages of a watch until it is closed.

    `close` may be called from another thread.
    """

    def __init__(
        self,
        call: Watched[Step],
        subscribe: Callable[[Watched[Step], float | None], Stream[Step]],
        *,
        begun: bool = False,
    ) -> None:
        self._subscription = Subscription(call, begun=begun)
        self._subscribe = subscribe
        self._closed = threading.Event()
        self._stream: Stream[Step] | None = None
        self._steps = self._run()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Step:
        return next(self._steps)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the iteration."""
        self._closed.set()
        if self._stream is not None:
            self._stream.cancel()

    def _run(self) -> Generator[Step, None, None]:
        while not self._closed.is_set():
            failure = None
            try:
                for step in self._open():
                    yield from self._subscription.take(step)
            except grpc.RpcError as error:
                failure = error
            finally:
                if self._stream is not None:
                    self._stream.cancel()
            if failure is None and self._subscription.ends:
                return
            if not self._closed.is_set():
                self._closed.wait(self._subscription.interrupted(failure))

    def _open(self) -> Stream[Step]:
        self._stream = stream = self._subscribe(self._subscription.call, self._subscription.remaining())
        if self._closed.is_set():  # Another thread closed it before there was a stream to cancel.
            stream.cancel()
        return stream


class AsyncWatch(Generic[Step]):
    """Iterates over the messages of a watch until it is closed."""

    def __init__(
        self,
        call: Watched[Step],
        subscribe: Callable[[Watched[Step], float | None], Awaitable[AsyncStream[Step]]],
        *,
        begun: bool = False,
    ) -> None:
        self._subscription = Subscription(call, begun=begun)
        self._subscribe = subscribe
        self._closed = asyncio.Event()
        self._stream: AsyncStream[Step] | None = None
        self._steps = self._run()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Step:
        return await anext(self._steps)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End the iteration."""
        self._closed.set()
        if self._stream is not None:
            self._stream.cancel()

    async def _run(self) -> AsyncGenerator[Step, None]:
        while not self._closed.is_set():
            failure = None
            try:
                async for step in await self._open():
                    for sent in self._subscription.take(step):
                        yield sent
            except grpc.RpcError as error:
                failure = error
            except asyncio.CancelledError:
                # gRPC reports a stream that `close` cancelled like a cancelled task.
                task = asyncio.current_task()
                if not self._closed.is_set() or (task is not None and task.cancelling()):
                    raise
            finally:
                if self._stream is not None:
                    self._stream.cancel()
            if failure is None and self._subscription.ends:
                return
            if not self._closed.is_set():
                pause = self._subscription.interrupted(failure)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._closed.wait(), pause)

    async def _open(self) -> AsyncStream[Step]:
        self._stream = stream = await self._subscribe(self._subscription.call, self._subscription.remaining())
        if self._closed.is_set():  # It was closed before there was a stream to cancel.
            stream.cancel()
        return stream
