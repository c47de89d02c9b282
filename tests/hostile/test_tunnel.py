"""Calls through a proxy: opened, forwarded, rejected, and bypassing connections."""

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
from ecrkeeper_server.aws.wire import Credentials, Wire

REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass
class World:
    """A TLS server, a proxy with this answer to CONNECT, and its requests."""

    trusted: ssl.SSLContext
    server: int = 0
    proxy: int = 0
    answer: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n"
    requests: list[bytes] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(ANSWER)
        writer.close()

    async def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.requests.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(self.answer)
        if b" 200 " in self.answer:
            upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", self.server)
            await asyncio.gather(copy(reader, upstream_writer), copy(upstream_reader, writer))
        writer.close()

    async def call(self, variables: dict[str, str], *, is_proxy: bool = False) -> bytes:
        transport = Transport(5, 4, self.trusted, proxy=aws_environment(variables).proxy)
        address = Address("localhost", self.server, tls=True, is_proxy=is_proxy)
        try:
            for _ in range(2):
                response = await transport.exchange(address, REQUEST)
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
    created = World(trusted)
    server = await asyncio.start_server(created.serve, "127.0.0.1", 0, ssl=own)
    proxy = await asyncio.start_server(created.connect, "127.0.0.1", 0)
    created.server, created.proxy = (each.sockets[0].getsockname()[1] for each in (server, proxy))
    yield created
    server.close()
    proxy.close()


async def test_connection_opens_one_tunnel_through_proxy(world: World) -> None:
    assert await world.call({"HTTPS_PROXY": f"http://us%40er:p%3Ass@127.0.0.1:{world.proxy}"}) == b"ok"
    (request,) = world.requests
    assert request.startswith(f"CONNECT localhost:{world.server} HTTP/1.1\r\n".encode())
    assert b"Proxy-Authorization: Basic dXNAZXI6cDpzcw==" in request


@pytest.mark.parametrize("excluded", ["localhost", "*", ".example,localhost", "LOCALHOST"])
async def test_call_to_an_excluded_host_is_direct(world: World, excluded: str) -> None:
    assert await world.call({"https_proxy": f"127.0.0.1:{world.proxy}", "no_proxy": excluded}) == b"ok"
    assert not world.requests


async def test_proxy_with_tls_is_reached_without_the_other_proxy(world: World) -> None:
    assert await world.call({"HTTPS_PROXY": f"http://127.0.0.1:{world.proxy}"}, is_proxy=True) == b"ok"
    assert not world.requests


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
async def test_call_fails_if_proxy_opens_no_tunnel(world: World, answer: bytes, reason: str) -> None:
    world.answer = answer
    with pytest.raises(NoAnswer):
        await world.call({"HTTPS_PROXY": f"http://127.0.0.1:{world.proxy}"})


PLAIN = {"ecr": "http://vpce.example:8080/path", "iam": "https://iam.example", "sts": "http://[::1]:99"}


@pytest.mark.parametrize(
    ("variables", "service", "address", "target", "reason"),
    [
        ({}, "ecr", Address("vpce.example", 8080, False), "/path/", "no proxy"),
        (
            {"HTTP_PROXY": "http://proxy.example:3128"}, "ecr", Address("proxy.example", 3128, False, is_proxy=True),
            "http://vpce.example:8080/path/", "a proxy for plaintext",
        ),
        (
            {"http_proxy": "proxy.example"}, "sts", Address("proxy.example", 80, False, is_proxy=True), "http://[::1]:99/",
            "a proxy without scheme and port",
        ),
        (
            {"HTTP_PROXY": "https://proxy.example"}, "ecr", Address("proxy.example", 443, True, is_proxy=True),
            "http://vpce.example:8080/path/", "a proxy that is itself reached with TLS",
        ),
        ({"HTTP_PROXY": "http://proxy.example"}, "iam", Address("iam.example", 443, True), "/", "an endpoint with TLS"),
        ({"HTTPS_PROXY": "http://proxy.example"}, "ecr", Address("vpce.example", 8080, False), "/path/", "for TLS only"),
        (
            {"HTTP_PROXY": "http://proxy.example", "NO_PROXY": ".example"}, "ecr",
            Address("vpce.example", 8080, False), "/path/", "an excluded host",
        ),
        (
            {"http_proxy": "", "HTTP_PROXY": "http://proxy.example"}, "ecr",
            Address("vpce.example", 8080, False), "/path/", "an empty variable disables the one in upper case",
        ),
        (
            {"HTTP_PROXY": "http://proxy.example", "no_proxy": "", "NO_PROXY": ".example"}, "ecr",
            Address("proxy.example", 80, False, is_proxy=True), "http://vpce.example:8080/path/",
            "an empty list in lower case precedes the one in upper case",
        ),
        (
            {"HTTP_PROXY": "http://proxy.example", "NO_PROXY": "[::1]"}, "sts",
            Address("::1", 99, False), "/", "an excluded IPv6 address in brackets",
        ),
        (
            {"HTTP_PROXY": "http://proxy.example", "NO_PROXY": "::1"}, "sts",
            Address("::1", 99, False), "/", "an excluded IPv6 address",
        ),
    ],
)  # fmt: skip
def test_plaintext_request_names_its_host_to_a_proxy(
    variables: dict[str, str], service: str, address: Address, target: str, reason: str
) -> None:
    environment = {f"AWS_ENDPOINT_URL_{name.upper()}": url for name, url in PLAIN.items()} | variables
    operation, params = {
        "ecr": ("DescribeRegistry", {}), "iam": ("GetRole", {"RoleName": "r"}), "sts": ("GetCallerIdentity", {}),
    }[service]  # fmt: skip
    wire = Wire(environment=aws_environment(environment))
    prepared = wire.prepare(service, "eu-west-1", operation, params, Credentials("a", "b"))
    assert (prepared.address, prepared.target) == (address, target), reason
    assert prepared.headers["Host"] in PLAIN[service], "it is signed for the endpoint"


async def test_plaintext_call_goes_through_the_proxy_with_its_credentials() -> None:
    requests: list[bytes] = []

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            while True:
                requests.append(await reader.readuntil(b"\r\n\r\n{}"))
                writer.write(ANSWER)
        writer.close()

    server = await asyncio.start_server(forward, "127.0.0.1", 0)
    async with server:
        proxy = f"http://us%40er:p%3Ass@127.0.0.1:{server.sockets[0].getsockname()[1]}"
        environment = aws_environment({"AWS_ENDPOINT_URL": "http://aws.example", "HTTP_PROXY": proxy})
        prepared = Wire(environment=environment).prepare(
            "ecr", "eu-west-1", "DescribeRegistry", {}, Credentials("a", "b")
        )
        transport = Transport(5, 4, proxy=environment.proxy)
        for _ in range(2):
            assert (await transport.exchange(prepared.address, prepared.encode())).body == b"ok"
        transport.close()
    assert len(requests) == 2
    assert requests[0].startswith(b"POST http://aws.example/ HTTP/1.1\r\nHost: aws.example\r\n")
    assert b"\r\nProxy-Authorization: Basic dXNAZXI6cDpzcw==\r\n" in requests[0]
    assert b"Proxy-Authorization" not in str(prepared).encode()
    assert b"proxy-authorization" not in requests[0].split(b"SignedHeaders=")[1].split(b",")[0]
