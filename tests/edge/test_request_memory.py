"""The request memory limit: order and number of requests."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from ecrkeeper_server.api.layers import request_memory as module
from ecrkeeper_server.api.layers.limits import Limits
from ecrkeeper_server.api.layers.request_memory import RequestMemoryLimit
from ecrkeeper_server.errors import ResourceExhausted, Unavailable
from hypothesis import given
from hypothesis import strategies as st

LIMITS = Limits(message_bytes=100, request_bytes=800)
SLOTS, OWN = 4, 2


async def quick() -> bytes:
    return b"x"


async def never() -> bytes:
    await asyncio.Event().wait()
    raise AssertionError


async def idle_loop() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@asynccontextmanager
async def stalled(memory: RequestMemoryLimit, *principals: str) -> AsyncIterator[list[asyncio.Task[bytes]]]:
    """Requests that do not arrive."""
    tasks = [asyncio.create_task(memory.receive(each, never)) for each in principals]
    await idle_loop()
    yield tasks
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert (memory.receiving, memory._receiving_of, memory._waiting, memory._slots_in_use) == (0, {}, {}, {})


async def test_principal_holds_at_most_half_of_the_slots() -> None:
    memory = RequestMemoryLimit(LIMITS)
    async with stalled(memory, *["greedy"] * 10):
        assert memory.receiving == OWN
        assert await memory.receive("modest", quick) == b"x"


async def test_free_slot_goes_to_principal_with_fewest() -> None:
    memory, order = RequestMemoryLimit(LIMITS), list[str]()

    async def call(principal: str) -> None:
        async def read() -> None:
            order.append(principal)

        await memory.receive(principal, read)

    async with stalled(memory, "a", "a", "b", "b") as held:
        waiting = [asyncio.create_task(call(each)) for each in ("a", "a", "b", "c", "c")]
        await idle_loop()
        assert order == []
        held[2].cancel()
        await asyncio.gather(*waiting[2:])
        assert order[:2] == ["c", "c"] and sorted(order) == ["b", "c", "c"], "a still has its half"
        held[0].cancel()
        await asyncio.gather(*waiting)


async def test_slow_sender_is_disconnected_when_another_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CONTENDED_SECONDS", 0.05)
    memory = RequestMemoryLimit(LIMITS)
    async with stalled(memory, "a", "a", "b", "b") as held:
        assert await asyncio.wait_for(memory.receive("c", quick), 5) == b"x"
        with pytest.raises(Unavailable) as caught:
            await held[0]
        assert caught.value.reason == "REQUEST_TOO_SLOW"
        assert not any(each.done() for each in held[1:]), "one for each who waits"
        assert await asyncio.wait_for(memory.receive("b", quick), 5) == b"x"
        assert not held[1].done() and held[2].done(), "a principal with its half waits for a slot of its own"


async def test_requests_end_at_their_own_deadlines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LONGEST_SECONDS", 0.2)
    memory, loop = RequestMemoryLimit(LIMITS), asyncio.get_running_loop()

    async def seconds(principal: str) -> float:
        began = loop.time()
        with pytest.raises(Unavailable) as caught:
            await memory.receive(principal, never)
        assert caught.value.reason == "REQUEST_TOO_SLOW"
        return loop.time() - began

    first = asyncio.create_task(seconds("a"))
    await asyncio.sleep(0.1)
    assert await memory.receive("b", quick) == b"x"
    second = asyncio.create_task(seconds("b"))
    await first
    assert not second.done()
    assert min(await first, await second) >= 0.2
    await asyncio.sleep(0.1)
    # No timer is left that would end a later request early.
    assert await seconds("a") >= 0.2
    assert memory.receiving == 0


async def test_long_wait_is_rejected_with_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_WAIT_SECONDS", 0.05)
    memory = RequestMemoryLimit(LIMITS)
    async with stalled(memory, "a", "a", "b", "b"):
        with pytest.raises(ResourceExhausted) as caught:
            await memory.receive("c", quick)
        assert (caught.value.reason, caught.value.metadata["of"]) == ("OVERLOADED", "request_bytes")
        assert caught.value.retry_after


async def test_admission_releases_slot_on_cancel() -> None:
    memory = RequestMemoryLimit(LIMITS)
    async with stalled(memory, "a", "a", "b", "b") as held:
        first, second = (asyncio.create_task(memory.receive("c", quick)) for _ in range(2))
        await idle_loop()
        held[0].cancel()
        while not memory._waiting.get("c") or len(memory._waiting["c"]) == 2:
            await asyncio.sleep(0)
        first.cancel()
        assert await asyncio.wait_for(second, 5) == b"x"


def test_running_requests_are_bounded_in_total_and_per_principal() -> None:
    memory = RequestMemoryLimit(LIMITS)

    def rejection(principal: str, size: int) -> str:
        with pytest.raises(ResourceExhausted) as caught, memory.holding(principal, size):
            pass
        assert caught.value.retry_after
        return caught.value.reason

    with memory.holding("a", 150):
        assert rejection("a", 60) == "CONCURRENCY_LIMITED"
        with memory.holding("b", 150), memory.holding("a", 50):
            assert rejection("c", 7) == "OVERLOADED", "the last eighth is for small requests"
            with contextlib.ExitStack() as small:
                for at in range(8):
                    small.enter_context(memory.holding(f"small-{at}", 6))
                assert rejection("d", 6) == "OVERLOADED"
    with memory.holding("a", 1000):
        assert rejection("b", 1) == "OVERLOADED"
    assert (memory.held, memory._held) == (0, {})


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from([0, 0, 1, 7])), max_size=12), st.randoms())
def test_requests_in_progress_may_end_in_any_order(requests: list[tuple[str, int]], order: random.Random) -> None:
    memory = RequestMemoryLimit(LIMITS)
    for each in requests:
        memory.hold(*each)
    order.shuffle(requests)
    while requests:
        memory.release(*requests.pop())
        assert memory.held == sum(size for _, size in requests)
    assert memory._held == {}


async def test_slots_are_released_by_every_end_of_a_call() -> None:
    memory, rng = RequestMemoryLimit(LIMITS), random.Random(1)

    async def slow() -> None:
        for _ in range(rng.randrange(4)):
            await asyncio.sleep(0)

    for _ in range(300):
        calls = [asyncio.create_task(memory.receive(rng.choice("abcd"), slow)) for _ in range(rng.randrange(1, 20))]
        for _ in range(rng.randrange(6)):
            await asyncio.sleep(0)
            rng.choice(calls).cancel()
        ended = await asyncio.gather(*calls, return_exceptions=True)
        assert all(each is None or isinstance(each, asyncio.CancelledError) for each in ended)
        assert (memory.receiving, memory._receiving_of, memory._waiting, memory._slots_in_use) == (
            0,
            {},
            {},
            {},
        )
