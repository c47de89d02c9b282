"""A minimal gRPC client that writes HTTP/2 frames itself, a cheap load generator.

grpc.aio's client costs as much CPU as the measured server, and would hide differences between
servers. This client supports only successful calls: an answer is a message followed by trailers,
and a call without a message counts as failed (it does not read the trailers).
"""

from __future__ import annotations

import asyncio
import struct
from collections import deque
from collections.abc import Callable
from typing import Any

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _RESET, _SETTINGS, _PING, _GOAWAY, _WINDOW = 0, 1, 3, 4, 6, 7, 8
_END_STREAM, _END_HEADERS, _ACK = 1, 4, 1
_MAX = 0x7FFFFFFF
_INITIAL_WINDOW = 65_535
# The default maximum of a peer, by RFC 9113.
_LONGEST_FRAME = 16_384

Done = Callable[[bytes], None]


def _frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + bytes((kind, flags)) + struct.pack(">I", stream) + payload


def _text(value: str) -> bytes:
    if len(value) > 126:
        raise ValueError(f"longer than one byte of HPACK length holds: {value!r}")
    return bytes((len(value),)) + value.encode()


def headers(path: str) -> bytes:
    """Return the HPACK block of a method's calls, which uses no tables."""
    return (
        b"\x83\x86"  # :method POST, :scheme http
        + b"\x04"
        + _text(path)
        + b"\x01"
        + _text("localhost")
        + b"\x0f\x10"
        + _text("application/grpc")
        + b"\x00"
        + _text("te")
        + _text("trailers")
    )


class Channel(asyncio.Protocol):
    """One connection with any number of calls on it."""

    def __init__(self) -> None:
        self.failed = 0
        self._transport: Any = None
        self._buffer = b""
        self._next = 1
        self._window = _INITIAL_WINDOW
        self._waiting: deque[tuple[bytes, int]] = deque()
        self._calls: dict[int, tuple[bytearray, Done, Callable[[int], None] | None]] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the preface, and open the flow-control window."""
        self._transport = transport
        windows = struct.pack(">HI", 4, _MAX)
        self._transport.write(
            _PREFACE
            + _frame(_SETTINGS, 0, 0, windows)
            + _frame(_WINDOW, 0, 0, struct.pack(">I", _MAX - _INITIAL_WINDOW))
        )

    def call(self, head: bytes, message: bytes, done: Done, on_data: Callable[[int], None] | None = None) -> None:
        """Send a call.

        `done` gets the answer's bytes when it has ended, `heard` the size of each part that
        arrives.
        """
        stream, self._next = self._next, self._next + 2
        self._calls[stream] = (bytearray(), done, on_data)
        body = b"\x00" + struct.pack(">I", len(message)) + message
        if len(body) > _INITIAL_WINDOW:
            raise ValueError(f"longer than the window of a stream: {len(body)} bytes")
        frames = _frame(_HEADERS, _END_HEADERS, stream, head)
        for at in range(0, len(body), _LONGEST_FRAME):
            last = at + _LONGEST_FRAME >= len(body)
            frames += _frame(_DATA, _END_STREAM if last else 0, stream, body[at : at + _LONGEST_FRAME])
        # Flow control counts the payload of DATA, and nothing else.
        self._waiting.append((frames, len(body)))
        self._flush()

    def _flush(self) -> None:
        while self._waiting and self._window >= self._waiting[0][1]:
            frames, size = self._waiting.popleft()
            self._window -= size
            self._transport.write(frames)

    def data_received(self, data: bytes) -> None:
        """Process every complete frame."""
        buffer = self._buffer + data if self._buffer else data
        at = 0
        while len(buffer) - at >= 9:
            size = int.from_bytes(buffer[at : at + 3], "big")
            if len(buffer) - at - 9 < size:
                break
            stream = int.from_bytes(buffer[at + 5 : at + 9], "big")
            self._take(buffer[at + 3], buffer[at + 4], stream, buffer[at + 9 : at + 9 + size])
            at += 9 + size
        self._buffer = buffer[at:]

    def _take(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if kind == _DATA:
            call = self._calls.get(stream)
            if call is not None:
                call[0].extend(payload)
                if call[2] is not None:
                    call[2](len(payload))
        elif (kind == _HEADERS and flags & _END_STREAM) or kind == _RESET:
            self._end(stream)
        elif kind == _SETTINGS and not flags & _ACK:
            self._transport.write(_frame(_SETTINGS, _ACK, 0))
        elif kind == _PING and not flags & _ACK:
            self._transport.write(_frame(_PING, _ACK, 0, payload))
        elif kind == _WINDOW and stream == 0:
            self._window += int.from_bytes(payload, "big")
            self._flush()
        elif kind == _GOAWAY:
            for open_stream in list(self._calls):
                self._end(open_stream)

    def _end(self, stream: int) -> None:
        call = self._calls.pop(stream, None)
        if call is None:
            return
        # Five bytes of gRPC's own frame come before the message.
        message = bytes(call[0][5:])
        if not call[0]:
            self.failed += 1
        call[1](message)

    def connection_lost(self, exc: Exception | None) -> None:
        """End every call that is open."""
        for stream in list(self._calls):
            self._end(stream)

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()


async def connect(address: str, source: str | None = None) -> Channel:
    """Return a channel to `HOST:PORT`.

    With another local address it is another caller.
    """
    host, _, port = address.rpartition(":")
    local = (source, 0) if source else None
    _, channel = await asyncio.get_running_loop().create_connection(Channel, host, int(port), local_addr=local)
    return channel
