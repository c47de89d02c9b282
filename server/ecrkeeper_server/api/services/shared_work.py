"""Work that is done once for several calls, whose principals pay for it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from contextvars import Context
from typing import Generic, TypeVar

from ecrkeeper_server.api.services.broadcaster import TURNS_KEY
from ecrkeeper_server.turns import SLICE, WORK, Turns, Work

T = TypeVar("T")


class SharedWork:
    """Counts the CPU of work for several calls, whose principals pay equal parts.

    A principal pays one part, with one call as with a hundred. Work of up to a slice is free, as in a call of its own.
    """

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._joined: list[Work] = []
        # By principal: those who leave before the end pay as well.
        self._payers: dict[str, Work] = {}
        self._seconds = 0.0
        self._work: Work | None = None

    def join(self, payer: Work) -> None:
        """Let the principal of a call pay for the work in progress and for later work."""
        self._joined.append(payer)
        self._payers[payer.key] = payer

    def leave(self, payer: Work) -> None:
        """Let a call that joined pay for no later work."""
        self._joined.remove(payer)

    @contextlib.contextmanager
    def counted(self) -> Iterator[Work]:
        """Do the work of the block in turns that all watches share, and charge it."""
        shared = self._work = Work(self._turns, TURNS_KEY, spent=self._spend, free=0.0)
        self._seconds, self._payers = 0.0, {each.key: each for each in self._joined}
        outer = WORK.set(lambda: shared)
        try:
            yield shared
        finally:
            WORK.reset(outer)
            self._work = None
            self._settle()

    def _spend(self, seconds: float) -> None:
        self._seconds += seconds
        if self._work is not None:
            self._work.large = self._seconds > SLICE

    def _settle(self) -> None:
        if self._seconds > SLICE:
            for payer in self._payers.values():
                payer.pay(self._seconds / len(self._payers))


class SharedTask(Generic[T]):
    """A task that several calls wait for, and that their principals pay for."""

    def __init__(self, turns: Turns, run: Callable[[Work], Awaitable[T]]) -> None:
        self._shared = SharedWork(turns)
        # An empty context, because the task belongs neither to the trace nor to the caller of the first call.
        self._task = asyncio.create_task(self._run(run), context=Context())

    @property
    def failed(self) -> bool:
        """Whether the task has ended without a result."""
        return self._task.done() and (self._task.cancelled() or self._task.exception() is not None)

    @property
    def ended(self) -> T | None:
        """The result of a task that has ended with one."""
        return self._task.result() if self._task.done() and not self.failed else None

    async def result(self, *payers: Work) -> T:
        """Return the result, which calls share, so nobody may change it.

        The payers pay for a task in progress.
        """
        if not self._task.done():
            for payer in payers:
                self._shared.join(payer)
        return await asyncio.shield(self._task)

    async def _run(self, run: Callable[[Work], Awaitable[T]]) -> T:
        with self._shared.counted() as shared:
            return await run(shared)
