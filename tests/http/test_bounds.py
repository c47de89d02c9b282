"""The limits of the HTTP port's transport, on an in-process listener."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import pytest
from aiohttp import web
from ecrkeeper_server.api.http import listener
from ecrkeeper_server.api.http.port import HttpPort
from ecrkeeper_server.api.layers.limits import Limits

from tests.edge.conftest import (
    Serve,
    serve,  # noqa: F401 - a fixture
)
from tests.http.web import CHECK, LIST, WATCH, wrapped

Ports = Callable[[Limits], AbstractAsyncContextManager[HttpPort]]


@pytest.fixture
def ports(serve: Serve) -> Ports:  # noqa: F811
    """Run an HTTP port beside a gRPC server with the given limits."""

    @contextlib.asynccontextmanager
    async def run(limits: Limits) -> AsyncIterator[HttpPort]:
        async with serve(limits) as running:
            port = HttpPort(running.built.table.handlers, limits, ())
            port.listen("127.0.0.1", 0, None)
            try:
                yield port
            finally:
                await port.stop(0)

    return run


class Raw:
    """A connection that sends any bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def open(cls, port: HttpPort) -> Raw:
        return cls(*await asyncio.open_connection("127.0.0.1", port.port))

    async def send(self, content: bytes) -> None:
        self.writer.write(content)
        with contextlib.suppress(ConnectionError):
            await self.writer.drain()

    async def status(self) -> int:
        """Return the status of the next answer; 0 if the connection is closed."""
        head = await self.head()
        return int(head.split()[1]) if head else 0

    async def head(self) -> bytes:
        try:
            head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 10)
        except (asyncio.IncompleteReadError, ConnectionError):
            return b""
        size = next((int(line.split()[1]) for line in head.split(b"\r\n") if b"content-length" in line.lower()), 0)
        await self.reader.readexactly(size)
        return head

    async def closed(self) -> bool:
        """Return whether the server closes the connection within seconds."""
        with contextlib.suppress(ConnectionError):
            return await asyncio.wait_for(self.reader.read(), 10) is not None
        return True

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()


def request(path: str = CHECK, body: bytes = b"{}", size: int | None = None, kind: str = "json", *more: str) -> bytes:
    """Return a request."""
    length = len(body) if size is None else size
    lines = (f"POST {path} HTTP/1.1", "Host: x", f"Content-Type: application/{kind}", "Connect-Protocol-Version: 1",
             f"Content-Length: {length}", *more, "", "")  # fmt: skip
    return "\r\n".join(lines).encode() + body


