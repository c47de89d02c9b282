"""The HTTP port: calls in Connect's protocol, and the pages of the console."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Protocol

from aiohttp import web

from ecrkeeper_server.api.http.calls import HttpCalls
from ecrkeeper_server.api.http.listener import HttpListener
from ecrkeeper_server.api.http.messages import JsonMessages
from ecrkeeper_server.api.http.origins import Origins
from ecrkeeper_server.api.http.tls import server_context
from ecrkeeper_server.api.layers.limits import Limits
from ecrkeeper_server.identity.certificates import Pair
from ecrkeeper_server.identity.files import WatchedFiles


class Pages(Protocol):
    """Pages for browsers on the same port."""

    def serves(self, path: str) -> bool:
        """Return whether a path is one of the pages'."""

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request for a page."""


class HttpPort:
    """Serves the handlers of a gRPC server over HTTP."""

    def __init__(
        self, handlers: Mapping[str, Any], limits: Limits, origins: Collection[str], pages: Pages | None = None
    ) -> None:
        self._messages = JsonMessages()
        self._calls = HttpCalls(handlers, limits, self._messages, Origins(frozenset(origins)))
        self._pages = pages
        self._listener = HttpListener(self._answer, limits)
        self.port = 0

    def listen(self, host: str, port: int, tls: WatchedFiles[Pair] | None, *, share_port: bool = False) -> None:
        """Accept connections on an address, with TLS if there are certificates."""
        context = None if tls is None else server_context(tls)
        self.port = self._listener.listen(host, port, context, share_port=share_port)

    async def stop(self, seconds: float) -> None:
        """Accept no more connections, and end running calls after the given time."""
        await self._listener.stop(seconds)
        await self._messages.close()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if self._pages is not None and self._pages.serves(request.rel_url.raw_path):
            return await self._pages.answer(request)
        return await self._calls.answer(request)
