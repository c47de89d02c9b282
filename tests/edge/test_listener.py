"""The accept loops: a failure in one call or method affects no other."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import grpc
import grpc.aio
import pytest
from ecrkeeper_server.api import accept_loops, listener
from ecrkeeper_server.api.layers.limits import Limits
from ecrkeeper_server.api.public_server import PublicServer
from ecrkeeper_server.ports import until_stopped
from ecrkeeper_server.private_interfaces import SWITCH, PrivateInterface
from grpc._cython import cygrpc
from msgspec.structs import replace

from tests.edge.calls import Calls

ECHO, HOLD, FAIL, COUNT = (f"/test.Service/{name}" for name in ("Echo", "Hold", "Fail", "Count"))


@dataclass
class Service:
    """A server with four methods; `held` calls are in Hold until `release` is set."""

    server: Any
    address: str = ""
    release: asyncio.Event = field(default_factory=asyncio.Event)
    held: int = 0
    cancelled: int = 0

    @property
    def running(self) -> int | None:
        """Return the number of call tasks; None if only gRPC knows."""
        tasks = getattr(self.server._server, "_running", None)
        return None if tasks is None else len(tasks)

    async def echo(self, request: bytes, _: Any) -> bytes:
        return request

    async def hold(self, request: bytes, _: Any) -> bytes:
        self.held += 1
        try:
            await self.release.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.held -= 1
        return request

    async def fail(self, request: bytes, _: Any) -> bytes:
        raise RuntimeError("a fault")

    async def count(self, request: bytes, _: Any) -> AsyncIterator[bytes]:
        for number in range(1_000_000):
            yield str(number).encode()
            await asyncio.sleep(0)

    async def until(self, held: int = 0, running: int | None = None) -> None:
        """Wait until this many calls are held, and this many tasks remain."""
        async with asyncio.timeout(10):
            expected = held if running is None else running
            while self.held != held or self.running not in (None, expected):
                await asyncio.sleep(0.01)


@pytest.fixture(params=["private", "public"])
def interface(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The interface of grpcio that the server uses."""
    monkeypatch.setenv(SWITCH, "1" if request.param == "public" else "")
    chosen: str = request.param
    if chosen == "private" and not listener.ACCEPT_LOOPS.usable:
        pytest.skip("the installed grpcio is of another version")
    return chosen


