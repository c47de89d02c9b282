"""Batches of small queries."""

from __future__ import annotations

import asyncio

import pytest
from ecrkeeper_server.store.batch import Batch


class Runs:
    """Records batches; each run ends when it is released."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.go = asyncio.Event()

    async def __call__(self, items: list[int]) -> list[int]:
        self.batches.append(items)
        await self.go.wait()
        return [item * 10 for item in items]


async def test_concurrent_calls_share_a_batch() -> None:
    runs = Runs()
    runs.go.set()
    batch = Batch(runs)
    assert await asyncio.gather(*(batch.put(n) for n in (1, 2, 3))) == [10, 20, 30]
    assert runs.batches == [[1, 2, 3]]


async def test_eager_batch_starts_at_once_and_bounds_the_rest() -> None:
    runs = Runs()
    batch = Batch(runs, eager=True, max_items=2)
    tasks = [asyncio.create_task(batch.put(n)) for n in range(5)]
    await asyncio.sleep(0)
    assert runs.batches == [[0]]
    runs.go.set()
    assert await asyncio.gather(*tasks) == [0, 10, 20, 30, 40]
    assert runs.batches == [[0], [1, 2], [3, 4]]


async def test_callers_continue_when_first_is_cancelled() -> None:
    runs = Runs()
    batch = Batch(runs, eager=True)
    first, second = (asyncio.create_task(batch.put(n)) for n in (1, 2))
    await asyncio.sleep(0)
    first.cancel()
    runs.go.set()
    assert await second == 20
    with pytest.raises(asyncio.CancelledError):
        await first
    assert await batch.put(3) == 30


async def test_batch_failure_reaches_its_callers_only() -> None:
    async def fail(items: list[int]) -> list[int]:
        if 1 in items:
            raise ZeroDivisionError
        return items

    batch = Batch(fail)
    results = await asyncio.gather(*(batch.put(n) for n in (1, 2)), return_exceptions=True)
    assert [type(each) for each in results] == [ZeroDivisionError, ZeroDivisionError]
    assert await batch.put(2) == 2


async def test_wrong_result_count_fails_all_callers() -> None:
    async def lose(items: list[int]) -> list[int]:
        return items[1:]

    batch = Batch(lose)
    results = await asyncio.gather(*(batch.put(n) for n in (1, 2)), return_exceptions=True)
    assert [type(each) for each in results] == [AssertionError, AssertionError]
