"""The HTTP server, and the context manager that runs it in a test's event loop."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

from aiohttp import web

from ecrkeeper_sim.calls import Peer
from ecrkeeper_sim.control import Control
from ecrkeeper_sim.dispatch import Dispatcher
from ecrkeeper_sim.faults import Faults
from ecrkeeper_sim.recorder import Recorder
from ecrkeeper_sim.state import Json, World

_CONTROL = "/_sim/"


@dataclass(frozen=True, slots=True)
class Simulator:
    """A running simulator."""

    url: str
    world: World


@contextlib.asynccontextmanager
async def serve(
    port: int = 0,
    *,
    host: str = "127.0.0.1",
    default_account: str = "000000000000",
    iam_policy: Json | None = None,
) -> AsyncIterator[Simulator]:
    """Serve a new simulated AWS until the block ends; port 0 picks a free one."""
    world = World(default_account, iam_policy)
    faults, recorder = Faults(world), Recorder(world)
    handler = _Handler(Dispatcher(world, faults, recorder), Control(world, faults, recorder))
    runner = web.ServerRunner(web.Server(handler.handle, access_log=None), shutdown_timeout=0.2)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port, backlog=1024)
        await site.start()
        chosen = runner.addresses[0][1]
        yield Simulator(f"http://{host}:{chosen}", world)
    finally:
        world.queues.close()
        await runner.cleanup()


class _Handler:
    def __init__(self, dispatcher: Dispatcher, control: Control) -> None:
        self._dispatcher = dispatcher
        self._control = control

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read()
        path = request.path
        if path.startswith(_CONTROL):
            status, answer = self._control.answer(request.method, path[len(_CONTROL) :], request.query, body)
            return web.Response(status=status, body=json.dumps(answer).encode(), content_type="application/json")
        request_id, reply = await self._dispatcher.answer(request.method, path, request.headers, body, _peer(request))
        if reply is None:
            if request.transport is not None:
                request.transport.abort()
            raise asyncio.CancelledError
        headers = {"Content-Type": reply.content_type, "x-amzn-RequestId": request_id, **reply.headers}
        if reply.error_code:
            headers["x-amzn-ErrorType"] = reply.error_code
        return web.Response(status=reply.status, body=reply.body, headers=headers)


def _peer(request: web.BaseRequest) -> Peer:
    def connected() -> bool:
        return request.transport is not None and not request.transport.is_closing()

    return Peer(request.remote or "", request.headers.get("User-Agent", ""), connected)
