"""Connections to AWS: valid and invalid responses, and reuse."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import tracemalloc
from collections.abc import AsyncIterator

import pytest
import trustme
from ecrkeeper_server.aws.answers import InvalidAnswer
from ecrkeeper_server.aws.connection import MAX_ANSWER, MAX_HEAD, NoAnswer
from ecrkeeper_server.aws.transport import Address, Transport
from ecrkeeper_server.aws.wire import Credentials, Wire

REQUEST = b"POST / HTTP/1.1\r\nHost: aws\r\nContent-Length: 2\r\n\r\n{}"
GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

END = object()
"""The peer closes the connection."""


class Other:
    """The peer: for each request, the next of `script`, piece by piece."""

    def __init__(self, *script: tuple[object, ...]) -> None:
        self.script = list(script)
        self.connections = self.open = 0
        self.place = Address("127.0.0.1", 0, False)
        self.closed = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n{}")
                for piece in self.script.pop(0):
                    if piece is END:
                        return
                    if isinstance(piece, asyncio.Event):
                        await piece.wait()
                        continue
                    assert isinstance(piece, bytes)
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(0.001)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.open -= 1
            self.closed.set()
            writer.close()


@contextlib.asynccontextmanager
async def other(*script: tuple[object, ...], context: ssl.SSLContext | None = None) -> AsyncIterator[Other]:
    peer = Other(*script)
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0, ssl=context)
    async with server:
        peer.place = Address("127.0.0.1", server.sockets[0].getsockname()[1], context is not None)
        yield peer


@contextlib.contextmanager
def transport(seconds: float = 10.0, connections: int = 4, context: ssl.SSLContext | None = None):
    opened = Transport(seconds, connections, context)
    try:
        yield opened
    finally:
        opened.close()


async def settle() -> None:
    """Let both sides process what has happened."""
    for _ in range(5):
        await asyncio.sleep(0.005)


ANSWERS = [
    ("with a length", (GOOD,), 200, b"{}", True),
    ("byte by byte", tuple(bytes([b]) for b in GOOD), 200, b"{}", True),
    ("without a body", (b"HTTP/1.1 204 No Content\r\n\r\n",), 204, b"", True),
    ("empty", (b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",), 400, b"", True),
    ("in chunks", (CHUNKED, b"1\r\n{\r\n", b"1;x=y\r\n}\r\n0\r\nTrailing: z\r\n\r\n"), 200, b"{}", True),
    ("after others", (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n", GOOD), 200, b"{}", True),
    ("that is the last", (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}",), 200, b"{}", False),
    ("of HTTP/1.0", (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",), 200, b"{}", False),
    ("to the end", (b"HTTP/1.1 200 OK\r\n\r\n{", b"}", END), 200, b"{}", False),
    ("and another", (GOOD + GOOD,), 200, b"{}", False),
    ("and more", (GOOD + b"more",), 200, b"{}", False),
]  # fmt: skip


@pytest.mark.parametrize(("pieces", "status", "body", "again"), [r[1:] for r in ANSWERS], ids=[r[0] for r in ANSWERS])
async def test_connection_is_reused_after_complete_response(
    pieces: tuple[object, ...], status: int, body: bytes, again: bool
) -> None:
    async with other(pieces, (GOOD,)) as peer:
        with transport() as client:
            answer = await client.exchange(peer.place, REQUEST)
            assert (answer.status, answer.body) == (status, body)
            assert "x" not in answer.headers
            assert "trailing" not in answer.headers
            assert (await client.exchange(peer.place, REQUEST)).body == b"{}"
            assert peer.connections == (1 if again else 2)


NO_ANSWERS = [
    ("nothing at all", (END,)),
    ("half a head", (b"HTTP/1.1 200 OK\r\nContent-Le", END)),
    ("half a body", (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}", END)),
    ("half of the chunks", (CHUNKED + b"2\r\n{}\r\n", END)),
    ("half of a chunk", (CHUNKED + b"5\r\n{}", END)),
    ("garbage", (b"\x00\x01 what is this\r\n\r\n",)),
    ("another protocol", (b"220 mail ESMTP\r\n",)),
    ("two lengths", (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",)),
    ("a length and chunks", (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",)),
    ("a length that is none", (b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}",)),
    ("another protocol from now on", (b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",)),
    ("a head without end", (b"HTTP/1.1 200 OK\r\n", *(b"X: " + b"y" * 8000 + b"\r\n",) * (MAX_HEAD // 8000 + 2))),
    ("one header without end", (b"HTTP/1.1 200 OK\r\nX: ", *(b"y" * 8000,) * (MAX_HEAD // 8000 + 2))),
    ("others without end", (b"HTTP/1.1 100 Continue\r\n\r\n" * 4000,)),
]  # fmt: skip


@pytest.mark.parametrize("pieces", [row[1] for row in NO_ANSWERS], ids=[row[0] for row in NO_ANSWERS])
async def test_non_http_response_is_an_error_and_closes_connection(pieces: tuple[object, ...]) -> None:
    async with other(pieces, (GOOD,)) as peer:
        with transport() as client:
            with pytest.raises((NoAnswer, ConnectionError)):
                await client.exchange(peer.place, REQUEST)
            await asyncio.wait_for(peer.closed.wait(), 5)
            assert (await client.exchange(peer.place, REQUEST)).body == b"{}"
            assert peer.connections == 2


async def test_oversized_response_is_not_buffered() -> None:
    piece = b"f4240\r\n" + b"x" * 1_000_000 + b"\r\n"
    async with other((CHUNKED, *(piece,) * (MAX_ANSWER // len(piece) + 2))) as peer:
        with transport() as client, pytest.raises(InvalidAnswer):
            await client.exchange(peer.place, REQUEST)


async def test_response_announcing_too_much_is_not_read() -> None:
    never = asyncio.Event()
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (MAX_ANSWER + 1)
    async with other((head, never)) as peer:
        with transport() as ours, pytest.raises(InvalidAnswer):
            await ours.exchange(peer.place, REQUEST)
        never.set()


async def test_headers_are_case_insensitive_and_joined() -> None:
    answer = b"HTTP/1.1 200 OK\r\nX-Amzn-RequestId: abc\r\nVia: a\r\nVIA: b\r\nEmpty:\r\nContent-Length: 0\r\n\r\n"
    async with other((answer,)) as peer:
        with transport() as client:
            headers = (await client.exchange(peer.place, REQUEST)).headers
    assert headers == {"x-amzn-requestid": "abc", "via": "a, b", "empty": "", "content-length": "0"}


async def test_unsolicited_response_closes_connection() -> None:
    early = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfalse"
    async with other((GOOD, early), (GOOD,)) as peer:
        with transport() as client:
            await client.exchange(peer.place, REQUEST)
            await settle()
            assert (await client.exchange(peer.place, REQUEST)).body == b"{}"
            assert peer.connections == 2


async def test_closed_connection_is_not_reused() -> None:
    async with other((GOOD, END), (GOOD,)) as peer:
        with transport() as client:
            await client.exchange(peer.place, REQUEST)
            await settle()
            assert (await client.exchange(peer.place, REQUEST)).body == b"{}"
            assert peer.connections == 2


async def test_late_response_is_never_used_for_another_request() -> None:
    late = asyncio.Event()
    async with other((late, GOOD), (GOOD,)) as peer:
        with transport(seconds=0.1) as client:
            with pytest.raises(TimeoutError):
                await client.exchange(peer.place, REQUEST)
            late.set()
            assert (await client.exchange(peer.place, REQUEST)).body == b"{}"
            assert peer.connections == 2


async def test_cancelled_caller_closes_connection() -> None:
    never = asyncio.Event()
    async with other((never,), (GOOD,)) as peer:
        with transport() as client:
            asking = asyncio.create_task(client.exchange(peer.place, REQUEST))
            await settle()
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            never.set()
            await asyncio.wait_for(peer.closed.wait(), 5)
            await client.exchange(peer.place, REQUEST)
            assert peer.connections == 2


async def test_connections_per_pool_are_bounded() -> None:
    go = asyncio.Event()
    async with other(*[(go, GOOD)] * 10) as peer:
        with transport(connections=3) as client:
            asking = [asyncio.create_task(client.exchange(peer.place, REQUEST)) for _ in range(10)]
            await settle()
            assert peer.open == 3
            go.set()
            assert [(await one).body for one in asking] == [b"{}"] * 10
            assert peer.connections == 3


async def test_idle_connections_are_bounded_over_hosts() -> None:
    async with other((GOOD,)) as a, other((GOOD,)) as b, other((GOOD,)) as c:
        with transport(connections=2) as client:
            for peer in (a, b, c):
                await client.exchange(peer.place, REQUEST)
            await settle()
            assert a.open + b.open + c.open == 2


async def test_unreachable_address_is_a_network_error() -> None:
    async with other() as peer:
        place = peer.place
    with transport() as client, pytest.raises(OSError):
        await client.exchange(place, REQUEST)


def contexts(name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    authority = trustme.CA()
    server_context, client_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert(name).configure_cert(server_context)
    authority.configure_trust(client_context)
    return server_context, client_context


async def test_peer_is_verified_by_certificate() -> None:
    server_context, context = contexts("127.0.0.1")
    async with other((GOOD,), (GOOD,), context=server_context) as peer:
        with transport(context=context) as client:
            for _ in range(2):
                assert (await client.exchange(peer.place, REQUEST)).body == b"{}"
            assert peer.connections == 1


@pytest.mark.parametrize("trusted", [True, False])
async def test_certificate_of_other_name_or_authority_is_rejected(trusted: bool) -> None:
    server_context, context = contexts("api.ecr.us-east-1.amazonaws.com" if trusted else "127.0.0.1")
    async with other((GOOD,), context=server_context) as peer:
        with transport(context=context if trusted else ssl.create_default_context()) as client:
            with pytest.raises(ssl.SSLCertVerificationError):
                await client.exchange(peer.place, REQUEST)
            assert len(peer.script) == 1, "nothing was sent"


@pytest.mark.parametrize("text", ["a\r\nX-Amz-Target: other", "a\nb", "a\rb"])
def test_header_injection_is_rejected(text: str) -> None:
    prepared = Wire().prepare("ecr", "us-east-1", "DescribeRegistry", {}, Credentials("key", "secret", text))
    with pytest.raises(ValueError):
        prepared.encode()


ENDPOINTS = [
    (None, Address("api.ecr.us-east-1.amazonaws.com", 443, True), "api.ecr.us-east-1.amazonaws.com", "/"),
    ("http://127.0.0.1:4566", Address("127.0.0.1", 4566, False), "127.0.0.1:4566", "/"),
    ("https://aws.example:443/", Address("aws.example", 443, True), "aws.example", "/"),
    ("http://[::1]:4566/ecr", Address("::1", 4566, False), "[::1]:4566", "/ecr/"),
]


@pytest.mark.parametrize(("url", "place", "host", "target"), ENDPOINTS)
def test_requests_use_the_endpoint(url: str | None, place: Address, host: str, target: str) -> None:
    prepared = Wire(url).prepare("ecr", "us-east-1", "DescribeRegistry", {}, Credentials("key", "secret"))
    assert (prepared.address, prepared.headers["Host"], prepared.target) == (place, host, target)
    assert prepared.encode().endswith(b"\r\nContent-Length: 2\r\n\r\n{}")


async def test_connecting_times_out() -> None:
    # Nobody accepts, and only one connection may wait for that.
    with socket.socket() as deaf, socket.socket() as first, transport(seconds=0.2) as client:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        first.connect(deaf.getsockname())
        tls = Address(*deaf.getsockname(), tls=True)
        for place in (Address(*deaf.getsockname(), tls=False), tls):
            with pytest.raises(TimeoutError):
                await client.exchange(place, REQUEST)


async def test_fence_runs_after_connecting_and_can_stop_the_request() -> None:
    async with other((GOOD,), (GOOD,)) as aws:
        with transport(connections=1) as calls:
            held, fenced = True, 0

            async def fence() -> None:
                nonlocal fenced
                fenced += 1
                if not held:
                    raise PermissionError

            gate = asyncio.Event()

            async def slow() -> None:
                await gate.wait()

            first = asyncio.create_task(calls.exchange(aws.place, REQUEST, slow))
            second = asyncio.create_task(calls.exchange(aws.place, REQUEST, fence))
            while not aws.connections:
                await asyncio.sleep(0.001)
            assert fenced == 0, "it waits for the only connection"
            held = False
            gate.set()
            assert (await first).status == 200
            with pytest.raises(PermissionError):
                await second
            assert (fenced, len(aws.script)) == (1, 1), "nothing was sent"
            held = True
            assert (await calls.exchange(aws.place, REQUEST, fence)).status == 200
            assert aws.connections == 1


async def test_idle_connection_keeps_no_answer() -> None:
    body = b"x" * 4_000_000
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    async with other((answer,)) as peer:
        with transport() as pool:
            tracemalloc.start()
            try:
                assert len((await pool.exchange(peer.place, REQUEST)).body) == len(body)
                await settle()
                kept = sum(trace.size for trace in tracemalloc.take_snapshot().traces if trace.size >= 1_000)
            finally:
                tracemalloc.stop()
    assert kept < 1_000_000
