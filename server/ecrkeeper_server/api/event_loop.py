"""The event loop of the server: uvloop, in which gRPC's events do not pile up.

For each event of its core, grpc.aio writes a byte into a socket. In each iteration, the loop reads one byte and handles
all events until then, so while iterations are long, bytes remain. The socket holds some 280 of them. The thread that
passes events on then blocks, and an event waits for as many iterations.

- Benefit: beside large calls of other callers, a Get takes 0.1 s instead of 3 s.
- Upstream: grpc/grpc#22259 made the socket, and grpc/grpc#42357 is about the same read; no issue about the delay is
  known.
- Tested with grpcio 1.85; `WAKEUPS` names the versions. The class of grpc.aio's callback is recognized by its name.
- With any other version, and in tests, the server runs uvloop's own event loop instead and logs a warning.
- `tests/edge/test_event_loop.py` runs both, and notices another name of the class.
- Delete this module when the oldest supported grpcio reads all bytes.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from functools import partial
from typing import Any

import grpc
import uvloop

from ecrkeeper_server.private_interfaces import PrivateInterface

WAKEUPS = PrivateInterface(
    "grpcio",
    grpc.__version__,
    ("1.85",),
    "beside large calls, events of gRPC wait for many iterations of the event loop",
)

_MANY = 64 * 1024


def new_event_loop() -> asyncio.AbstractEventLoop:
    """Return the event loop for the installed version of grpcio."""
    return EventLoop() if WAKEUPS.choose() else uvloop.new_event_loop()


class EventLoop(uvloop.Loop):
    """uvloop's event loop, which empties grpc.aio's socket in one iteration."""

    def add_reader(self, fd: Any, callback: Callable[..., Any], *args: Any) -> None:  # type: ignore[override]
        """Call a function whenever a descriptor is readable."""
        if isinstance(fd, socket.socket) and handles_grpc_events(callback):
            callback = emptying(fd, callback)
        super().add_reader(fd, callback, *args)


def handles_grpc_events(callback: Callable[..., Any]) -> bool:
    """Return whether grpc.aio handles the events of its core by this function."""
    method = callback.func if isinstance(callback, partial) else callback
    return type(getattr(method, "__self__", None)).__name__ == "PollerCompletionQueue"


def emptying(wakeups: socket.socket, handle: Callable[..., Any]) -> Callable[..., None]:
    """Return a function that reads all bytes of a socket but one.

    `handle` reads the last byte itself. An event is there before its byte, so `handle` still sees
    every event.
    """

    def call(*args: Any) -> None:
        try:
            waiting = len(wakeups.recv(_MANY, socket.MSG_PEEK | socket.MSG_DONTWAIT))
        except BlockingIOError:
            # Without a byte, `handle` would block the loop.
            return
        if waiting > 1:
            wakeups.recv(waiting - 1)
        handle(*args)

    return call
