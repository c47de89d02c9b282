"""The principals of calls that share work pay equal parts of it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator

import pytest
from ecrkeeper.v1 import common_pb2, registry_pb2
from ecrkeeper.v1 import registry_settings_service_pb2 as pb
from ecrkeeper_server.api.services.shared_renderings import SharedRenderings
from ecrkeeper_server.api.services.shared_work import SharedWork
from ecrkeeper_server.turns import SLICE, WORK, Steps, Turns, Work, work


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


Renderings = SharedRenderings[common_pb2.Condition]
RENDERED = common_pb2.Condition(message="rendered")


class Principals:
    """Calls of principals, and the seconds that each principal paid."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.turns = Turns(self.clock)
        self.paid: dict[str, list[float]] = {}

    def work(self, name: str) -> Work:
        return Work(self.turns, name, spent=self.paid.setdefault(name, []).append)

    def calling(
        self, name: str, shared: Renderings, steps: Callable[[], Steps[common_pb2.Condition]]
    ) -> asyncio.Task[bytes]:
        """Begin a call of a principal that asks for one rendering."""

        async def call() -> bytes:
            WORK.set(lambda: self.work(name))
            return (await shared.of("key", steps)).content

        return asyncio.create_task(call())

    def steps(self, *seconds: float) -> Steps[common_pb2.Condition]:
        for each in seconds:
            self.clock.now += each
            yield
        return RENDERED


@pytest.fixture
def principals() -> Iterator[Principals]:
    yield Principals()


async def test_principals_pay_equal_parts_for_any_number_of_calls(principals: Principals) -> None:
    shared, rendered = Renderings(principals.turns), list[int]()

    def steps() -> Steps[str]:
        rendered.append(1)
        return principals.steps(0.010, 0.020)

    calls = [principals.calling(name, shared, steps) for name in ("flooder",) * 50 + ("a", "b")]
    assert set(await asyncio.gather(*calls)) == {RENDERED.SerializeToString()}
    assert rendered == [1]
    assert principals.paid == {name: [pytest.approx(0.010)] for name in ("flooder", "a", "b")}


async def test_finished_and_short_renderings_are_free(principals: Principals) -> None:
    shared = Renderings(principals.turns)
    await principals.calling("first", shared, lambda: principals.steps(0.010))
    await principals.calling("late", shared, lambda: principals.steps(0.010))
    assert principals.paid["first"] == [pytest.approx(0.010)]
    assert principals.paid.get("late", []) == []
    await principals.calling("short", SharedRenderings(principals.turns), lambda: principals.steps(SLICE / 2))
    assert principals.paid.get("short", []) == []


async def test_failed_rendering_is_paid_and_made_again(principals: Principals) -> None:
    shared = Renderings(principals.turns)

    def fails() -> Steps[common_pb2.Condition]:
        principals.clock.now += 0.010
        yield
        raise KeyError("x")

    with pytest.raises(KeyError):
        await principals.calling("caller", shared, fails)
    assert await principals.calling("caller", shared, lambda: principals.steps(0.020)) == RENDERED.SerializeToString()
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


def large(name: str, size: int = 2_000_000) -> pb.WatchRegistriesResponse:
    """Return a message of a watch with many declarations."""
    item = registry_pb2.DeclarationStatus(owner="x" * 1_000)
    return pb.WatchRegistriesResponse(registry={"name": name, "declarations": [item] * (size // 1_000)})


def rendering(message: pb.WatchRegistriesResponse) -> Callable[[], Steps[pb.WatchRegistriesResponse]]:
    def steps() -> Steps[pb.WatchRegistriesResponse]:
        for _ in range(5):
            yield
        return message

    return steps


async def test_large_message_of_watches_is_serialized_in_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks, waits = itertools.count(), list[str]()
    # Each step takes a millisecond.
    turns = Turns(lambda: next(ticks) / 1_000)
    wait = turns.wait

    async def counted(key: str, *, begun: bool = False) -> None:
        waits.append(key)
        await wait(key, begun=begun)

    monkeypatch.setattr(turns, "wait", counted)
    message = large("a")
    answer = await SharedRenderings[pb.WatchRegistriesResponse](turns).of("key", rendering(message))
    assert pb.WatchRegistriesResponse.FromString(answer.content) == message
    rendered = 5
    serialized = len(answer.content) // 200_000
    assert len(waits) >= (rendered + serialized) // 2


async def test_kept_answers_are_bounded_in_bytes_and_number() -> None:
    shared = SharedRenderings[pb.WatchRegistriesResponse](Turns())
    for name in range(10):
        await shared.of(name, rendering(large(str(name))))
        assert sum(len(each.ended.content) for each in shared._kept.values() if each.ended) <= 8 * 2**20
    assert len(shared._kept) > 1
    for name in range(100):
        await shared.of(name, rendering(large(str(name), 1_000)))
    assert len(shared._kept) <= 32
