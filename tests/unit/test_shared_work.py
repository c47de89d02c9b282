"""The principals of the calls that share work pay equal parts of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest
from ecrkeeper_server.api.services.shared_renderings import SharedRenderings
from ecrkeeper_server.api.services.shared_work import SharedWork
from ecrkeeper_server.turns import SLICE, WORK, Steps, Turns, Work, work


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class Principals:
    """Calls of principals, and the seconds that each principal paid."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.turns = Turns(self.clock)
        self.paid: dict[str, list[float]] = {}

    def work(self, name: str) -> Work:
        return Work(self.turns, name, spent=self.paid.setdefault(name, []).append)

    def calling(self, name: str, shared: SharedRenderings[str], steps: Callable[[], Steps[str]]) -> asyncio.Task[str]:
        """Begin a call of a principal that asks for one rendering."""

        async def call() -> str:
            WORK.set(lambda: self.work(name))
            return await shared.of("key", steps)

        return asyncio.create_task(call())

    def steps(self, *seconds: float) -> Steps[str]:
        for each in seconds:
            self.clock.now += each
            yield
        return "rendered"


@pytest.fixture
def principals() -> Iterator[Principals]:
    yield Principals()


async def test_principals_pay_equal_parts_for_any_number_of_calls(principals: Principals) -> None:
    shared, rendered = SharedRenderings[str](principals.turns), list[int]()

    def steps() -> Steps[str]:
        rendered.append(1)
        return principals.steps(0.010, 0.020)

    calls = [principals.calling(name, shared, steps) for name in ("flooder",) * 50 + ("a", "b")]
    assert set(await asyncio.gather(*calls)) == {"rendered"}
    assert rendered == [1]
    assert principals.paid == {name: [pytest.approx(0.010)] for name in ("flooder", "a", "b")}


async def test_finished_and_short_renderings_are_free(principals: Principals) -> None:
    shared = SharedRenderings[str](principals.turns)
    await principals.calling("first", shared, lambda: principals.steps(0.010))
    await principals.calling("late", shared, lambda: principals.steps(0.010))
    assert principals.paid["first"] == [pytest.approx(0.010)]
    assert principals.paid.get("late", []) == []
    await principals.calling("short", SharedRenderings(principals.turns), lambda: principals.steps(SLICE / 2))
    assert principals.paid.get("short", []) == []


async def test_failed_rendering_is_paid_and_made_again(principals: Principals) -> None:
    shared = SharedRenderings[str](principals.turns)

    def fails() -> Steps[str]:
        principals.clock.now += 0.010
        yield
        raise KeyError("x")

    with pytest.raises(KeyError):
        await principals.calling("caller", shared, fails)
    assert await principals.calling("caller", shared, lambda: principals.steps(0.020)) == "rendered"
    assert principals.paid["caller"] == [pytest.approx(0.010), pytest.approx(0.020)]


async def test_principal_that_leaves_pays_for_work_in_progress_only(principals: Principals) -> None:
    shared, first, second = SharedWork(principals.turns), principals.work("first"), principals.work("second")
    shared.join(first)
    with shared.counted():
        shared.leave(first)
        work().used(0.010)
    shared.join(second)
    with shared.counted():
        work().used(0.001)
        work().used(0.005)
    assert principals.paid == {"first": [0.010], "second": [pytest.approx(0.006)]}
