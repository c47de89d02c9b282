"""Calls in an order that depends on their results, for both clients.

Steps are a generator of functions that take a client. Its errors are thrown into the generator.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import grpc

from ecrkeeper._errors import DeadlineExceeded, RegistryError
from ecrkeeper._pager import AsyncPager, Pager

if TYPE_CHECKING:
    from ecrkeeper._aio import AsyncClient
    from ecrkeeper._client import Client

T = TypeVar("T")
# A call that a client is to make, and its result; both clients carry out the same steps.
Step = Callable[[Any], Any]
Steps = Generator[Step, Any, T]


@dataclass(frozen=True, slots=True)
class Pause:
    """A wait in place of a call."""

    seconds: float


def call(method: str, *arguments: Any, **options: Any) -> Step:
    """Return the call of a client's method; a list is read to its end."""
    return lambda client: getattr(client, method)(*arguments, **options)


def seconds_until(end: float) -> float:
    """Return the seconds until a moment of the monotonic clock; DeadlineExceeded."""
    seconds = end - time.monotonic()
    if seconds <= 0:
        raise DeadlineExceeded("the replication was not done in time", code=grpc.StatusCode.DEADLINE_EXCEEDED)
    return seconds


class _Course(Generic[T]):
    """The course of steps.

    `step` is the next call; None at the end, when `result` is there.
    """

    result: T

    def __init__(self, steps: Steps[T]) -> None:
        self._steps = steps
        self.step: Step | None = None
        self.answered(None)

    def answered(self, answer: Any) -> None:
        """Go on after a call."""
        self._move(self._steps.send, answer)

    def failed(self, error: RegistryError) -> None:
        """Go on after a call that ended with an error."""
        self._move(self._steps.throw, error)

    def _move(self, move: Callable[[Any], Step], value: Any) -> None:
        try:
            self.step = move(value)
        except StopIteration as ended:
            self.step, self.result = None, ended.value


def run(steps: Steps[T], client: Client) -> T:
    """Carry out steps with a client and return their result."""
    course = _Course(steps)
    while course.step is not None:
        try:
            answer = course.step(client)
            if isinstance(answer, Pause):
                time.sleep(answer.seconds)
            answer = list(answer) if isinstance(answer, Pager) else answer
        except RegistryError as error:
            course.failed(error)
        else:
            course.answered(answer)
    return course.result


async def run_async(steps: Steps[T], client: AsyncClient) -> T:
    """Carry out steps with an asynchronous client and return their result."""
    course = _Course(steps)
    while course.step is not None:
        try:
            answer = course.step(client)
            if isinstance(answer, Pause):
                await asyncio.sleep(answer.seconds)
            elif isinstance(answer, AsyncPager):
                answer = [each async for each in answer]
            elif inspect.isawaitable(answer):
                answer = await answer
        except RegistryError as error:
            course.failed(error)
        else:
            course.answered(answer)
    return course.result
