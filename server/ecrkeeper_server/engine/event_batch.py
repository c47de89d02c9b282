"""Sort the bodies of messages by the action that they need; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import structlog
from msgspec import Struct, field

from ecrkeeper_server.events.envelopes import (
    Delivery,
    Event,
    Forged,
    OrganizationChange,
    RegionChange,
    Unrelated,
    parse_body,
)
from ecrkeeper_server.events.fields import Malformed
from ecrkeeper_server.events.queue_url import QueueUrl
from ecrkeeper_server.events.records import Record
from ecrkeeper_server.events.targets import setting_of
from ecrkeeper_server.names import RegistryName, partition_of

log = structlog.get_logger("ecrkeeper.events")


class EventBatch(Struct):
    """The events of some messages.

    `records` has the calls that may have changed something, by the position of their message. `kinds` counts the
    events of which nothing else is to be done.
    """

    records: dict[int, Record] = field(default_factory=dict)
    deliveries: list[Delivery] = field(default_factory=list)
    # Authentic events that only show that events arrive.
    arrived: set[RegistryName] = field(default_factory=set)
    # Accounts whose Regions have changed, and whether an organization has.
    accounts: set[str] = field(default_factory=set)
    organization: bool = False
    kinds: Counter[str] = field(default_factory=Counter)

    @property
    def places(self) -> set[RegistryName]:
        """The accounts and Regions that sent the events."""
        called = {RegistryName(each.account, each.region) for each in self.records.values()}
        return called | {each.place for each in self.deliveries} | self.arrived

    @property
    def has_work(self) -> bool:
        """Whether anything but the arrival of events is to be stored."""
        return bool(self.records or self.deliveries or self.accounts or self.organization)

    def drop_own(self, position: int) -> None:
        """Drop a record of a call of this process: only its arrival counts."""
        record = self.records.pop(position)
        self.arrived.add(RegistryName(record.account, record.region))
        self.kinds["own"] += 1


def sort_bodies(bodies: Sequence[str], queue: QueueUrl) -> EventBatch:
    """Read the bodies of messages of a queue; nothing that they contain is an error."""
    batch = EventBatch()
    for position, body in enumerate(bodies):
        try:
            event = parse_body(body, queue.account)
            _check_partition(event, queue)
        except Malformed as error:
            batch.kinds["malformed"] += 1
            log.debug("event_malformed", queue=queue.name, error=str(error))
        except Forged as error:
            batch.kinds["forged"] += 1
            log.warning("event_forged", queue=queue.name, error=str(error))
        except Unrelated:
            batch.kinds["unrelated"] += 1
        else:
            _add(batch, position, event)
    return batch


def _check_partition(event: Event, queue: QueueUrl) -> None:
    region = event.registry.region if isinstance(event, Delivery) else event.region
    if partition_of(region) != partition_of(queue.region):
        raise Forged("the Region is of another partition than the queue")


def _add(batch: EventBatch, position: int, event: Event) -> None:
    match event:
        case Delivery():
            batch.deliveries.append(event)
        case RegionChange():
            batch.accounts.add(event.account)
            batch.kinds["account"] += 1
        case OrganizationChange():
            batch.organization = True
            batch.kinds["organization"] += 1
        case Record():
            _add_record(batch, position, event)


def _add_record(batch: EventBatch, position: int, event: Record) -> None:
    if event.read_only or not setting_of(event):
        batch.kinds["unrelated"] += 1
    elif event.error_code:
        batch.kinds["refused"] += 1
    else:
        batch.records[position] = event
        return
    batch.arrived.add(RegistryName(event.account, event.region))
