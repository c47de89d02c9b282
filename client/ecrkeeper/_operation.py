"""Long-running operations: waits, results and cancellation."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Generator
from typing import Any, Generic, Protocol, TypeVar, cast

import grpc
from google.longrunning import operations_pb2  # type: ignore[import-untyped,unused-ignore]
from google.protobuf.duration_pb2 import Duration
from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message

from ecrkeeper._base import LOG, Backoff, Paged, Unary, finite
from ecrkeeper._errors import DeadlineExceeded, RegistryError, ResourceExhausted, Unavailable
from ecrkeeper._failures import from_status, unpack

T = TypeVar("T", bound=Message)
Response = TypeVar("Response", bound=Message)

LONG_POLL = 20.0
DEFAULT_WAIT = 600.0
# Extra time for the server's answer after the requested wait.
_GRACE = 5.0

# A wait continues through a restart of the server or a burst of calls.
OUTLASTED = (Unavailable, ResourceExhausted, DeadlineExceeded)


class Send(Protocol):
    """Sends a call and returns its answer."""

    def __call__(self, call: Unary[Response]) -> Response: ...


class AsyncSend(Protocol):
    """Sends a call; await its answer."""

    def __call__(self, call: Unary[Response]) -> Awaitable[Response]: ...


class _Wait:
    """The schedule of a wait: long polls, and pauses if the server answers early."""

    def __init__(self, name: str, timeout: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._timeout = finite(timeout)
        self._clock = clock
        self._end = clock() + timeout
        self._polled_until = 0.0
        self._backoff = Backoff()
        self._failure: RegistryError | None = None

    def poll(self) -> Unary[Any]:
        """Return the next long poll; DeadlineExceeded if no time is left.

        The cause of that exception is the error of the last poll, if it failed.
        """
        now = self._clock()
        remaining = self._end - now
        if remaining <= 0:
            raise DeadlineExceeded(
                f"{self._name} was not done after {self._timeout:g} s", code=grpc.StatusCode.DEADLINE_EXCEEDED
            ) from self._failure
        step = min(LONG_POLL, remaining)
        self._polled_until = now + step
        wait = Duration()
        wait.FromNanoseconds(int(step * 1e9))
        request = operations_pb2.WaitOperationRequest(name=self._name, timeout=wait)
        return Unary(operations_pb2.Operation, request, min(remaining, step + _GRACE))

    def pause(self, failure: RegistryError | None) -> float:
        """Return the pause before the next poll, never beyond the end of the wait."""
        now = self._clock()
        self._failure = failure
        if failure is None and now >= self._polled_until:
            self._backoff.reset()
            return 0.0
        requested = failure.retry_after if failure is not None else None
        pause = max(0.0, min(max(requested or 0.0, self._backoff.pause()), self._end - now))
        if failure is not None:
            LOG.info("%s: the wait was interrupted (%s); asking again in %.1f s", self._name, failure, pause)
        return pause


class _State(Generic[T]):
    """Last known state of an operation."""

    def __init__(self, name: str, response: type[T] | None, latest: Any = None) -> None:
        self.name = name
        self._response = response
        self._latest = latest if latest is not None else operations_pb2.Operation(name=name)

    @property
    def metadata(self) -> Message | None:
        """Last known progress of the operation; None before the first answer."""
        return unpack(self._latest.metadata)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(name={self.name!r}, done={self._latest.done})"

    def _get(self, timeout: float | None) -> Unary[Any]:
        request = operations_pb2.GetOperationRequest(name=self.name)
        return Unary(operations_pb2.Operation, request, timeout)

    def _cancel(self, timeout: float | None) -> Unary[Empty]:
        return Unary(Empty, operations_pb2.CancelOperationRequest(name=self.name), timeout)

    def _outcome(self) -> T:
        if self._latest.HasField("error"):
            raise from_status(self._latest.error, operation=self.name)
        response = unpack(self._latest.response)
        if response is None or not isinstance(response, self._response or Message):
            raise TypeError(f"{self.name} ended with {self._latest.response.type_url or 'nothing'}")
        return cast(T, response)


class Operation(_State[T]):
    """A long-running operation, which the server continues whether or not you wait."""

    def __init__(self, name: str, *, response: type[T] | None, send: Send, latest: Any = None) -> None:
        super().__init__(name, response, latest)
        self._send = send

    def done(self, *, timeout: float | None = None) -> bool:
        """Refresh `metadata`, and return whether the operation has ended.

        NotFound if it expired.
        """
        if not self._latest.done:
            self._latest = self._send(self._get(timeout))
        return bool(self._latest.done)

    def result(self, timeout: float = DEFAULT_WAIT) -> T:
        """Wait for the end and return the response.

        OperationFailed if it failed; DeadlineExceeded if it still runs.
        """
        wait = _Wait(self.name, timeout)
        while not self._latest.done:
            failure: RegistryError | None = None
            poll = wait.poll()
            try:
                self._latest = self._send(poll)
            except OUTLASTED as error:
                failure = error
            if not self._latest.done:
                time.sleep(wait.pause(failure))
        return self._outcome()

    def cancel(self, *, timeout: float | None = None) -> None:
        """Request a cancellation, which ecrkeeper rejects with FailedPrecondition.

        Update or delete the declaration instead.
        """
        self._send(self._cancel(timeout))


class AsyncOperation(_State[T]):
    """A long-running operation, which the server continues whether or not you wait.

    `await` gives its result.
    """

    def __init__(self, name: str, *, response: type[T] | None, send: AsyncSend, latest: Any = None) -> None:
        super().__init__(name, response, latest)
        self._send = send

    async def done(self, *, timeout: float | None = None) -> bool:
        """Refresh `metadata`, and return whether the operation has ended.

        NotFound if it expired.
        """
        if not self._latest.done:
            self._latest = await self._send(self._get(timeout))
        return bool(self._latest.done)

    async def result(self, timeout: float = DEFAULT_WAIT) -> T:
        """Wait for the end and return the response.

        OperationFailed if it failed; DeadlineExceeded if it still runs.
        """
        wait = _Wait(self.name, timeout)
        while not self._latest.done:
            failure: RegistryError | None = None
            poll = wait.poll()
            try:
                self._latest = await self._send(poll)
            except OUTLASTED as error:
                failure = error
            if not self._latest.done:
                await asyncio.sleep(wait.pause(failure))
        return self._outcome()

    def __await__(self) -> Generator[Any, None, T]:
        return self.result().__await__()

    async def cancel(self, *, timeout: float | None = None) -> None:
        """Request a cancellation, which ecrkeeper rejects with FailedPrecondition.

        Update or delete the declaration instead.
        """
        await self._send(self._cancel(timeout))


def list_operations(
    name: str = "operations",
    filter: str = "",
    *,
    page_size: int = 0,
    page_token: str = "",
    timeout: float | None = None,
) -> Paged[Any, Any]:
    """Lists operations as `google.longrunning.Operation` messages.

    A `filter` has restrictions such as `done = false AND method = ReconcileRegistry`; its other
    fields are `account`, `region` and `target`, the name of the operation's resource.
    """
    request = operations_pb2.ListOperationsRequest(name=name, filter=filter, page_size=page_size, page_token=page_token)
    return Paged(Unary(operations_pb2.ListOperationsResponse, request, timeout), lambda page: page.operations)


def delete_operation(name: str, *, timeout: float | None = None) -> Unary[Empty]:
    """Deletes the record of an operation, without cancelling it. NotFound."""
    return Unary(Empty, operations_pb2.DeleteOperationRequest(name=name), timeout)
