"""The HTTP port, with the transport limits of the gRPC port."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from aiohttp import web

from ecrkeeper_server.api.layers.limits import Limits

log = structlog.get_logger("ecrkeeper.api")

# Time for TLS, and for the first request after it.
_HANDSHAKE_SECONDS = 10.0
# Time from one request of a connection to the end of the headers of the next one.
_IDLE_SECONDS = 120.0
# Time to read the rest of a rejected request.
_LINGER_SECONDS = 2.0
_HEADERS = 64
# A caller that reads nothing for so long loses its connection. The two settings after it find peers
# that vanished without closing the connection, as the gRPC port's keepalive does.
_UNREAD_SECONDS = 30
_KEEPALIVE_SECONDS, _KEEPALIVE_INTERVAL_SECONDS = 60, 10
_BACKLOG = 1024

# aiohttp logs a traceback for each malformed request, which any caller can send.
_SILENT = logging.Logger("ecrkeeper.http", logging.CRITICAL)
_SILENT.addHandler(logging.NullHandler())

Answer = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class _Connection(web.RequestHandler):
    """A connection that must send its first request in time."""

    opened: float = 0.0
    _first: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for the first request."""
        super().connection_made(transport)
        loop = asyncio.get_running_loop()
        self.opened = loop.time()
        self._first = loop.call_later(_HANDSHAKE_SECONDS, self.force_close)

    def requested(self) -> None:
        """Note that a request has arrived."""
        if self._first is not None:
            self._first.cancel()
            self._first = None

    def connection_lost(self, exc: BaseException | None) -> None:
        """Forget the connection."""
        self.requested()
        super().connection_lost(exc)


def _socket_options() -> dict[int, int]:
    return {
        socket.TCP_USER_TIMEOUT: _UNREAD_SECONDS * 1000,
        socket.TCP_KEEPIDLE: _KEEPALIVE_SECONDS,
        socket.TCP_KEEPINTVL: _KEEPALIVE_INTERVAL_SECONDS,
    }


class HttpListener:
    """Accepts connections up to a maximum, and closes the others at once."""

    def __init__(self, answer: Answer, limits: Limits) -> None:
        self._limits = limits
        self._answer = answer
        self._handshakes = 0
        self._accepting: asyncio.Task[None] | None = None
        self._connecting: set[asyncio.Task[None]] = set()
        # A call ends when its caller disconnects, as with gRPC.
        self._server = web.Server(self._answered, handler_cancellation=True)
        self._options: dict[str, Any] = {
            "keepalive_timeout": _IDLE_SECONDS,
            "access_log": None,
            "logger": _SILENT,
            "auto_decompress": False,
            "lingering_time": _LINGER_SECONDS,
            "max_headers": _HEADERS,
            "max_line_size": 1024,
            "max_field_size": min(limits.metadata_bytes, 16 * 1024),
        }

    @property
    def connections(self) -> int:
        """The open connections, including those in a TLS handshake."""
        return len(self._server.connections) + self._handshakes

    def listen(self, host: str, port: int, tls: ssl.SSLContext | None, *, share_port: bool = False) -> int:
        """Accept connections on an address; return the port."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        bound = socket.create_server((host, port), family=family, backlog=_BACKLOG, reuse_port=share_port)
        bound.setblocking(False)
        self._accepting = asyncio.create_task(self._accept(bound, tls))
        return int(bound.getsockname()[1])

    async def stop(self, seconds: float) -> None:
        """Accept no more connections, and end running calls after the given time."""
        if self._accepting is not None:
            self._accepting.cancel()
            await asyncio.wait([self._accepting])
        for connecting in self._connecting:
            connecting.cancel()
        self._server.pre_shutdown()
        await self._server.shutdown(seconds)

    async def _accept(self, bound: socket.socket, tls: ssl.SSLContext | None) -> None:
        loop = asyncio.get_running_loop()
        with bound:
            while True:
                try:
                    accepted, _ = await loop.sock_accept(bound)
                except OSError:
                    # The process has no file descriptor left, or the caller has gone.
                    log.exception("accept_failed")
                    await asyncio.sleep(0.1)
                    continue
                if self.connections >= self._limits.connections:
                    accepted.close()
                    continue
                self._handshakes += 1
                connecting = loop.create_task(self._connect(accepted, tls))
                self._connecting.add(connecting)
                connecting.add_done_callback(self._connecting.discard)

    async def _connect(self, accepted: socket.socket, tls: ssl.SSLContext | None) -> None:
        """Make a connection of an accepted socket; one whose handshake fails is closed."""
        loop = asyncio.get_running_loop()
        limit = None if tls is None else _HANDSHAKE_SECONDS
        try:
            with contextlib.suppress(OSError, ssl.SSLError):
                for option, value in _socket_options().items():
                    accepted.setsockopt(socket.IPPROTO_TCP, option, value)
                await loop.connect_accepted_socket(
                    lambda: _Connection(self._server, loop=loop, **self._options),
                    accepted,
                    ssl=tls,
                    ssl_handshake_timeout=limit,
                )
        finally:
            self._handshakes -= 1

    async def _answered(self, request: web.BaseRequest) -> web.StreamResponse:
        connection: Any = request.protocol
        connection.requested()
        response = await self._answer(request)
        if asyncio.get_running_loop().time() - connection.opened > self._limits.connection_seconds:
            # Load balancers can then redistribute clients.
            response.force_close()
        return response
