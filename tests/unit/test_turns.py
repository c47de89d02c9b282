"""Large work runs in slices, one at a time, and in a fair order."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from ecrkeeper_server.turns import MANY, SLICE, WORK, FairLock, Steps, Turns, Work, finish, work
from hypothesis import given
from hypothesis import strategies as st


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def steps(clock: Clock, seconds: list[float], done: list[str], name: str) -> Steps[str]:
    for each in seconds:
        clock.now += each
        done.append(name)
        yield
    return name


async def test_slice_ends_after_two_milliseconds_of_steps() -> None:
    clock, done, spent = Clock(), list[str](), list[float]()
    large = Work(Turns(clock), "a", spent=spent.append)
    assert await large.run(steps(clock, [0.0005] * 10, done, "a")) == "a"
    assert sum(spent) == pytest.approx(0.005)
    assert max(spent) <= SLICE + 0.0005
    assert len(spent) == 3


async def test_few_elements_are_worked_on_at_once() -> None:
    clock, done, spent = Clock(), list[str](), list[float]()
    small = Work(Turns(clock), "a", spent=spent.append)
    task = asyncio.create_task(small.run(steps(clock, [1.0] * 3, done, "a"), MANY - 1))
    await asyncio.sleep(0)
    assert task.done()
    assert await small.step(len, "abc", elements=MANY - 1) == 3
    assert spent == []


async def test_loop_runs_between_two_slices() -> None:
    clock, done = Clock(), list[str]()
    large = asyncio.create_task(Work(Turns(clock), "a").run(steps(clock, [SLICE] * 20, done, "a")))
    before = -1
    while not large.done():
        assert len(done) - before <= 2
        before = len(done)
        await asyncio.sleep(0)
    assert len(done) == 20


@pytest.mark.parametrize("busy", [True, False])
async def test_loop_is_free_for_a_slice_before_each_turn_if_busy(busy: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    loop, clock, done = asyncio.get_running_loop(), Clock(), list[str]()
    delays = list[float]()

    def call_later(delay: float, call: Callable[..., Any], *args: Any) -> None:
        delays.append(delay)
        # No turn is given until the time has passed.
        assert len(done) == len(delays) - 1
        loop.call_soon(call, *args)

    monkeypatch.setattr(loop, "call_later", call_later)
    await Work(Turns(clock, lambda: busy), "a").run(steps(clock, [SLICE] * 5, done, "a"))
    # The last turn finds no more steps.
    assert delays == ([SLICE] * 6 if busy else [])


async def test_one_call_gets_as_many_turns_as_all_calls_of_another() -> None:
    clock, turns, done = Clock(), Turns(Clock()), list[str]()
    turns = Turns(clock)
    greedy = [
        asyncio.create_task(Work(turns, "greedy").run(steps(clock, [SLICE] * 50, done, "greedy"))) for _ in range(20)
    ]
    modest = asyncio.create_task(Work(turns, "modest").run(steps(clock, [SLICE] * 50, done, "modest")))
    await modest
    counts = Counter(done)
    assert counts["greedy"] <= counts["modest"] + len(greedy)
    await asyncio.gather(*greedy)


async def test_cancelled_work_gives_its_turn_to_the_next() -> None:
    clock, done = Clock(), list[str]()
    turns = Turns(clock)
    first, second = (asyncio.create_task(Work(turns, name).run(steps(clock, [SLICE] * 3, done, name))) for name in "ab")
    await asyncio.sleep(0)
    first.cancel()
    assert await asyncio.wait_for(second, 5) == "b"
    assert done == ["b"] * 3


async def test_wait_for_a_turn_costs_nothing() -> None:
    clock, done, spent = Clock(), list[str](), list[float]()
    large = Work(Turns(clock), "a", spent=spent.append)
    task = asyncio.create_task(large.run(steps(clock, [SLICE] * 5, done, "a")))
    while not done:
        await asyncio.sleep(0)
    # The call waits for its second turn while others work, and is cancelled.
    clock.now += 60.0
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sum(spent) == pytest.approx(len(done) * SLICE)


async def test_error_of_a_step_reaches_the_caller_and_counts() -> None:
    clock, spent = Clock(), list[float]()

    def fails() -> Steps[None]:
        clock.now += 0.001
        yield
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        await Work(Turns(clock), "a", spent=spent.append).run(fails())
    assert sum(spent) == pytest.approx(0.001)


async def test_work_belongs_to_the_tasks_that_a_call_starts() -> None:
    own_work = Work(Turns(), "mine")

    async def call() -> tuple[Work, Work]:
        WORK.set(lambda: own_work)
        return work(), await asyncio.create_task(inner())

    async def inner() -> Work:
        return work()

    assert await asyncio.create_task(call()) == (own_work, own_work)
    assert work() is not own_work


@given(st.lists(st.integers(0, 5), max_size=20))
def test_steps_at_once_have_the_same_result(pauses: list[int]) -> None:
    def summing() -> Steps[int]:
        total = 0
        for each in pauses:
            for _ in range(each):
                yield
            total += each
        return total

    assert finish(summing()) == sum(pauses)


async def test_fair_lock_goes_round_by_key() -> None:
    lock, order = FairLock(), list[str]()

    async def hold(key: str) -> None:
        async with lock.of(key):
            order.append(key)
            await asyncio.sleep(0)

    await asyncio.gather(*(hold("greedy") for _ in range(5)), hold("modest"))
    assert order.index("modest") <= 2
    assert len(order) == 6


async def test_fair_lock_survives_waiters_that_are_cancelled() -> None:
    lock, order = FairLock(), list[str]()

    async def hold(key: str) -> None:
        async with lock.of(key):
            order.append(key)
            await asyncio.sleep(0)

    tasks = [asyncio.create_task(hold(key)) for key in "abcd"]
    await asyncio.sleep(0)
    tasks[1].cancel()
    await asyncio.sleep(0)
    tasks[2].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert {"a", "d"} <= set(order)
    async with asyncio.timeout(5), lock.of("e"):
        order.append("e")
    assert order[-1] == "e"


async def test_key_ends_one_work_before_it_begins_the_next() -> None:
    """Work in progress holds memory."""
    clock, done = Clock(), list[str]()
    turns = Turns(clock)
    works = [
        Work(turns, key).run(steps(clock, [SLICE] * 3, done, name))
        for key, name in (("a", "1"), ("a", "2"), ("b", "3"))
    ]
    await asyncio.gather(*works)
    assert [name for name in done if name != "3"] == ["1", "1", "1", "2", "2", "2"]
    assert done.index("3") < 2, "keys still take turns"


async def test_many_small_things_pause_after_a_slice_without_a_charge() -> None:
    clock, spent, done = Clock(), list[float](), list[int]()
    small = Work(Turns(clock), "a", spent=spent.append)

    async def several() -> None:
        pauses = small.pauses()
        for at in range(20):
            clock.now += SLICE / 2
            done.append(at)
            await pauses.done()

    task = asyncio.create_task(several())
    before = 0
    while not task.done():
        await asyncio.sleep(0)
        assert len(done) - before <= 2, "the loop runs after each slice"
        before = len(done)
    assert spent == []
    assert len(done) == 20
