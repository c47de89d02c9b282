"""Calls through a proxy: what it opens, what it refuses, and what does not go through it."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
import trustme
from ecrkeeper_server.aws.connection import NoAnswer
from ecrkeeper_server.aws.environment import aws_environment
from ecrkeeper_server.aws.transport import Address, Transport

REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass
class World:
    """A server with TLS, a proxy that gives this answer to CONNECT, and what was asked of the proxy."""

    trusted: ssl.SSLContext
    server: int = 0
    proxy: int = 0
    answer: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n"
    asked: list[bytes] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(ANSWER)
        writer.close()

    async def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(self.answer)
        if b" 200 " in self.answer:
            there, back = await asyncio.open_connection("127.0.0.1", self.server)
            await asyncio.gather(copy(reader, back), copy(there, writer))
        writer.close()

    async def call(self, variables: dict[str, str]) -> bytes:
        transport = Transport(5, 4, self.trusted, proxy=aws_environment(variables).proxy)
        try:
            for _ in range(2):
                response = await transport.exchange(Address("localhost", self.server, tls=True), REQUEST)
            return response.body
        finally:
            transport.close()


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(4096):
            writer.write(data)
        writer.close()


@pytest.fixture
async def world() -> AsyncIterator[World]:
    authority = trustme.CA()
    trusted, own = ssl.create_default_context(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.configure_trust(trusted)
    authority.issue_cert("localhost").configure_cert(own)
    made = World(trusted)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0, ssl=own)
    proxy = await asyncio.start_server(made.connect, "127.0.0.1", 0)
    made.server, made.proxy = (each.sockets[0].getsockname()[1] for each in (server, proxy))
    yield made
    server.close()
    proxy.close()


async def test_call_goes_through_the_proxy_once_for_each_connection(world: World) -> None:
    assert await world.call({"HTTPS_PROXY": f"http://us%40er:p%3Ass@127.0.0.1:{world.proxy}"}) == b"ok"
    (asked,) = world.asked
    assert asked.startswith(f"CONNECT localhost:{world.server} HTTP/1.1\r\n".encode())
    assert b"Proxy-Authorization: Basic dXNAZXI6cDpzcw==" in asked


@pytest.mark.parametrize("excluded", ["localhost", "*", ".example,localhost", "LOCALHOST"])
async def test_call_to_an_excluded_host_is_direct(world: World, excluded: str) -> None:
    assert await world.call({"https_proxy": f"127.0.0.1:{world.proxy}", "no_proxy": excluded}) == b"ok"
    assert not world.asked


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "the proxy wants credentials"),
        (b"HTTP/1.1 200 OK\r\n\r\nmore", "something comes before TLS"),
        (b"SSH-2.0 200\r\n\r\n", "no answer of HTTP"),
        (b"x" * 70_000, "a head without end"),
        (b"", "the proxy hangs up"),
    ],
)
async def test_call_fails_where_the_proxy_opens_no_tunnel(world: World, answer: bytes, reason: str) -> None:
    world.answer = answer
    with pytest.raises(NoAnswer):
        await world.call({"HTTPS_PROXY": f"http://127.0.0.1:{world.proxy}"})