@pytest.fixture
def private(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run only with the server's own accept loops."""
    monkeypatch.setenv(SWITCH, "")
    if not listener.ACCEPT_LOOPS.usable:
        pytest.skip("the installed grpcio is of another version")


@contextlib.asynccontextmanager
async def serving(limits: Limits | None = None) -> AsyncIterator[Service]:
    service = Service(listener.listener([], limits or Limits()))
    handlers = {
        "Echo": grpc.unary_unary_rpc_method_handler(service.echo),
        "Hold": grpc.unary_unary_rpc_method_handler(service.hold),
        "Fail": grpc.unary_unary_rpc_method_handler(service.fail),
        "Count": grpc.unary_stream_rpc_method_handler(service.count),
    }
    service.server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Service", handlers),))
    service.address = f"127.0.0.1:{service.server.add_insecure_port('127.0.0.1:0')}"
    await service.server.start()
    try:
        yield service
    finally:
        await service.server.stop(0)


async def test_failed_call_leaves_nothing_behind(interface: str) -> None:
    async with serving() as service, Calls(service.address) as calls:
        for _ in range(20):
            assert (await calls.failure(b"x", FAIL)).code == "UNKNOWN"
        assert await calls.get(b"x", ECHO) == b"x"
        await service.until()


async def test_abandoned_calls_end_and_leave_nothing_behind(interface: str) -> None:
    async with serving() as service:
        async with Calls(service.address) as calls:
            held = [calls.channel.unary_unary(HOLD)(b"x", timeout=30) for _ in range(10)]
            streams = [calls.stream(COUNT) for _ in range(5)]
            for stream in streams:
                await stream.read()
            await service.until(10, 15)
            for call in held[:5]:
                call.cancel()
            await service.until(5, 10)
        await service.until()
        assert service.cancelled == 10


async def test_calls_above_process_limit_are_rejected_temporarily(
    interface: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "_MAX_GRPC_CALLS", 1)
    async with serving(Limits(calls=1, streams=1)) as service, Calls(service.address) as calls:
        held = [calls.channel.unary_unary(HOLD)(b"x", timeout=30) for _ in range(3)]
        await service.until(3)
        for _ in range(10):
            assert (await calls.failure(b"x", ECHO)).code == "RESOURCE_EXHAUSTED"
            assert (await calls.failure(b"x", "/test.Service/Unknown")).code == "UNIMPLEMENTED"
        service.release.set()
        assert await asyncio.gather(*held) == [b"x"] * 3
        await service.until()
        assert await calls.get(b"x", ECHO) == b"x"


def fail_to_accept(monkeypatch: pytest.MonkeyPatch, error: Exception, times: int) -> list[str]:
    """Fail this many accepts, of named methods and of others; return the failures."""
    failed: list[str] = []

    def failing(name: str) -> Any:
        accept = getattr(cygrpc.AioServer, name)

        async def request(self: Any, *names: bytes) -> Any:
            await asyncio.sleep(0)
            if failed.count(name) < times:
                failed.append(name)
                raise error
            return await accept(self, *names)

        return request

    for name in ("_request_registered_call", "_request_call"):
        monkeypatch.setattr(accept_loops._Acceptor, name, failing(name), raising=False)
    return failed


async def test_call_aborted_during_accept_does_not_end_loop(private: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """gRPC reports a call that ended before it was accepted as a failed accept."""
    failed = fail_to_accept(monkeypatch, cygrpc._RequestCallError("broken off"), 20)
    async with serving() as service, Calls(service.address) as calls:
        for _ in range(3):
            assert await calls.get(b"x", ECHO) == b"x"
            assert (await calls.failure(b"x", "/test.Service/Unknown")).code == "UNIMPLEMENTED"
        assert len(failed) == 40


async def test_server_ends_if_it_cannot_accept_calls(private: None, monkeypatch: pytest.MonkeyPatch) -> None:
    fail_to_accept(monkeypatch, cygrpc.InternalError("no more calls"), 1)
    async with serving() as service:
        stopping = asyncio.Event()
        assert await asyncio.wait_for(until_stopped(stopping, service.server), 10) is False
        assert not stopping.is_set()


async def test_requested_stop_is_not_a_failure(interface: str) -> None:
    stopping = asyncio.Event()
    async with serving() as service:
        waiting = asyncio.create_task(until_stopped(stopping, service.server))
        stopping.set()
        assert await asyncio.wait_for(waiting, 10) is True
    assert await asyncio.wait_for(until_stopped(stopping, None), 10) is True


async def test_stop_rejects_new_calls_and_waits_for_running_ones(interface: str) -> None:
    async with serving() as service, Calls(service.address) as calls:
        held = calls.channel.unary_unary(HOLD)(b"x", timeout=30)
        await service.until(1)
        stopping = asyncio.create_task(service.server.stop(20))
        async with Calls(service.address) as others, asyncio.timeout(10):
            while (await others.failure(b"x", HOLD, timeout=0.5)).code != "UNAVAILABLE":
                pass
        assert not stopping.done()
        service.release.set()
        assert await held == b"x"
        await asyncio.wait_for(stopping, 10)
        await service.until()


async def test_stop_without_grace_cancels_calls_and_tasks(interface: str) -> None:
    before = asyncio.all_tasks()
    async with serving() as service, Calls(service.address) as calls:
        held = [calls.channel.unary_unary(HOLD)(b"x", timeout=30) for _ in range(20)]
        await service.until(20)
        await asyncio.wait_for(service.server.stop(0.1), 10)
        codes = [await call.code() for call in held]
        assert set(codes) <= {grpc.StatusCode.CANCELLED, grpc.StatusCode.UNAVAILABLE}
    async with asyncio.timeout(10):
        while asyncio.all_tasks() - before:
            await asyncio.sleep(0.01)
    assert (service.held, service.cancelled) == (0, 20)


def test_untested_grpcio_uses_public_server_with_warning(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(SWITCH, "")
    monkeypatch.setattr(listener, "ACCEPT_LOOPS", replace(listener.ACCEPT_LOOPS, version="1.86.0"))
    with asyncio.Runner() as runner:
        assert isinstance(runner.run(new_listener()), PublicServer)
    output = capsys.readouterr().err
    assert "public_interface_used" in output
    assert "1.86.0" in output


async def new_listener() -> Any:
    return listener.listener([], Limits())


@pytest.mark.parametrize(
    ("version", "switch", "usable", "reason"),
    [
        ("1.85.0", "", True, "a tested version"),
        ("1.85.7", "0", True, "a patch release of a tested version"),
        ("1.86.0", "", False, "a later version"),
        ("1.8.5", "", False, "a version whose name begins alike"),
        ("1.850.0", "", False, "another whose name begins alike"),
        ("2.0.0.dev1", "", False, "a version of another form"),
        ("1.85.0", "1", False, "tests asked for public interfaces"),
    ],
)
def test_private_interface_is_used_with_tested_versions_only(
    version: str, switch: str, usable: bool, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SWITCH, switch)
    assert PrivateInterface("grpcio", version, ("1.85",), "slow").choose() is usable, reason
