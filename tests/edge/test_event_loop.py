"""The event loop reads all wake-ups of grpc.aio's socket at once."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from functools import partial
from typing import Any

import grpc.aio
import pytest
import uvloop
from ecrkeeper_server.api import event_loop
from ecrkeeper_server.api.event_loop import EventLoop, emptying, handles_grpc_events, new_event_loop
from ecrkeeper_server.private_interfaces import SWITCH, PrivateInterface

CALLS = b",".join(b"%d" % number for number in range(500))


class Noting(EventLoop):
    """Notes the callbacks of readers."""

    def __init__(self) -> None:
        super().__init__()
        self.readers: list[Callable[..., Any]] = []

    def add_reader(self, fd: Any, callback: Callable[..., Any], *args: Any) -> None:
        self.readers.append(callback)
        super().add_reader(fd, callback, *args)


async def _serve_a_call() -> bytes:
    async def echo(request: bytes, _context: object) -> bytes:
        return request

    server = grpc.aio.server()
    handler = grpc.method_handlers_generic_handler("s", {"m": grpc.unary_unary_rpc_method_handler(echo)})
    server.add_generic_rpc_handlers([handler])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        calls = [channel.unary_unary("/s/m")(b"%d" % number) for number in range(500)]
        answers = [await call for call in calls]
    await server.stop(0)
    return b",".join(answers)


def test_callback_of_grpc_is_recognized_and_loses_no_event() -> None:
    with asyncio.Runner(loop_factory=Noting) as runner:
        assert runner.run(_serve_a_call()) == CALLS
        loop = runner.get_loop()
        assert isinstance(loop, Noting)
        # A name that changed would bring back waits of seconds: update `event_loop`.
        assert any(map(handles_grpc_events, loop.readers))


@pytest.mark.parametrize(
    ("version", "switch", "loop_class", "reason"),
    [
        ("1.85.1", "", EventLoop, "a tested version"),
        ("1.86.0", "", uvloop.Loop, "an untested version"),
        ("1.85.1", "1", uvloop.Loop, "tests asked for public interfaces"),
    ],
)
def test_event_loop_depends_on_the_version_of_grpcio(
    version: str, switch: str, loop_class: type, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SWITCH, switch)
    monkeypatch.setattr(event_loop, "WAKEUPS", PrivateInterface("grpcio", version, ("1.85",), "slow"))
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        assert type(runner.get_loop()) is loop_class, reason
        assert runner.run(_serve_a_call()) == CALLS, "each loop serves gRPC"


def test_installed_grpcio_is_a_tested_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SWITCH, raising=False)
    assert event_loop.WAKEUPS.usable


def test_other_callbacks_are_called_as_they_are() -> None:
    assert not handles_grpc_events(print)
    assert not handles_grpc_events(partial(print, "text"))


def test_all_wakeups_but_one_are_read_before_the_events() -> None:
    reads, writes = socket.socketpair()
    unread: list[bytes] = []
    with reads, writes:
        handle = emptying(reads, lambda: unread.append(reads.recv(10)))
        for count in (1, 2, 200):
            writes.send(b"1" * count)
            handle()
    assert unread == [b"1", b"1", b"1"]


def test_wakeup_that_was_read_already_is_no_error() -> None:
    """Two readers of one socket, or a spurious readiness."""
    reads, writes = socket.socketpair()
    called: list[int] = []
    with reads, writes:
        emptying(reads, lambda: called.append(1))()
    assert called == []
