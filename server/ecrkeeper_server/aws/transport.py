"""Connections to AWS: kept open, shared by all calls, bounded in number.

A call costs 3.3 times as much CPU with aiohttp in place of this module and `connection`, signing and reading included
(123 against 37 µs), and 22 times with boto3 on threads: `python -m benchmarks --only transport`. Use aiohttp instead
once that is below 1.1.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable

from msgspec import Struct

from ecrkeeper_server.aws.connection import Connection, Response
from ecrkeeper_server.aws.tunnel import open_tunnel

Fence = Callable[[], Awaitable[None]]

_CONNECT_SECONDS = 5.0
_IDLE_SECONDS = 30.0


class Address(Struct, frozen=True):
    """The address to connect to; no proxy stands before a proxy."""

    host: str
    port: int
    tls: bool
    is_proxy: bool = False


class Transport:
    """Exchanges requests for answers.

    `seconds` limit one exchange, including connecting and waiting for capacity.
    """

    def __init__(
        self,
        seconds: float,
        connections: int,
        context: ssl.SSLContext | None = None,
        tls: Callable[[], ssl.SSLContext] = ssl.create_default_context,
        proxy: Callable[[str, int], str] = lambda *_: "",
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._seconds = seconds
        self._max_idle = connections
        self._capacity = asyncio.Semaphore(connections)
        self._context = context
        self._make_context = tls
        self._proxy = proxy
        self._idle: dict[Address, list[Connection]] = {}
        self._count = 0
        self._cleaning: asyncio.TimerHandle | None = None
        self._closed = False

    async def exchange(self, address: Address, request: bytes, fence: Fence | None = None) -> Response:
        """Send a request and return its answer.

        Raises NoAnswer, TimeoutError or OSError; the request may then have had an effect.
        `fence` runs on an acquired connection, right before sending. Its exception
        prevents the request.
        """
        until = self._loop.time() + self._seconds
        connection = await self._acquire(address, until)
        try:
            if fence is not None:
                await fence()
            return await connection.exchange(request, until)
        finally:
            self._release(address, connection)

    async def _acquire(self, address: Address, until: float) -> Connection:
        if not self._capacity.locked() and (connection := self._last_used(address)):
            await self._capacity.acquire()
            return connection
        async with asyncio.timeout_at(until):
            await self._capacity.acquire()
            try:
                return self._last_used(address) or await self._connect(address)
            except BaseException:
                self._capacity.release()
                raise

    async def _connect(self, address: Address) -> Connection:
        context = self._tls() if address.tls else None
        name = address.host if address.tls else None
        proxy = self._proxy(address.host, address.port) if address.tls and not address.is_proxy else ""
        async with asyncio.timeout(_CONNECT_SECONDS):
            if context is not None and proxy:
                return await open_tunnel(proxy, address.host, address.port, context, Connection)
            _, connection = await self._loop.create_connection(
                Connection, address.host, address.port, ssl=context, server_hostname=name
            )
        return connection

    def _tls(self) -> ssl.SSLContext:
        # One context for all connections: loading certificates costs as much as twenty calls.
        if self._context is None:
            self._context = self._make_context()
        return self._context

    def _last_used(self, address: Address) -> Connection | None:
        """Return the last used connection, which the peer is least likely to have closed."""
        idle = self._idle.get(address, [])
        while idle:
            self._count -= 1
            connection = idle.pop()
            if connection.usable:
                return connection
        return None

    def _release(self, address: Address, connection: Connection) -> None:
        self._capacity.release()
        if self._count >= self._max_idle or self._closed:
            connection.close()
        if not connection.usable:
            return
        self._count += 1
        self._idle.setdefault(address, []).append(connection)
        connection.idle_since = self._loop.time()
        if self._cleaning is None:
            self._cleaning = self._loop.call_later(_IDLE_SECONDS, self._clean)

    def _clean(self) -> None:
        """Close long idle connections, and run again while any remain."""
        oldest = self._loop.time() - _IDLE_SECONDS
        for address, idle in list(self._idle.items()):
            young = [c for c in idle if c.usable and c.idle_since > oldest]
            for connection in idle:
                if connection not in young:
                    connection.close()
            self._count -= len(idle) - len(young)
            if young:
                self._idle[address] = young
            else:
                del self._idle[address]
        self._cleaning = self._loop.call_later(_IDLE_SECONDS, self._clean) if self._idle else None

    def close(self) -> None:
        """Close idle connections now, and the others when their exchanges end."""
        self._closed = True
        if self._cleaning is not None:
            self._cleaning.cancel()
        for kept in self._idle.values():
            for connection in kept:
                connection.close()
        self._idle.clear()
