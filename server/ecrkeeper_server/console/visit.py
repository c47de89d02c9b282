"""A request of a browser, with its session; and the answers to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web
from msgspec import Struct

from ecrkeeper_server.api.http.in_process import Caller
from ecrkeeper_server.api.layers.admission import address_of
from ecrkeeper_server.console.guard import HEADERS
from ecrkeeper_server.console.session import Cookies


class Visit(Struct, frozen=True):
    """A request of a browser: its session's caller, its cookies, and who it is."""

    request: web.BaseRequest
    caller: Caller
    cookies: Cookies
    token: str
    who: Any = None

    @property
    def key(self) -> str:
        """The principal that pays for the page: the user, or its address, as for calls."""
        return self.who.principal if self.who is not None and self.who.principal else address_of(self.caller.peer)


def redirect(target: str, cookies: list[str] | None = None) -> web.Response:
    """Return an answer that leads to another page."""
    return answer(b"", 303, {"Location": target}, cookies)


def answer(
    content: bytes, status: int, headers: Mapping[str, str] | None = None, cookies: list[str] | None = None
) -> web.Response:
    """Return an answer with the headers of every answer."""
    merged = {"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store", **HEADERS, **(headers or {})}
    response = web.Response(body=content, status=status, headers=merged)
    for cookie in cookies or ():
        response.headers.add("Set-Cookie", cookie)
    return response
