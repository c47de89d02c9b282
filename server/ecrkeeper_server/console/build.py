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
from ecrkeeper_server.console.sign_in import SignIn
from ecrkeeper_server.identity.oidc import Client, CodeFlow
from ecrkeeper_server.turns import Turns, Work


def build(
    handlers: Mapping[str, Any],
    read_key: Callable[[], Awaitable[bytes]],
    turns: Turns,
    work_of: Callable[[str], Work],
    options: Options,
    *,
    url: str,
    metadata_bytes: int,
    client: Client | None,
) -> Console:
    """Return a console that calls handlers behind their layers.

    `work_of` returns the work that is charged to a principal.
    """
    calls = InProcessCalls(handlers)
    login = Login(calls, Sealer(read_key))
    sign_in = SignIn(login, None if client is None else CodeFlow(client), tokens=options.tokens)
    return Console(calls, login, sign_in, Guard(url, metadata_bytes), Renderer(turns), work_of, options)
