"""Liveness, readiness and metrics over HTTP, beside the gRPC port."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from ecrkeeper_server.metrics import CONTENT_TYPE


async def serve_probes(
    host: str, port: int, ready: Callable[[], Awaitable[bool]], metrics: Callable[[], Awaitable[bytes]]
) -> tuple[web.AppRunner, int]:
    """Serve `/healthz` (the process lives), `/readyz` (it can do its work) and `/metrics`.

    Returns the runner and the bound port.
    """

    async def healthz(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def readyz(_: web.Request) -> web.Response:
        good = await ready()
        return web.Response(text="ok\n" if good else "not ready\n", status=200 if good else 503)

    async def page(_: web.Request) -> web.Response:
        return web.Response(body=await metrics(), headers={"Content-Type": CONTENT_TYPE})

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", page)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, host, port)
    await site.start()
    address = runner.addresses[0]
    return runner, int(address[1])
