"""Make due the resources that messages name, one transaction a batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import partial

import structlog

from ecrkeeper_server.engine import causes
from ecrkeeper_server.engine.attribution import Own, cloud_event
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
from ecrkeeper_server.events.origin import Origin
from ecrkeeper_server.events.queue_url import QueueUrl
from ecrkeeper_server.events.records import Record
from ecrkeeper_server.events.targets import names_of, setting_of
from ecrkeeper_server.metrics.events import EventMetrics
from ecrkeeper_server.names import RegistryName, partition_of
from ecrkeeper_server.store import cloud_events, findings, fleet_accounts, fleet_syncs, resources
from ecrkeeper_server.store.clock import MICROSECONDS
from ecrkeeper_server.store.cloud_events import CloudEvent
from ecrkeeper_server.store.database import Database, Tx

log = structlog.get_logger("ecrkeeper.events")


@dataclass(slots=True)
class _Batch:
    """Sort bodies of messages without the store.

    `kinds` counts those of which nothing else is to be done.
    """

    records: list[Record] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    # Authentic events of which only the arrival counts.
    arrived: set[RegistryName] = field(default_factory=set)
    # Accounts whose Regions have changed, and whether an organization has.
    accounts: set[str] = field(default_factory=set)
    organization: bool = False
    kinds: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class _Result:
    kinds: Counter[str] = field(default_factory=Counter)
    # Of the events that made a resource due.
    times: list[int] = field(default_factory=list)
    due: set[str] = field(default_factory=set)
    # The time of the store.
    now: int = 0


class EventIntake:
    """Takes batches of bodies.

    What is malformed, forged or of no use is counted and dropped, never an error.
    """

    def __init__(
        self,
        db: Database,
        own: Own,
        metrics: EventMetrics,
        wake: Callable[[Collection[str]], None],
        debounce: float = resources.EVENT_DEBOUNCE,
    ) -> None:
        self._db = db
        self._own = own
        self._metrics = metrics
        self._wake = wake
        self._debounce = debounce

    async def take(self, bodies: Sequence[str], queue: QueueUrl) -> None:
        """Make due what the bodies name.

        When it returns, the messages may be deleted. Raises Unavailable.
        """
        batch = _sorted(bodies, queue)
        arns = await self._own.arns(batch.records)
        result = _Result()
        if batch.records or batch.deliveries or batch.arrived or batch.accounts or batch.organization:
            result = await self._db.write(lambda tx: self._store(tx, batch, arns))
        if result.due:
            self._wake(result.due)
        for kind, count in (batch.kinds + result.kinds).items():
            self._metrics.received(kind, count)
        for at in result.times:
            self._metrics.delayed((result.now - at) / MICROSECONDS)

    def _store(self, tx: Tx, batch: _Batch, arns: dict[str, str]) -> _Result:
        result = _Result()
        fleet_accounts.request_checks(tx, batch.accounts)
        if batch.organization:
            fleet_syncs.request(tx, fleet_syncs.ORGANIZATION)
        names = {name for record in batch.records for name in names_of(record)}
        known = cloud_events.known_names(tx, names | {str(each.registry) for each in batch.deliveries})
        ids = cloud_events.own_request_ids(tx, {each.request_id for each in batch.records if each.request_id})
        places, events = set(batch.arrived), dict[str, list[CloudEvent]]()
        for record in batch.records:
            concerned = [name for name in names_of(record) if name in known]
            origin = self._own.origin(record, ids, arns)
            if not concerned:
                result.kinds["unknown"] += 1
                continue
            places.add(RegistryName(record.account, record.region))
            if origin is Origin.OWN:
                result.kinds["own"] += 1
            elif record.actor.event_id in events:
                result.kinds["duplicate"] += 1
            else:
                events[record.actor.event_id] = [cloud_event(record, name, origin) for name in concerned]
        new = cloud_events.add(tx, [each for found in events.values() for each in found])
        for event_id, found in events.items():
            fresh = [each for each in found if (event_id, each.name) in new]
            foreign = "other_keeper" if found[0].actor["installation"] else "foreign"
            result.kinds[foreign if fresh else "duplicate"] += 1
            result.times += [each.event_time for each in fresh[:1]]
            result.due.update(each.name for each in fresh)
        if result.due:
            result.now = cloud_events.now(tx)
            resources.enqueue_by_event(tx, sorted(result.due), self._debounce)
            causes.attribute_pending(tx, sorted(result.due))
        places |= self._deliver(tx, batch.deliveries, known, result)
        cloud_events.arrived(tx, places)
        return result

    def _deliver(
        self, tx: Tx, deliveries: Sequence[Delivery], known: Collection[str], result: _Result
    ) -> set[RegistryName]:
        places = set()
        for each in deliveries:
            if str(each.registry) not in known:
                result.kinds["unknown"] += 1
                continue
            result.kinds["delivery"] += 1
            places.add(each.place)
            failure = None if each.succeeded else f"{each.reason} (repository {each.repository})"
            findings.change(tx, str(each.registry), partial(_delivered, delivery=each, failure=failure))
        return places


def _delivered(old: findings.Findings, delivery: Delivery, failure: str | None) -> findings.Findings:
    return old.with_delivery(delivery.setting, delivery.target, delivery.event_time, failure)


def _sorted(bodies: Sequence[str], queue: QueueUrl) -> _Batch:
    batch = _Batch()
    for body in bodies:
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
            _add(batch, event)
    return batch


def _check_partition(event: Event, queue: QueueUrl) -> None:
    region = event.registry.region if isinstance(event, Delivery) else event.region
    if partition_of(region) != partition_of(queue.region):
        raise Forged("the Region is of another partition than the queue")


def _add(batch: _Batch, event: Event) -> None:
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
            _add_record(batch, event)


def _add_record(batch: _Batch, event: Record) -> None:
    if event.read_only or not setting_of(event):
        batch.kinds["unrelated"] += 1
    elif event.error_code:
        batch.kinds["refused"] += 1
    else:
        batch.records.append(event)
        return
    batch.arrived.add(RegistryName(event.account, event.region))
