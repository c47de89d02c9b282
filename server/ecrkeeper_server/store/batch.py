"""Batch small queries: items that arrive during a batch form the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import Context
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Batch(Generic[T, R]):
    """Passes items to `run` as a list, and each result back to its caller.

    `run` returns one result for each item, in order; its exception is raised in
    every caller of the batch. An `eager` batch does not wait for more items: an
    item that finds no batch running is sent at once and alone. A batch has at most
    `max_items` items.
    """

    def __init__(
        self, run: Callable[[list[T]], Awaitable[list[R]]], *, eager: bool = False, max_items: int | None = None
    ) -> None:
        self._run = run
        self._max_items = max_items
        self._eager = eager
        self._alone = False
        self._waiting: list[tuple[T, asyncio.Future[R]]] = []
        self._task: asyncio.Task[None] | None = None

    async def put(self, item: T) -> R:
        """Return the result for an item."""
        if self._eager and self._task is None and not self._alone:
            return await self._put_alone(item)
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        self._start()
        try:
            return await future
        finally:
            # This frame would hold an error, and the error this frame.
            del future

    async def _put_alone(self, item: T) -> R:
        self._alone = True
        try:
            (result,) = await self._run([item])
        finally:
            self._alone = False
            self._start()
        return result

    def _start(self) -> None:
        if self._waiting and self._task is None and not self._alone:
            # A separate context: a batch belongs to no single call or trace.
            self._task = asyncio.create_task(self._work(), context=Context())

    async def _work(self) -> None:
        try:
            while self._waiting:
                batch = self._waiting[: self._max_items]
                del self._waiting[: len(batch)]
                await self._one([item for item, _ in batch], [future for _, future in batch])
        finally:
            self._task = None

    async def _one(self, items: list[T], futures: list[asyncio.Future[R]]) -> None:
        try:
            results = await self._run(items)
            if len(results) != len(items):
                raise AssertionError(f"{len(results)} results for {len(items)} items")
        except Exception as error:
            for future in futures:
                if not future.done():
                    future.set_exception(error)
            return
        for future, result in zip(futures, results, strict=True):
            if not future.done():
                future.set_result(result)
