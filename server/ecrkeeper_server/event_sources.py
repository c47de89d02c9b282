"""The attributor and the event queues, from the configuration."""

from __future__ import annotations

import asyncio
import contextlib

from ecrkeeper_server.aws.client import AwsClient, AwsOptions
from ecrkeeper_server.aws.telemetry import CallTelemetry
from ecrkeeper_server.aws_options import queue_options
from ecrkeeper_server.config.lists import words
from ecrkeeper_server.config.settings import Config
from ecrkeeper_server.ecr.cloudtrail import EventHistory
from ecrkeeper_server.ecr.principals import Principals
from ecrkeeper_server.engine.attribution import Attributor, Own
from ecrkeeper_server.engine.event_health import EventHealth
from ecrkeeper_server.engine.worker import Engine
from ecrkeeper_server.metrics.events import EventMetrics
from ecrkeeper_server.store.database import Database


def health_of(config: Config, db: Database, metrics: EventMetrics) -> EventHealth | None:
    """Return the health of the events; None without queues."""
    if not words(config.event_queue_urls):
        return None
    stretched = config.event_resync_seconds
    return EventHealth(
        db, metrics, config.home_region, resync=config.resync_seconds, stretched=stretched, probes=config.event_probe
    )


def start(
    config: Config,
    options: AwsOptions,
    install: str,
    db: Database,
    aws: AwsClient,
    engine: Engine,
    health: EventHealth | None,
    metrics: EventMetrics,
    telemetry: CallTelemetry,
    stack: contextlib.AsyncExitStack,
) -> None:
    """Start the configured sources as tasks that end with the stack."""
    own = Own(install, Principals(aws, config.home_region), aws.written)
    if config.attribution:
        attributor = Attributor(db, EventHistory(aws), own, metrics, config.home_region)
        stack.callback(asyncio.create_task(attributor.run()).cancel)
    if health is None:
        return
    # Loaded only if a queue is configured, because each module makes the start longer.
    from ecrkeeper_server.engine.event_intake import EventIntake
    from ecrkeeper_server.engine.event_queue import EventQueue
    from ecrkeeper_server.events.queue_url import QueueUrl

    client = AwsClient(queue_options(config, options), telemetry=telemetry)
    stack.push_async_callback(client.close)
    debounce = config.event_debounce_seconds
    loop = asyncio.get_running_loop()
    intake = EventIntake(db, own, metrics, lambda seconds: _wake_after(loop, engine, seconds), debounce)
    for url in words(config.event_queue_urls):
        queue = EventQueue(client, QueueUrl.parse(url), intake, metrics)
        health.sources.append(queue)
        stack.callback(asyncio.create_task(queue.run()).cancel)
    stack.callback(asyncio.create_task(health.run()).cancel)


def _wake_after(loop: asyncio.AbstractEventLoop, engine: Engine, seconds: float) -> None:
    loop.call_later(seconds, engine.triggers.wake)
