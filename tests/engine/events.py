"""A world whose simulated CloudTrail has the store's time, on either database."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

from ecrkeeper_server.aws.client import AwsClient, AwsOptions
from ecrkeeper_server.aws.wire import Credentials
from ecrkeeper_server.ecr.cloudtrail import EventHistory
from ecrkeeper_server.ecr.principals import Principals
from ecrkeeper_server.engine.attribution import Attributor, Own
from ecrkeeper_server.engine.event_intake import EventIntake
from ecrkeeper_server.engine.event_queue import EventQueue
from ecrkeeper_server.events.queue_url import QueueUrl
from ecrkeeper_server.events.user_agent import product
from ecrkeeper_server.metrics.server import Metrics
from ecrkeeper_server.store import attributions, installation
from ecrkeeper_server.store.attributions import Attribution

from tests.engine.conftest import REGISTRY, World

RULE = {"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io"}
HUB = {"ecrRepositoryPrefix": "k8s", "upstreamRegistryUrl": "registry.k8s.io"}
CACHING = {"pull_through_cache_rules": {"rules": [RULE]}}
REPLICATION = {
    "replication_configuration": {"rules": [{"destinations": [{"region": "eu-west-1", "registryId": "111111111111"}]}]}
}


@dataclass
class Events:
    """A world with an attributor; `pass_time` moves both clocks."""

    world: World
    install: str
    attributor: Attributor

    async def pass_time(self, seconds: float) -> None:
        self.world.seconds += seconds
        await self.world.control("POST", "clock", {"advance": seconds})

    async def ask(self) -> int:
        """Ask CloudTrail what is due to be asked; how many questions there were."""
        self.world.aws.calls.clear()
        await self.attributor.claim_once()
        await self.attributor.drain()
        return sum(operation == "LookupEvents" for _, operation, _ in self.world.aws.calls)

    async def pending(self) -> list[Attribution]:
        return await self.world.db.read(lambda tx: attributions.pending(tx, [str(REGISTRY)]))

    async def causes(self) -> list[dict[str, Any]]:
        return list(((await self.world.row()).events or {}).get("causes", ()))


async def events_of(world: World) -> Events:
    await world.control("POST", "clock", {"advance": world.seconds - time.time(), "frozen": True})
    await world.control("PUT", "settings", {"lookup_events_per_second": 0})
    install = await world.db.read(installation.find)
    assert install is not None
    world.aws.client._wire._product = product("0.2.0", install)
    principals = Principals(world.aws, "us-east-1")
    clock = lambda: world.seconds  # noqa: E731
    attributor = Attributor(
        world.db, EventHistory(world.aws, clock), Own(install, principals), Metrics().events, "us-east-1", clock
    )
    await asyncio.sleep(0)
    return Events(world, install, attributor)


QUEUE_ACCOUNT, QUEUE_ARN = "222222222222", "arn:aws:sqs:us-east-1:222222222222:events"
QUEUE_URL = QueueUrl.parse("https://sqs.us-east-1.amazonaws.com/222222222222/events")


@dataclass
class Queue:
    """A queue of the simulated AWS with everything routed to it, and its consumer."""

    events: Events
    client: AwsClient
    consumer: EventQueue
    metrics: Metrics
    woken: list[float]
    base: dict[str, int] = field(default_factory=dict)

    async def receive(self) -> int:
        """Receive until the queue is empty; how many messages there were."""
        count = 0
        while received := await receive_once(self.consumer):
            count += received
        return count

    async def messages(self) -> int:
        """Return the number of messages in the queue, visible or not."""
        [queue] = (await self.events.world.control("GET", "queues"))["queues"]
        return int(queue["visible"] + queue["in_flight"])

    def kinds(self) -> dict[str, int]:
        """The events since the base, by kind."""
        counts = {kind: count - self.base.get(kind, 0) for kind, count in self.counted().items()}
        return {kind: count for kind, count in counts.items() if count}

    def counted(self) -> dict[str, int]:
        """All events so far, by kind."""
        samples = self.metrics.events._events.collect()[0].samples
        return {each.labels["kind"]: int(each.value) for each in samples if each.value and "kind" in each.labels}


async def receive_once(consumer: EventQueue) -> int:
    """Receive a batch, store it and delete it; return its size."""
    messages = await consumer._receive(0)
    if messages:
        await consumer._process(messages)
    return len(messages)


async def queue_of(events: Events, **route: Any) -> Queue:
    world = events.world
    await world.control("PUT", "queues", {"account": QUEUE_ACCOUNT, "region": "us-east-1", "name": "events"})
    await world.control("PUT", "events/routes", {"routes": [{"queue": QUEUE_ARN, **route}]})

    async def provide(account: str) -> Credentials:
        return Credentials(QUEUE_ACCOUNT, "secret")

    client = AwsClient(AwsOptions(endpoint_url=world.simulator.url), provider=provide)
    metrics, woken = Metrics(), list[float]()
    own = Own(events.install, Principals(world.aws, "us-east-1"))
    intake = EventIntake(world.db, own, metrics.events, woken.append, clock=lambda: world.seconds)
    return Queue(events, client, EventQueue(client, QUEUE_URL, intake, metrics.events), metrics, woken)
