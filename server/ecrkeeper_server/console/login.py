"""Signing in with a token, and signing out."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from aiohttp import web
from ecrkeeper.v1 import server_service_pb2
from msgspec import Struct

from ecrkeeper_server.api.http.body import read_message
from ecrkeeper_server.api.http.in_process import Caller, InProcessCalls
from ecrkeeper_server.console.rendering import PREFIX
from ecrkeeper_server.console.session import Cookies, Kind, Sealer

WHO = "/ecrkeeper.v1.ServerService/WhoAmI"
_FORM = "application/x-www-form-urlencoded"
_FORM_BYTES = 16 * 1024
# A session of a token that does not expire, such as a test's, ends anyway.
_LONGEST_SECONDS = 12 * 3600


def with_token(caller: Caller, token: str) -> Caller:
    """Return the caller with a token, and without credentials of its own."""
    metadata = tuple((key, value) for key, value in caller.metadata if key not in ("authorization", "cookie"))
    bearer = (("authorization", f"Bearer {token}"),) if token else ()
    return Caller((*metadata, *bearer), caller.peer, caller.auth)


def local_path(text: str) -> str:
    """Return the text if it is a path of the console, else the first page."""
    safe = text.startswith((f"{PREFIX}/", f"{PREFIX}?")) and text.isprintable() and "\\" not in text
    return text if safe and f"{PREFIX}/login" not in text and f"{PREFIX}/live" not in text else f"{PREFIX}/"


async def form_of(request: web.BaseRequest) -> Mapping[str, str]:
    """Return the fields of a form; StatusError if it is too large."""
    if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != _FORM:
        return {}
    content = await read_message(request, _FORM_BYTES, is_stream=False)
    return {name: values[0] for name, values in parse_qs(content.decode("ascii", "replace"), max_num_fields=10).items()}


class Login(Struct, frozen=True):
    """Turns tokens into sessions."""

    calls: InProcessCalls
    sealer: Sealer

    async def who(self, caller: Caller) -> Any:
        """Return the caller's identity, or raise CallError."""
        return await self.calls.unary(caller, WHO, server_service_pb2.WhoAmIRequest())

    async def token_of(self, cookies: Cookies, existing: Mapping[str, str]) -> str:
        """Return the token of a session; empty without a session."""
        sealed = cookies.read(existing)
        return (await self.sealer.opened(Kind.SESSION, sealed) or "") if sealed else ""

    async def begun(self, caller: Caller, cookies: Cookies, existing: Mapping[str, str], token: str) -> list[str]:
        """Return the cookies of a new session; CallError for an invalid token."""
        identity = await self.who(with_token(caller, token))
        seconds = _LONGEST_SECONDS
        if identity.HasField("expire_time"):
            seconds = min(seconds, int(identity.expire_time.seconds - time.time()))
        return cookies.headers(existing, await self.sealer.sealed(Kind.SESSION, token), max(1, seconds))
