"""A call is charged for long steps of its own, by a clock that the tests move."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from ecrkeeper.v1 import registry_settings_service_pb2 as pb
from ecrkeeper_server.api.layers import capacity
from ecrkeeper_server.api.layers.capacity import Admission, CallCosts
from ecrkeeper_server.api.layers.limits import Kind, Limits
from ecrkeeper_server.errors import ResourceExhausted
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.store import instrumented, operations, resources
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.instrumented import RecentCpu
from ecrkeeper_server.store.operation_metadata import OperationMetadata
from ecrkeeper_server.store.rows import Method
from ecrkeeper_server.turns import SLICE, Turns
from google.longrunning import operations_pb2

from tests.edge.conftest import Serve


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class Charged:
    """A call of a principal who may use a tenth of a CPU, and what was spent."""

    def __init__(self) -> None:
        self.clock = Clock()
        limits = Limits(cpu_per_principal=0.1, elements_per_principal=0)
        self.gate = Admission(limits, self.clock, lambda low, _high: low)
        self.seconds: list[float] = []
        spent = self.gate.spent
        self.gate.spent = lambda peer, seconds: (self.seconds.append(seconds), spent(peer, seconds))[1]  # type: ignore[method-assign]
        self.costs = CallCosts(self.gate, Turns(self.clock), "caller", self.clock)

    async def count(self, call: Coroutine[Any, Any, Any]) -> Any:
        return await self.costs.counting(call)


async def works(clock: Clock, *steps: float) -> str:
    for seconds in steps:
        clock.now += seconds
        await asyncio.sleep(0)
    return "done"


async def test_only_steps_longer_than_a_slice_are_charged() -> None:
    call = Charged()
    assert await call.count(works(call.clock, 0.001, 0.050, SLICE * 0.9, 0.010)) == "done"
    assert call.seconds == pytest.approx([0.050, 0.010])


async def test_waiting_is_free() -> None:
    call = Charged()
    waiting = asyncio.create_task(call.count(asyncio.sleep(0.01)))
    await asyncio.sleep(0)
    call.clock.now += 60.0
    await waiting
    assert call.seconds == []


async def test_turns_in_a_step_are_not_charged_twice() -> None:
    call = Charged()

    def slow() -> None:
        call.clock.now += 0.020

    async def turn() -> None:
        await call.costs.work().step(slow)
        call.clock.now += 0.005
        await asyncio.sleep(0)

    await call.count(turn())
    assert call.seconds == pytest.approx([0.020, 0.005])


async def test_caller_of_long_steps_must_retry_and_others_need_not() -> None:
    call = Charged()
    call.gate.enter("caller", Kind.CALLS)
    await call.count(works(call.clock, *[0.1] * 25))
    with pytest.raises(ResourceExhausted) as caught:
        call.gate.enter("caller", Kind.CALLS)
    assert (caught.value.reason, caught.value.metadata["of"]) == ("WORK_LIMITED", "cpu")
    assert caught.value.retry_after
    call.gate.enter("other", Kind.CALLS)


async def test_error_of_a_long_step_passes_and_is_charged() -> None:
    call = Charged()

    async def fails() -> None:
        call.clock.now += 0.1
        raise KeyError("x")

    with pytest.raises(KeyError):
        await call.count(fails())
    assert call.seconds == pytest.approx([0.1])


async def test_cancellation_reaches_the_call() -> None:
    call, states = Charged(), list[str]()

    async def waits() -> str:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            states.append("cancelled")
            raise
        return "never"

    task = asyncio.create_task(call.count(waits()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert states == ["cancelled"]


def test_cpu_is_read_once_in_half_a_millisecond() -> None:
    now, cpu = Clock(), Clock()
    recent = RecentCpu(now, cpu)
    readings = []
    for passed, used in ((0.0, 0.0), (0.0004, 0.0004), (0.0002, 0.0002), (0.003, 0.0025), (60.0, 0.0001)):
        now.now, cpu.now = now.now + passed, cpu.now + used
        readings.append(recent() - 100.0)
    assert readings == pytest.approx([0.0, 0.0, 0.0006, 0.0031, 0.0032])


async def test_timeout_inside_the_call_ends_its_wait() -> None:
    async def waits() -> str:
        try:
            async with asyncio.timeout(0):
                await asyncio.sleep(60)
        except TimeoutError:
            return "ended"
        return "never"

    assert await Charged().count(waits()) == "ended"


@pytest.mark.parametrize("begun", ["unary", "stream"])
async def test_calls_and_streams_are_charged(serve: Serve, monkeypatch: pytest.MonkeyPatch, begun: str) -> None:
    # Every step counts, and any CPU at all is too much.
    monkeypatch.setattr(capacity, "SLICE", -1.0)
    monkeypatch.setattr(instrumented, "_RECENT", -1.0)
    async with serve(Limits(cpu_per_principal=1e-9)) as server, server.calls() as calls:
        if begun == "unary":
            assert (await calls.failure(b"")).code == "INVALID_ARGUMENT"
        else:
            stream = calls.stream(request=pb.WatchRegistriesRequest(parent="accounts/-").SerializeToString())
            await stream.read()
        failure = await calls.failure(b"")
        assert (failure.code, failure.reason) == ("RESOURCE_EXHAUSTED", "WORK_LIMITED")
        assert failure.retry_after > 0
        async with server.calls(server.socket) as others:
            assert (await others.failure(b"")).code == "INVALID_ARGUMENT"


@pytest.mark.parametrize("method", ["GetOperation", "WaitOperation"])
async def test_callers_of_a_large_operation_are_charged(serve: Serve, method: str) -> None:
    def begin(tx: Tx) -> str:
        target = resources.create(tx, RegistryName("111111111111", "us-east-1"), {})
        metadata = OperationMetadata({"callers": [f"principal-{number}" for number in range(1_000)]})
        operation = operations.create(tx, Method.RECONCILE_REGISTRY, target, metadata)
        operations.end(tx, operation, response={})
        return operation.id

    async with serve(Limits(elements_per_principal=1, burst_elements_per_principal=1)) as server:
        operation = await server.db.write(begin)
        request = operations_pb2.GetOperationRequest(name=f"operations/{operation}").SerializeToString()
        path = f"/google.longrunning.Operations/{method}"
        async with server.calls() as calls, server.calls(server.socket) as others:
            assert operations_pb2.Operation.FromString(await calls.get(request, path)).done
            failure = await calls.failure(request, path)
            assert (failure.code, failure.reason) == ("RESOURCE_EXHAUSTED", "WORK_LIMITED")
            assert failure.retry_after > 0
            assert operations_pb2.Operation.FromString(await others.get(request, path)).done
