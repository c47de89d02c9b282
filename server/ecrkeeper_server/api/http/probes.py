"""Liveness, readiness and metrics over HTTP, beside the gRPC port."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from ecrkeeper_server.metrics.server import CONTENT_TYPE

# Each prober needs one connection; a connection beyond the maximum replaces the oldest.
_CONNECTIONS = 64

Answer = Callable[[], Awaitable[web.Response]]


class _Bounded(web.Server):
    """An HTTP server with a maximum of connections; silent ones do not block others."""

    def __call__(self) -> web.RequestHandler:
        """Return the protocol of a new connection."""
        for oldest in self.connections[: 1 - _CONNECTIONS]:
            oldest.force_close()
        return super().__call__()


async def serve_probes(
    host: str, port: int, unready: Callable[[], Awaitable[str]], metrics: Callable[[], Awaitable[bytes]]
) -> tuple[web.ServerRunner, int]:
    """Serve `/healthz` (process lives), `/readyz` (process can work) and `/metrics`.

    `unready` returns the reason why it cannot, or an empty string. Return the runner and the bound
    port.
    """

    async def healthz() -> web.Response:
        return web.Response(text="ok\n")

    async def readyz() -> web.Response:
        reason = await unready()
        return web.Response(text=f"not ready: {reason}\n" if reason else "ok\n", status=503 if reason else 200)

    async def page() -> web.Response:
        return web.Response(body=await metrics(), headers={"Content-Type": CONTENT_TYPE})

    pages: dict[str, Answer] = {"/healthz": healthz, "/readyz": readyz, "/metrics": page}

    async def answer(request: web.BaseRequest) -> web.Response:
        handler = pages.get(request.path)
        if handler is None:
            return web.Response(text="not found\n", status=404)
        if request.method not in ("GET", "HEAD"):
            return web.Response(text="only GET\n", status=405, headers={"Allow": "GET, HEAD"})
        return await handler()

    runner = web.ServerRunner(_Bounded(answer, access_log=None))
    await runner.setup()
    site = web.TCPSite(runner, host, port)
    await site.start()
    address = runner.addresses[0]
    return runner, int(address[1])
