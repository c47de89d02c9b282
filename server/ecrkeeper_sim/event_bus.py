"""EventBridge: events of all accounts and Regions, and rules that send them on."""

from __future__ import annotations

import base64
import heapq
import json
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

from ecrkeeper_sim.clock import iso8601
from ecrkeeper_sim.event_faults import EventFault, planned
from ecrkeeper_sim.sqs_queue import Message

if TYPE_CHECKING:
    from ecrkeeper_sim.state import World

Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Route:
    """A rule whose target is a queue, directly or through an SNS topic.

    None matches every account or Region.
    """

    queue: str
    accounts: tuple[str, ...] | None = None
    regions: tuple[str, ...] | None = None
    sources: tuple[str, ...] = ("aws.ecr", "aws.iam", "aws.account", "aws.organizations")
    form: str = "eventbridge"
    rewrite_envelope: bool = False
    rule: str = ""
    topic: str = ""

    def matches(self, event: Event) -> bool:
        """Return whether the rule sends the event on."""
        return (
            event["source"] in self.sources
            and (self.accounts is None or event["account"] in self.accounts)
            and (self.regions is None or event["region"] in self.regions)
        )

    @property
    def sender(self) -> tuple[str, str]:
        """The service that sends to the queue, and the source ARN that it names."""
        return ("sns.amazonaws.com", self.topic) if self.form == "sns" else ("events.amazonaws.com", self.rule)


@dataclass(slots=True)
class EventBus:
    """The rules, the faults, and the pending events."""

    routes: list[Route] = field(default_factory=list)
    faults: list[EventFault] = field(default_factory=list)
    # published, delivered, lost, undelivered and discarded events.
    counts: Counter[str] = field(default_factory=Counter)
    last_failure: str = ""
    _pending: list[tuple[float, int, Route, str]] = field(default_factory=list)
    _counter: count[int] = field(default_factory=count)

    @property
    def pending(self) -> int:
        """The number of pending events."""
        return len(self._pending)

    def schedule(self, due: float, route: Route, text: str) -> None:
        """Schedule the delivery of the text to the queue of the route."""
        heapq.heappush(self._pending, (due, next(self._counter), route, text))

    def pop_due(self, now: float) -> tuple[Route, str] | None:
        """Return the next due delivery."""
        if not self._pending or self._pending[0][0] > now:
            return None
        _, _, route, text = heapq.heappop(self._pending)
        return route, text

    def next_due(self) -> float | None:
        """Return the time of the next delivery."""
        return self._pending[0][0] if self._pending else None


def publish(world: World, event: Event) -> None:
    """Send the event to the queues of the matching rules, with the active faults."""
    bus = world.bus
    bus.counts["published"] += 1
    earliest = bus.next_due()
    for route in bus.routes:
        if not route.matches(event):
            continue
        now = world.clock.now()
        plans = planned(bus.faults, world.random, _rewritten(route, event), world.uuid)
        bus.counts["lost"] += not plans
        for plan in plans:
            due = now + world.settings.event_delay_seconds + plan.delay
            if bus.pending >= world.settings.max_queue_messages:
                bus.counts["discarded"] += 1
                continue
            bus.schedule(due, route, _wrapped(world, route, plan.text))
    if bus.next_due() != earliest:
        world.queues.wake()
    deliver_due(world)


def deliver_due(world: World) -> None:
    """Put the events whose time has come into their queues."""
    while due := world.bus.pop_due(world.clock.now()):
        _deliver(world, *due)


def next_delivery(world: World) -> float | None:
    """Return the time at which the next event arrives at a queue."""
    return world.bus.next_due()


def _deliver(world: World, route: Route, text: str) -> None:
    # A circular import otherwise: sqs_access imports calls, and calls import the world with this bus.
    from ecrkeeper_sim.sqs_access import allows_service

    queue, now = world.queues.by_arn.get(route.queue), world.clock.now()
    service, source = route.sender
    failure = f"{route.queue} does not exist" if queue is None else allows_service(world, queue, service, source)
    if queue is None or failure is not None:
        world.bus.counts["undelivered"] += 1
        world.bus.last_failure = failure or ""
        return
    message = Message(world.uuid(), text, service, now, now)
    world.bus.counts["discarded"] += queue.put(message, now, world.settings.max_queue_messages)
    world.bus.counts["delivered"] += 1


def _rewritten(route: Route, event: Event) -> Event:
    if not route.rewrite_envelope:
        return event
    _, _, _, region, account, _ = route.queue.split(":")
    return {**event, "account": account, "region": region}


def _wrapped(world: World, route: Route, text: str) -> str:
    if route.form != "sns":
        return text
    region = route.topic.split(":")[3]
    host = f"https://sns.{region}.amazonaws.com"
    return json.dumps(
        {
            "Type": "Notification",
            "MessageId": world.uuid(),
            "TopicArn": route.topic,
            "Message": text,
            "Timestamp": iso8601(world.clock.now()).replace("Z", ".000Z"),
            "SignatureVersion": "1",
            "Signature": base64.b64encode(world.random.randbytes(256)).decode(),
            "SigningCertURL": f"{host}/SimpleNotificationService-0000000000000000000000000000000.pem",
            "UnsubscribeURL": f"{host}/?Action=Unsubscribe&SubscriptionArn={route.topic}:{world.uuid()}",
        }
    )