async def test_body_beyond_the_limit_is_rejected_unread(ports: Ports) -> None:
    async with ports(Limits(message_bytes=1000)) as port:
        announced = await Raw.open(port)
        await announced.send(request(LIST, b"", 1001))
        assert await announced.status() == 429, "before the first byte of the body"
        chunked = await Raw.open(port)
        await chunked.send(request(LIST, b"").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked"))
        await chunked.send(b"3e8\r\n" + b"a" * 1000 + b"\r\n1\r\na\r\n")
        assert await chunked.status() == 429
        fitting = await Raw.open(port)
        await fitting.send(request(LIST, b'{"parent": "accounts/-"}'.ljust(1000)))
        assert await fitting.status() == 200
        for each in (announced, chunked, fitting):
            await each.close()


async def test_body_that_expands_is_rejected(ports: Ports) -> None:
    async with ports(Limits()) as port:
        raw = await Raw.open(port)
        await raw.send(request(LIST, b"\x1f\x8b", None, "json", "Content-Encoding: gzip"))
        assert await raw.status() == 501
        await raw.close()


async def test_headers_beyond_the_limit_are_rejected(ports: Ports) -> None:
    async with ports(Limits(metadata_bytes=8192)) as port:
        for more in (["X-A: " + "a" * 9000], [f"X-{at}: {'a' * 300}" for at in range(30)], ["X: a"] * 100):
            raw = await Raw.open(port)
            await raw.send(request(CHECK, b"{}", None, "json", *more))
            assert await raw.status() in (400, 431), more[0][:10]
            await raw.close()
        raw = await Raw.open(port)
        await raw.send(request(CHECK, b"{}", None, "json", "X-A: " + "a" * 5000))
        assert await raw.status() == 200
        await raw.close()


async def test_connection_without_a_request_is_closed(ports: Ports, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "_HANDSHAKE_SECONDS", 0.3)
    async with ports(Limits()) as port:
        silent, half, working = [await Raw.open(port) for _ in range(3)]
        await half.send(request()[:40])
        await working.send(request())
        assert await working.status() == 200
        began = time.monotonic()
        assert await silent.closed()
        assert await half.closed()
        assert time.monotonic() - began < 5
        await working.send(request())
        assert await working.status() == 200, "a connection may rest between requests"
        for each in (silent, half, working):
            await each.close()


async def test_idle_connection_is_closed(ports: Ports, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "_IDLE_SECONDS", 0.3)
    async with ports(Limits()) as port:
        raw = await Raw.open(port)
        await raw.send(request())
        assert await raw.status() == 200
        await raw.send(request()[:40])
        assert await raw.closed(), "half of the next request does not keep it open"
        await raw.close()


async def test_connections_beyond_the_limit_are_closed(ports: Ports) -> None:
    async with ports(Limits(connections=3)) as port:
        kept = [await Raw.open(port) for _ in range(3)]
        await asyncio.sleep(0.1)
        beyond = await Raw.open(port)
        assert await beyond.closed()
        await kept[0].send(request())
        assert await kept[0].status() == 200
        await kept[1].close()
        await asyncio.sleep(0.1)
        reopened = await Raw.open(port)
        await reopened.send(request())
        assert await reopened.status() == 200
        for each in (*kept, beyond, reopened):
            await each.close()


async def test_old_connection_is_closed_after_its_answer(ports: Ports) -> None:
    async with ports(Limits(connection_seconds=0.1)) as port:
        raw = await Raw.open(port)
        await asyncio.sleep(0.2)
        await raw.send(request())
        assert b"connection: close" in (await raw.head()).lower()
        assert await raw.closed()
        await raw.close()


async def test_stream_ends_at_its_maximum_age(ports: Ports) -> None:
    async with ports(Limits(stream_seconds=0.3)) as port:
        raw = await Raw.open(port)
        await raw.send(request(WATCH, wrapped(b'{"parent": "accounts/-"}'), None, "connect+json"))
        await raw.head()
        content = await asyncio.wait_for(raw.reader.readuntil(b"0\r\n\r\n"), 10)
        assert b"STREAM_TOO_OLD" in content
        await raw.close()


async def test_calls_and_streams_share_the_limits_of_both_ports(ports: Ports) -> None:
    async with ports(Limits(burst_per_principal=3, rate_per_principal=0.001)) as port:
        raw = await Raw.open(port)
        for expected in (200, 200, 200, 429):
            await raw.send(request(LIST, b'{"parent": "accounts/-"}'))
            head = await raw.head()
            assert int(head.split()[1]) == expected
        assert b"\r\nRetry-After: " in head
        await raw.close()


async def test_conversion_of_large_json_counts_against_the_caller(ports: Ports) -> None:
    async with ports(Limits(cpu_per_principal=0.0001)) as port:
        raw = await Raw.open(port)
        await raw.send(request(LIST, b'{"parent": [' + b"{}," * 49_000 + b"{}]}"))
        assert await raw.status() == 400, "the first one runs, because its cost is not known before"
        await raw.send(request(LIST, b'{"parent": "accounts/-"}'))
        assert await raw.status() == 429
        await raw.close()


async def test_caller_that_does_not_read_is_disconnected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "_UNREAD_SECONDS", 1)

    async def large(_request: web.BaseRequest) -> web.Response:
        return web.Response(body=b"a" * 50_000_000)

    serving = listener.HttpListener(large, Limits())
    port = serving.listen("127.0.0.1", 0, None)
    try:
        with socket.create_connection(("127.0.0.1", port)) as silent:
            silent.sendall(request())
            await asyncio.sleep(0.2)
            assert serving.connections == 1
            async with asyncio.timeout(20):
                while serving.connections:
                    await asyncio.sleep(0.05)
    finally:
        await serving.stop(0)
