"""Whole calls of ECR by one way of sending them.

Run as `python -m benchmarks.callers WAY URL`.

`own` and `aiohttp` differ in the transport alone: the same wire signs the requests and reads the answers, on uvloop,
with a deadline for each call. `boto3` is a client of its own, called on threads.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import aiohttp
import boto3
import uvloop
from botocore.config import Config
from ecrkeeper_server.aws.answers import InvalidAnswer
from ecrkeeper_server.aws.connection import MAX_ANSWER, Response
from ecrkeeper_server.aws.transport import Transport
from ecrkeeper_server.aws.wire import Credentials, Wire
from yarl import URL

from benchmarks.processes import answer, orders, orders_while_running
from benchmarks.responder import OPERATIONS

_AT_ONCE = 32
_SECONDS = 10.0
_KEYS = Credentials("100000000000", "secret", "token")

Send = Callable[[str], Awaitable[Any]]


def own(wire: Wire) -> Send:
    """Return a call over the server's own connections."""
    transport = Transport(_SECONDS, _AT_ONCE)

    async def send(operation: str) -> Any:
        prepared = wire.prepare("ecr", "us-east-1", operation, {}, _KEYS)
        return wire.read("ecr", operation, await transport.exchange(prepared.address, prepared.encode()))

    return send


def with_aiohttp(wire: Wire, url: str) -> Send:
    """Return a call over a session of aiohttp, with the same limits where it has them."""
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=_AT_ONCE), auto_decompress=False,
        timeout=aiohttp.ClientTimeout(total=_SECONDS), cookie_jar=aiohttp.DummyCookieJar(),
    )  # fmt: skip
    target = URL(url) / ""

    async def send(operation: str) -> Any:
        prepared = wire.prepare("ecr", "us-east-1", operation, {}, _KEYS)
        async with session.request(
            prepared.method, target, data=prepared.body, headers=prepared.headers, allow_redirects=False
        ) as answer:
            if (answer.content_length or 0) > MAX_ANSWER:
                raise InvalidAnswer("too long")
            headers = {name.lower(): value for name, value in answer.headers.items()}
            response = Response(answer.status, headers, await answer.read())
        return wire.read("ecr", operation, response)

    return send


async def _on_loop(way: str, url: str) -> None:
    wire = Wire(url)
    send = own(wire) if way == "own" else with_aiohttp(wire, url)
    async for order in orders_while_running():
        began = time.monotonic()
        operations = itertools.islice(itertools.cycle(OPERATIONS), order["calls"])

        async def work(operations: Any = operations) -> None:
            for operation in operations:
                await send(operation)

        await asyncio.gather(*(work() for _ in range(_AT_ONCE)))
        answer(units=order["calls"], seconds=time.monotonic() - began)


def _on_threads(url: str) -> None:
    client = boto3.Session(_KEYS.access_key, _KEYS.secret_key, _KEYS.token, "us-east-1").client(
        "ecr", endpoint_url=url, config=Config(max_pool_connections=_AT_ONCE)
    )
    methods = [
        client.get_registry_policy, client.get_registry_scanning_configuration,
        client.describe_pull_through_cache_rules,
    ]  # fmt: skip
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for order in orders():
            began = time.monotonic()
            chosen = itertools.islice(itertools.cycle(methods), order["calls"])
            list(pool.map(lambda method: method(), chosen))
            answer(units=order["calls"], seconds=time.monotonic() - began)


if __name__ == "__main__":
    if sys.argv[1] == "boto3":
        _on_threads(sys.argv[2])
    else:
        uvloop.run(_on_loop(sys.argv[1], sys.argv[2]))
