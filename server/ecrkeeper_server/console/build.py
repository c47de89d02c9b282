"""The console from its parts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from ecrkeeper_server.api.http.in_process import InProcessCalls
from ecrkeeper_server.console.console import Console, Options
from ecrkeeper_server.console.guard import Guard
from ecrkeeper_server.console.login import Login
from ecrkeeper_server.console.rendering import Renderer
from ecrkeeper_server.console.session import Sealer
from ecrkeeper_server.turns import Turns


def build(
    handlers: Mapping[str, Any],
    read_key: Callable[[], Awaitable[bytes]],
    turns: Turns,
    options: Options,
    *,
    url: str,
    metadata_bytes: int,
) -> Console:
    """Return a console that calls handlers behind their layers."""
    calls = InProcessCalls(handlers)
    login = Login(calls, Sealer(read_key))
    return Console(calls, login, Guard(url, metadata_bytes), Renderer(turns), options)
