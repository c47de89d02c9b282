"""A principal holds few large values at once, and waits for no other principal."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import Any

import grpc
import pytest
from ecrkeeper.v1 import registry_pb2
from ecrkeeper.v1 import registry_settings_service_pb2 as pb
from ecrkeeper_server.api.layers.capacity import Admission, CallCosts
from ecrkeeper_server.api.layers.data_limit import SMALL, CallData, DataLimit
from ecrkeeper_server.api.layers.errors import ErrorMapping
from ecrkeeper_server.api.layers.limits import Limits
from ecrkeeper_server.api.layers.partitions import Partitions
from ecrkeeper_server.turns import WORK, Turns
from google.protobuf import json_format
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st

LARGE = 4 * SMALL
CAPACITY = 2 * LARGE


async def pause() -> None:
    """Let every task continue that can."""
    for _ in range(10):
        await asyncio.sleep(0)


class Calls:
    """Calls that hold data until they are ended, in the order in which they got it."""

    def __init__(self) -> None:
        self.limit = DataLimit(CAPACITY)
        self.held: list[str] = []
        self.data: dict[str, CallData] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def begin(self, name: str, size: int = LARGE) -> None:
        """Begin a call; its first letter is its principal."""
        self.data[name] = CallData(self.limit, name[0])
        self.tasks[name] = asyncio.create_task(self._hold(name, self.data[name].hold(size)))
        await pause()

    async def _hold(self, name: str, hold: Coroutine[Any, Any, None]) -> None:
        await hold
        self.held.append(name)

    async def end(self, *names: str) -> None:
        for name in names:
            self.data[name].end()
        await pause()


async def test_call_waits_for_capacity_of_its_own_principal_only() -> None:
    calls = Calls()
    for name in ("a1", "a2", "a3", "a4", "b1"):
        await calls.begin(name)
    assert calls.held == ["a1", "a2", "b1"]
    await calls.end("a2")
    assert calls.held == ["a1", "a2", "b1", "a3"]
    await calls.end("a1", "a3", "b1", "a4")
    assert calls.held[-1] == "a4"
    await calls.end("a4")
    assert not len(calls.limit)


async def test_small_data_never_waits() -> None:
    calls = Calls()
    for name in ("a1", "a2", "a3"):
        await calls.begin(name)
    await calls.begin("a4", SMALL)
    assert calls.held == ["a1", "a2", "a4"]


async def test_smaller_call_does_not_overtake_a_larger_one() -> None:
    calls = Calls()
    await calls.begin("a1")
    await calls.begin("a2", 10 * CAPACITY)
    await calls.begin("a3")
    assert calls.held == ["a1"]
    await calls.end("a1")
    assert calls.held == ["a1", "a2"], "data above the capacity is held alone"
    await calls.end("a2")
    assert calls.held == ["a1", "a2", "a3"]


async def test_call_that_holds_data_does_not_wait_for_more() -> None:
    calls = Calls()
    await calls.begin("a1")
    await calls.begin("a2")
    await asyncio.wait_for(calls.data["a1"].hold(CAPACITY), 5)


async def test_call_that_waits_for_aws_lets_others_continue() -> None:
    calls, answers = Calls(), [asyncio.Event(), asyncio.Event()]
    await calls.begin("a1", CAPACITY)
    await calls.begin("a2", CAPACITY)
    await calls.begin("a3", CAPACITY)

    async def observe(answer: asyncio.Event) -> None:
        async with calls.data["a1"].released():
            await answer.wait()

    reads = [asyncio.create_task(observe(answer)) for answer in answers]
    await pause()
    assert calls.held == ["a1", "a2"]
    answers[0].set()
    await pause()
    answers[1].set()
    await pause()
    assert [each.done() for each in reads] == [True, False], "the last read waits for the capacity"
    await calls.end("a2")
    assert reads[1].done()
    assert calls.held == ["a1", "a2"], "a call that has begun comes before others"
    await calls.end("a1")
    assert calls.held[-1] == "a3"


@pytest.mark.parametrize("ended", ["before", "after"])
async def test_call_that_ends_while_it_waits_holds_nothing(ended: str) -> None:
    calls = Calls()
    for name in ("a1", "a2", "a3", "a4"):
        await calls.begin(name)
    if ended == "after":
        calls.data["a1"].end()
    calls.tasks["a3"].cancel()
    await pause()
    await calls.end("a3", "a1", "a2")
    assert calls.held == ["a1", "a2", "a4"]
    await calls.end("a4")
    assert not len(calls.limit)


async def test_failed_read_leaves_the_call_without_data() -> None:
    calls = Calls()
    await calls.begin("a1", CAPACITY)
    with pytest.raises(ValueError, match="no"):
        async with calls.data["a1"].released():
            raise ValueError("no")
    await calls.begin("a2", CAPACITY)
    assert calls.held == ["a1", "a2"]
    await calls.end("a1", "a2")
    assert not len(calls.limit)


_CALL = st.tuples(st.sampled_from("ab"), st.integers(1, 2 * CAPACITY), st.booleans())


@given(st.lists(_CALL, max_size=25), st.randoms(use_true_random=False))
def test_every_call_gets_its_data_within_the_capacity(requested: list[tuple[str, int, bool]], order: Any) -> None:
    async def run() -> None:
        limit, held, pending = DataLimit(CAPACITY), dict[str, int](), list[asyncio.Task[None]]()
        most = dict.fromkeys("ab", 0)

        async def call(principal: str, size: int) -> None:
            await limit.acquire(principal, size)
            held[principal] = held.get(principal, 0) + min(size, CAPACITY)
            most[principal] = max(most[principal], held[principal])
            try:
                await asyncio.sleep(0)
            finally:
                held[principal] -= min(size, CAPACITY)
                limit.release(principal, size)

        for principal, size, cancelled in requested:
            pending.append(asyncio.create_task(call(principal, size)))
            if cancelled:
                await asyncio.sleep(0)
                order.choice(pending).cancel()
        await asyncio.wait_for(asyncio.gather(*pending, return_exceptions=True), 5)
        assert max(most.values()) <= CAPACITY
        assert not len(limit)

    asyncio.run(run())


class Context:
    def time_remaining(self) -> None:
        return None


def update(owner: str, *, large: bool) -> pb.UpdateRegistrySettingsRequest:
    """Return an Update, perhaps of more than 64 KiB."""
    filters = [{"filter": f"{i:03}".ljust(200, "x"), "filter_type": "PREFIX_MATCH"} for i in range(100)]
    rule = {"destinations": [{"region": "eu-west-1", "registry_id": "222222222222"}], "repository_filters": filters}
    settings = {"replication_configuration": {"rules": [rule] * 5}} if large else {}
    name = f"accounts/111111111111/registries/us-east-1/settings/{owner}"
    message = {"registry_settings": {"name": name, "settings": settings}}
    return json_format.ParseDict(message, pb.UpdateRegistrySettingsRequest())


async def test_large_request_waits_before_it_is_handled() -> None:
    limit, handled = DataLimit(), list[str]()

    async def behaviour(request: pb.UpdateRegistrySettingsRequest, _context: Any) -> Any:
        handled.append(request.registry_settings.name[-1])
        return registry_pb2.RegistrySettings()

    method = "/ecrkeeper.v1.RegistrySettingsService/UpdateRegistrySettings"
    parse = pb.UpdateRegistrySettingsRequest.FromString
    handler = ErrorMapping(Partitions("aws")).around(
        method, grpc.unary_unary_rpc_method_handler(behaviour, parse, Message.SerializeToString)
    )

    async def call(principal: str, owner: str, *, large: bool = True) -> None:
        costs = CallCosts(Admission(Limits()), Turns(), principal, time.thread_time, limit)
        WORK.set(costs.work)
        await handler.unary_unary(update(owner, large=large), Context())
        costs.end()

    await limit.acquire("a", 2**40)
    waiting = asyncio.create_task(call("a", "1"))
    for principal, owner, large in (("a", "2", False), ("b", "3", True)):
        await asyncio.wait_for(asyncio.create_task(call(principal, owner, large=large)), 5)
    assert handled == ["2", "3"]
    limit.release("a", 2**40)
    await asyncio.wait_for(waiting, 5)
    assert handled == ["2", "3", "1"]
