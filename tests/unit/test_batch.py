"""Small queries that go together."""

from __future__ import annotations

import asyncio

import pytest
from ecrkeeper_server.store.batch import Batch


class Runs:
    """Remembers what went together; each run ends when it is let go."""

    def __init__(self) -> None:
        self.seen: list[list[int]] = []
        self.go = asyncio.Event()

    async def __call__(self, items: list[int]) -> list[int]:
        self.seen.append(items)
        await self.go.wait()
        return [item * 10 for item in items]


async def test_what_comes_at_the_same_time_goes_together() -> None:
    runs = Runs()
    runs.go.set()
    batch = Batch(runs)
    assert await asyncio.gather(*(batch.put(n) for n in (1, 2, 3))) == [10, 20, 30]
    assert runs.seen == [[1, 2, 3]]


async def test_an_eager_batch_does_not_wait_for_company_and_gathers_the_rest_in_limits() -> None:
    runs = Runs()
    batch = Batch(runs, eager=True, most=2)
    asked = [asyncio.create_task(batch.put(n)) for n in range(5)]
    await asyncio.sleep(0)
    assert runs.seen == [[0]]
    runs.go.set()
    assert await asyncio.gather(*asked) == [0, 10, 20, 30, 40]
    assert runs.seen == [[0], [1, 2], [3, 4]]


async def test_the_others_go_on_when_the_one_that_went_alone_is_given_up() -> None:
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


async def test_a_failure_reaches_everybody_of_the_batch_and_nobody_else() -> None:
    async def fail(items: list[int]) -> list[int]:
        if 1 in items:
            raise ZeroDivisionError
        return items

    batch = Batch(fail)
    found = await asyncio.gather(*(batch.put(n) for n in (1, 2)), return_exceptions=True)
    assert [type(each) for each in found] == [ZeroDivisionError, ZeroDivisionError]
    assert await batch.put(2) == 2


async def test_a_wrong_number_of_results_fails_everybody_rather_than_leaving_them_waiting() -> None:
    async def lose(items: list[int]) -> list[int]:
        return items[1:]

    batch = Batch(lose)
    found = await asyncio.gather(*(batch.put(n) for n in (1, 2)), return_exceptions=True)
    assert [type(each) for each in found] == [AssertionError, AssertionError]
