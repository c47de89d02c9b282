"""Live pages: streams of the API as server-sent events with parts of pages."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from typing import Any

from aiohttp import web
from msgspec import Struct

from ecrkeeper_server.api.http.in_process import CallError
from ecrkeeper_server.console.guard import HEADERS
from ecrkeeper_server.console.rendering import Renderer, Values
from ecrkeeper_server.console.view import View

# Proxies end connections on which nothing is sent.
_PING_SECONDS = 15.0
# After these, a page cannot go on by connecting again.
_FINAL = {
    "UNAUTHENTICATED": "Your session has ended. Reload the page to sign in again.",
    "PERMISSION_DENIED": "You may no longer read this page.",
    "NOT_FOUND": "This resource no longer exists.",
    "INVALID_ARGUMENT": "The address of the stream is invalid. Reload the page.",
    "RESOURCE_EXHAUSTED": "Too many pages are live at once. Close some, and reload this one.",
    "UNIMPLEMENTED": "This page is not live.",
}


class Update(Struct, frozen=True):
    """A part of a page to send: its template, what makes its values, and the place.

    Streams share the part of a template with equal `key`; None is equal to nothing.
    """

    template: str
    values: Values
    event: str = "update"
    key: Hashable = None


class Same:
    """A message as a key: it is equal only to itself."""

    def __init__(self, message: Any) -> None:
        self._message = message

    def __hash__(self) -> int:
        """Return the hash of the object."""
        return id(self._message)

    def __eq__(self, other: object) -> bool:
        """Return whether the other key is of the same object."""
        return isinstance(other, Same) and other._message is self._message


Live = Callable[[View], AsyncIterator[Update]]


async def serve(request: web.BaseRequest, view: View, live: Live, renderer: Renderer) -> web.StreamResponse:
    """Send the updates of a page until the browser leaves or the stream ends."""
    response = _response()
    await response.prepare(request)
    await response.write(_event("status", b"Live"))
    pings = asyncio.create_task(_ping(response.write))
    try:
        async with contextlib.aclosing(live(view)) as updates:  # type: ignore[type-var]
            async for update in updates:
                data = await renderer.part(update.template, view.work, update.values, _data, update.key)
                await response.write(_event(update.event, data))
        await response.write(_event("end", b"end"))
    except CallError as error:
        await _end(response, error)
    finally:
        pings.cancel()
    await response.write_eof()
    return response


async def failed(request: web.BaseRequest, error: CallError) -> web.StreamResponse:
    """Answer a stream that does not begin."""
    response = _response()
    await response.prepare(request)
    await _end(response, error)
    await response.write_eof()
    return response


def _response() -> web.StreamResponse:
    headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return web.StreamResponse(headers={**HEADERS, **headers})


async def _end(response: web.StreamResponse, error: CallError) -> None:
    """Tell a browser to stop, or let it connect again after a temporary error."""
    if error.code in _FINAL:
        await response.write(_event("status", _FINAL[error.code].encode()))
        await response.write(_event("end", b"end"))
    else:
        await response.write(b"retry: 3000\n\n" + _event("status", b"Reconnecting"))


async def _ping(write: Callable[[bytes], Awaitable[None]]) -> None:
    # The stream itself notices that the browser has left; nobody reads an error of this task.
    with contextlib.suppress(ConnectionError):
        while True:
            await asyncio.sleep(_PING_SECONDS)
            await write(b": ping\n\n")


def _data(content: str) -> bytes:
    """Return a piece of HTML as a piece of an event's data."""
    lines = content.replace("\r\n", "\n").replace("\r", "\n")
    return lines.replace("\n", "\ndata: ").encode(errors="replace")


def _event(name: str, data: bytes) -> bytes:
    """Return an event with data."""
    return b"id: 1\nevent: %b\ndata: %b\n\n" % (name.encode(), data)
