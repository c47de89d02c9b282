"""The ports that serve the API: gRPC, and HTTP if it is configured."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import grpc.aio
import structlog
from msgspec import Struct

from ecrkeeper_server.api.layers.limits import Limits
from ecrkeeper_server.api.layers.telemetry import Telemetry
from ecrkeeper_server.api.server import Built, build, set_serving
from ecrkeeper_server.api.services.context import Dependencies
from ecrkeeper_server.aws_options import aws_connections
from ecrkeeper_server.config.lists import words
from ecrkeeper_server.config.settings import Config
from ecrkeeper_server.instruments import Instruments
from ecrkeeper_server.listening import host_and_port, listening
from ecrkeeper_server.security import Security
from ecrkeeper_server.server_options import bounded, limits_of

# These parts are loaded only if they are configured, because each module makes the start longer.
if TYPE_CHECKING:
    from ecrkeeper_server.api.http.port import HttpPort, Pages

log = structlog.get_logger("ecrkeeper")


class Api(Struct, frozen=True):
    """The running gRPC server, and the HTTP port if it is configured."""

    built: Built
    http: HttpPort | None
    host: str
    port: int


async def open_api(config: Config, deps: Dependencies, instruments: Instruments, security: Security) -> Api:
    """Start the gRPC server, and the HTTP port if it is configured."""
    limits = bounded(
        limits_of(config), config.pool_size + aws_connections(config), ports=2 if config.http_listen else 1
    )
    built = build(
        deps,
        Telemetry(instruments.metrics.rpc, instruments.tracing, config.access_log),
        with_reflection=config.reflection,
        limits=limits,
        authentication=security.authentication,
        share_port=config.share_port,
    )
    host, _, _ = config.listen.rpartition(":")
    with listening("listen", config.listen):
        port = security.listen(built.server, config.listen)
    http = None
    if config.http_listen:
        from ecrkeeper_server.api.http.port import HttpPort

        pages = _console_pages(config, deps, built, security, limits) if config.console else None
        http = HttpPort(built.table.handlers, limits, words(config.http_allowed_origins), pages)
        with listening("http_listen", config.http_listen):
            http.listen(*host_and_port(config.http_listen), security.tls, share_port=config.share_port)
    await built.server.start()
    await set_serving(built.health)
    return Api(built, http, host, port)


def _console_pages(config: Config, deps: Dependencies, built: Built, security: Security, limits: Limits) -> Pages:
    """Return the console, whose modules are loaded only if it is on."""
    from ecrkeeper_server.console.build import build as build_console
    from ecrkeeper_server.console.console import Options

    return build_console(
        built.table.handlers,
        lambda: deps.page_key.read(deps.db),
        deps.turns,
        built.admission.work_of,
        Options(deps.setup.version, tokens=security.keys is not None),
        url=config.console_url,
        metadata_bytes=limits.metadata_bytes,
        client=security.client,
    )


async def until_stopped(stopping: asyncio.Event, server: grpc.aio.Server | None) -> bool:
    """Wait for a request to stop; return False if the gRPC server ends before."""
    requested = asyncio.create_task(stopping.wait())
    waits: set[asyncio.Task[Any]] = {requested}
    if server is not None:
        # Do not cancel it: gRPC would cancel the tasks that its own `stop` waits for.
        waits.add(asyncio.create_task(_ended(server)))
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    requested.cancel()
    return stopping.is_set()


async def _ended(server: grpc.aio.Server) -> None:
    try:
        await server.wait_for_termination()
    except Exception:  # After any error the process must end, so that its supervisor starts another.
        log.exception("server_failed")
