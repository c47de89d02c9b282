"""Several calls at once, with the outcome of each.

One failure does not hide the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from ecrkeeper._errors import RegistryError

T = TypeVar("T")

# The server's limit for one principal is far above this.
AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T]):
    """The result for one name, or the error that it ended with."""

    name: str
    result: T | None = None
    error: RegistryError | None = None

    def __bool__(self) -> bool:
        return self.error is None


def each(names: Iterable[str], call: Callable[[str], T], at_once: int) -> list[Outcome[T]]:
    """Call for every name, at most `at_once` at a time.

    The outcomes are in the order of the names.
    """

    def outcome(name: str) -> Outcome[T]:
        try:
            return Outcome(name, call(name))
        except RegistryError as error:
            return Outcome(name, error=error)

    with threads(_checked(at_once)) as pool:
        return list(pool.map(outcome, names))


@contextmanager
def threads(at_once: int) -> Iterator[ThreadPoolExecutor]:
    """Yield threads for calls; an exception does not wait for them.

    After one such as KeyboardInterrupt, calls that have not begun are cancelled, and closing the client ends the rest.
    """
    pool = ThreadPoolExecutor(at_once)
    try:
        yield pool
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


async def each_aio(names: Iterable[str], call: Callable[[str], Awaitable[T]], at_once: int) -> list[Outcome[T]]:
    """Call for every name, at most `at_once` at a time.

    The outcomes are in the order of the names.
    """
    running = asyncio.Semaphore(_checked(at_once))

    async def outcome(name: str) -> Outcome[T]:
        async with running:
            try:
                return Outcome(name, await call(name))
            except RegistryError as error:
                return Outcome(name, error=error)

    return list(await asyncio.gather(*map(outcome, names)))


def _checked(at_once: int) -> int:
    if at_once < 1:
        raise ValueError(f"at_once must be 1 or more, got {at_once}")
    return at_once
