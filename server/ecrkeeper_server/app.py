"""The composition root: makes, connects and runs the parts.

It stops them in order.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable

import structlog
from msgspec import Struct
from msgspec.structs import replace

from ecrkeeper_server import event_sources
from ecrkeeper_server.api.http.probes import serve_probes
from ecrkeeper_server.api.http.scrape import Scrape
from ecrkeeper_server.api.services.broadcaster import Changes
from ecrkeeper_server.api.services.context import Dependencies, Setup
from ecrkeeper_server.aws.callers import CallersAws
from ecrkeeper_server.aws.client import AwsClient, AwsOptions
from ecrkeeper_server.aws.served import find_served
from ecrkeeper_server.aws.telemetry import CallTelemetry
from ecrkeeper_server.config.settings import Config
from ecrkeeper_server.engine.rollouts import RolloutWorker
from ecrkeeper_server.engine.telemetry import ReconcileTelemetry
from ecrkeeper_server.engine.worker import Engine
from ecrkeeper_server.events.user_agent import product
from ecrkeeper_server.fleet.bounds import Bounds
from ecrkeeper_server.garbage import collect_garbage, taken_over
from ecrkeeper_server.instruments import Instruments, instruments_of
from ecrkeeper_server.listening import host_and_port, listening
from ecrkeeper_server.loop_lag import watch_lag
from ecrkeeper_server.ports import Api, open_api, until_stopped
from ecrkeeper_server.release import release
from ecrkeeper_server.security import Security
from ecrkeeper_server.server_options import engine_options
from ecrkeeper_server.store import installation, schema
from ecrkeeper_server.store.database import Database
from ecrkeeper_server.store.instrumented import InstrumentedDatabase
from ecrkeeper_server.turns import Turns
from ecrkeeper_server.workers import Workers, account_checker, organization_worker

log = structlog.get_logger("ecrkeeper")

# Maximum wait of a readiness probe for the database.
_READY_SECONDS = 2.0
# The start does not wait for AWS; after this time the log has the served account, or why it is
# unknown.
_ACCOUNT_SECONDS = 60.0
# How long a thread of the database may keep the event loop from Python: a fifth of Python's default.
_SWITCH_SECONDS = 0.001


def prepare(config: Config) -> None:
    """Migrate an SQLite file to the newest schema.

    Exit if a Postgres database has an older one.
    """
    if schema.is_sqlite(config.database_url):
        schema.migrate(config.database_url)
        return
    lacking = schema.lacks(config.database_url)
    if lacking:
        raise SystemExit(lacking)


def announce(address: str, _http_address: str) -> None:
    """Print where the server listens."""
    print(f"listening on {address}" if address else "engine running", flush=True)  # noqa: T201


async def serve(
    config: Config, security: Security, options: AwsOptions, ready: Callable[[str, str], None] = announce
) -> None:
    """Run until SIGTERM or SIGINT.

    Then admit no calls, let attempts end, release leases, close. Calls `ready` with the addresses of
    gRPC and HTTP once the server accepts calls; they are empty without an API, and without its HTTP port.
    """
    sys.setswitchinterval(_SWITCH_SECONDS)
    async with contextlib.AsyncExitStack() as stack:
        shared = await _connect(config, options, stack)
        db, instruments = shared.db, shared.instruments
        bounds = Bounds(lambda: security.access.policy)
        workers = _workers(config, shared, bounds, stack)
        changes = Changes(shared.turns)
        instruments.metrics.rpc.watchers.set_function(changes.listeners)

        def on_notify(names: set[str]) -> None:
            changes.publish(names)
            workers.on_notify(names)

        db.listen(on_notify)
        asking = asyncio.create_task(_log_accounts(shared.aws, config))
        stack.callback(asking.cancel)
        lag = asyncio.create_task(watch_lag(instruments.metrics.loop.lag.observe))
        stack.callback(lag.cancel)
        if instruments.tracing is not None:
            # First, because all spans have ended, and closing Postgres takes up to a second in
            # which the supervisor may kill the process.
            stack.push_async_callback(asyncio.to_thread, instruments.tracing.close)
        deps = _dependencies(config, security, shared, workers, changes, bounds)
        await _run(config, db, deps, workers, instruments, security, stack, ready)


class _Shared(Struct, frozen=True):
    """The parts that the API and the workers share."""

    instruments: Instruments
    db: InstrumentedDatabase
    aws: AwsClient
    options: AwsOptions
    install: str
    turns: Turns


async def _connect(config: Config, options: AwsOptions, stack: contextlib.AsyncExitStack) -> _Shared:
    """Open the database, and prepare calls of AWS."""
    instruments = instruments_of(config)
    metrics, spans = instruments.metrics, instruments.tracing
    store = schema.open_database(config.database_url, pool_size=config.pool_size)
    db = InstrumentedDatabase(store, metrics.store, spans.current if spans is not None else None)
    install = await _installation(store)
    options = replace(options, product=product(release(), install))
    aws = AwsClient(options, telemetry=CallTelemetry(metrics.aws, spans))
    aws.warm_up()
    stack.push_async_callback(db.close)
    stack.push_async_callback(aws.close)
    return _Shared(instruments, db, aws, options, install, Turns(busy=lambda: db.load().in_use > 0))


def _workers(config: Config, shared: _Shared, bounds: Bounds, stack: contextlib.AsyncExitStack) -> Workers:
    """Return the workers of this process, and start the sources of events."""
    db, aws, metrics = shared.db, shared.aws, shared.instruments.metrics
    health = event_sources.health_of(config, db, metrics.events)
    if config.role == "api":
        return Workers()
    reports = ReconcileTelemetry(metrics.engine, shared.instruments.tracing)
    engine = Engine(db, aws, engine_options(config), telemetry=reports, health=health, turns=shared.turns)
    metrics.engine.leases_held.set_function(engine.running)
    metrics.engine.capacity.set(config.concurrency)
    rollouts = RolloutWorker(db, bounds, engine.triggers.wake, metrics.engine, shared.turns)
    organization, client = organization_worker(db, shared.options, config, rollouts, shared.instruments)
    if client is not None:
        stack.push_async_callback(client.close)
    telemetry = CallTelemetry(metrics.aws, shared.instruments.tracing)
    event_sources.start(
        config, shared.options, shared.install, db, aws, engine, health, metrics.events, telemetry, stack
    )
    return Workers(engine, rollouts, organization, account_checker(db, aws, config, rollouts))


def _dependencies(
    config: Config, security: Security, shared: _Shared, workers: Workers, changes: Changes, bounds: Bounds
) -> Dependencies:
    """Return the dependencies of the services."""
    return Dependencies(
        db=shared.db,
        aws=CallersAws(shared.aws),
        changes=changes,
        wake=workers.wake_engine,
        home_region=config.home_region,
        access=security.access,
        turns=shared.turns,
        setup=Setup(
            version=release(),
            authentication=security.keys is not None or bool(config.tls_client_ca_file),
            role_template=config.aws_role_template or None,
        ),
        bounds=bounds,
        wake_rollouts=workers.wake_rollouts,
    )


async def _installation(db: Database) -> str:
    """Return the id of the installation that the database belongs to."""
    known = await db.read(installation.find)
    return await db.write(installation.create) if known is None else known


async def _log_accounts(aws: AwsClient, config: Config) -> None:
    """Log the served accounts, and how they are reached, when AWS has answered."""
    served = await find_served(aws, config.aws_role_template or None, _ACCOUNT_SECONDS)
    log_line = log.info if served.ambient_account else log.warning
    log_line("aws_accounts", served=str(served), ambient_account=served.ambient_account or "")


async def _run(
    config: Config,
    db: InstrumentedDatabase,
    deps: Dependencies,
    workers: Workers,
    instruments: Instruments,
    security: Security,
    stack: contextlib.AsyncExitStack,
    ready: Callable[[str, str], None],
) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    with listening("metrics_listen", config.metrics_listen):
        runner, metrics_port = await serve_probes(
            *host_and_port(config.metrics_listen), lambda: _unready(db, stopping), Scrape(instruments.metrics, db).page
        )
    stack.push_async_callback(runner.cleanup)
    maintenance = asyncio.create_task(security.maintain())
    stack.callback(maintenance.cancel)
    api = await open_api(config, deps, instruments, security) if config.role != "engine" else None
    working = workers.start()
    stack.enter_context(taken_over())
    collecting = asyncio.create_task(collect_garbage())
    stack.callback(collecting.cancel)
    http = {} if api is None or api.http is None else {"http_port": api.http.port}
    http_address = f"{config.http_listen.rpartition(':')[0]}:{http['http_port']}" if http else ""
    ready("" if api is None else f"{api.host}:{api.port}", http_address)
    log.info("started", role=config.role, metrics_port=metrics_port, **http)
    requested = await until_stopped(stopping, None if api is None else api.built.server)
    stopping.set()
    log.info("stopping")
    await _drain(api, workers, config.drain_seconds)
    await asyncio.gather(*working)
    if not requested:
        raise SystemExit("the gRPC server stopped unexpectedly; see the log")


async def _drain(api: Api | None, workers: Workers, seconds: float) -> None:
    """Let running calls and attempts end at the same time.

    The engine claims nothing more.
    """
    ending = [] if workers.engine is None else [workers.engine.stop(seconds)]
    workers.stop_fleet()
    if api is not None:
        await api.built.health.enter_graceful_shutdown()
        api.built.admission.close()
        ending.append(api.built.server.stop(seconds))
        if api.http is not None:
            ending.append(api.http.stop(seconds))
    await asyncio.gather(*ending)


async def _unready(db: InstrumentedDatabase, stopping: asyncio.Event) -> str:
    """Return why the server is not ready; empty if it is."""
    return "the server is stopping" if stopping.is_set() else await db.probe(_READY_SECONDS)
