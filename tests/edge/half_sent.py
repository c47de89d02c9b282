"""Incomplete requests, from a client with minimal HTTP/2."""

from __future__ import annotations

import asyncio
import contextlib
import struct

_DATA, _HEADERS, _RESET, _SETTINGS, _PING, _WINDOW = 0, 1, 3, 4, 6, 8
_HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_FRAME = 16_384


def _frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def _header(name: str, value: str) -> bytes:
    return b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()


class HalfSent:
    """A connection whose calls send a large request except its end."""

    def __init__(self, host: str, port: int, source: str) -> None:
        self._address = (host, port, source)
        self._window = self._initial = 65_535
        self._windows: dict[int, int] = {}
        self._left: dict[int, int] = {}
        self._next = 1
        self.sent = 0
        self.ended: set[int] = set()

    async def __aenter__(self) -> HalfSent:
        host, port, source = self._address
        self._reader, self._writer = await asyncio.open_connection(host, port, local_addr=(source, 0))
        self._writer.write(_HELLO + _frame(_SETTINGS, 0, 0))
        self._reading = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._reading.cancel()
        self._writer.close()

    def start(self, path: str, size: int) -> None:
        """Start a call with a request of this many bytes."""
        stream, self._next = self._next, self._next + 2
        sent = [(":path", path), (":authority", "x"), ("te", "trailers"), ("content-type", "application/grpc")]
        # POST and http are in the static table.
        self._writer.write(_frame(_HEADERS, 4, stream, b"\x83\x86" + b"".join(_header(*pair) for pair in sent)))
        self._windows[stream], self._left[stream] = self._initial, size - 10
        self._send(stream, struct.pack(">BI", 0, size))
        self._pump()

    def _send(self, stream: int, content: bytes) -> None:
        self._writer.write(_frame(_DATA, 0, stream, content))
        self._window -= len(content)
        self._windows[stream] -= len(content)
        self.sent += len(content)

    def _pump(self) -> None:
        for stream in self._left:
            while (size := min(self._window, self._windows[stream], self._left[stream], _FRAME)) > 0:
                self._left[stream] -= size
                self._send(stream, bytes(size))

    async def _read(self) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await self._reader.readexactly(9)
                payload = await self._reader.readexactly(int.from_bytes(head[:3], "big"))
                self._take(head[3], head[4], int.from_bytes(head[5:], "big"), payload)
                self._pump()

    def _take(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if kind == _WINDOW and stream == 0:
            self._window += int.from_bytes(payload, "big")
        elif kind == _WINDOW and stream in self._windows:
            self._windows[stream] += int.from_bytes(payload, "big")
        elif kind == _SETTINGS and not flags & 1:
            settings = dict(struct.iter_unpack(">HI", payload))
            more = settings.get(4, self._initial) - self._initial
            self._initial += more
            self._windows = {each: window + more for each, window in self._windows.items()}
            self._writer.write(_frame(_SETTINGS, 1, 0))
        elif kind == _PING and not flags & 1:
            self._writer.write(_frame(_PING, 1, 0, payload))
        elif kind == _RESET or (kind == _HEADERS and flags & 1):
            self.ended.add(stream)
            self._left.pop(stream, None)
