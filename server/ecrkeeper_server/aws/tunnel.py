"""A connection through an HTTP proxy: CONNECT, then TLS with the peer."""

from __future__ import annotations

import asyncio
import ssl
from base64 import b64encode
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import unquote, urlsplit

from ecrkeeper_server.aws.connection import MAX_HEAD, NoAnswer

P = TypeVar("P", bound=asyncio.Protocol)
_PORTS = {"http": 80, "https": 443}


async def open_tunnel(proxy: str, host: str, port: int, context: ssl.SSLContext, make: Callable[[], P]) -> P:
    """Connect to a host through a proxy, by its URL; NoAnswer if the proxy declines."""
    loop = asyncio.get_running_loop()
    parts = urlsplit(proxy)
    secure = ssl.create_default_context() if parts.scheme == "https" else None
    transport, opening = await loop.create_connection(
        _Opening, parts.hostname or "", parts.port or _PORTS[parts.scheme], ssl=secure
    )
    try:
        transport.write(_request(f"[{host}]:{port}" if ":" in host else f"{host}:{port}", proxy_authorization(proxy)))
        await opening.opened
        protocol = make()
        secured = await loop.start_tls(transport, protocol, context, server_hostname=host)
        if secured is None:
            raise NoAnswer("the proxy ended the connection")
        protocol.connection_made(secured)
    except BaseException:
        transport.abort()
        raise
    return protocol


def proxy_authorization(proxy: str) -> dict[str, str]:
    """Return the header with the user and password in a proxy's URL; may be empty."""
    parts = urlsplit(proxy)
    if parts.username is None:
        return {}
    credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
    return {"Proxy-Authorization": f"Basic {b64encode(credentials).decode()}"}


def _request(target: str, headers: dict[str, str]) -> bytes:
    lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}", *[f"{name}: {value}" for name, value in headers.items()]]
    return "\r\n".join([*lines, "", ""]).encode("ascii")


class _Opening(asyncio.Protocol):
    """Waits for the proxy's answer to CONNECT; `opened` completes with it."""

    def __init__(self) -> None:
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._head = b""

    def data_received(self, data: bytes) -> None:
        """Read the answer, after which the peer must send nothing: it waits for TLS."""
        self._head += data
        head, end, rest = self._head.partition(b"\r\n\r\n")
        if not end and len(self._head) <= MAX_HEAD:
            return
        words = head.split(b"\r\n")[0].split(b" ")
        agreed = bool(end) and not rest and len(words) > 1 and words[0].startswith(b"HTTP/1.") and words[1][:1] == b"2"
        self._end(None if agreed else NoAnswer("the proxy did not open a tunnel"))

    def connection_lost(self, exc: Exception | None) -> None:
        """The proxy did not answer."""
        self._end(exc if isinstance(exc, OSError) else NoAnswer("the proxy ended the connection"))

    def _end(self, error: Exception | None) -> None:
        if self.opened.done():
            return
        if error is None:
            self.opened.set_result(None)
        else:
            self.opened.set_exception(error)
