"""Make the resources due that messages name, many messages in one transaction."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial

import structlog
from cachetools import TTLCache
from msgspec import Struct, field

from ecrkeeper_server.engine import causes
from ecrkeeper_server.engine.attribution import Own, cloud_event
from ecrkeeper_server.engine.event_batch import EventBatch, sort_bodies
from ecrkeeper_server.events.envelopes import Delivery
from ecrkeeper_server.events.origin import Origin
from ecrkeeper_server.events.queue_url import QueueUrl
from ecrkeeper_server.events.records import Record
from ecrkeeper_server.events.targets import names_at, names_of
from ecrkeeper_server.metrics.events import EventMetrics
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.store import cloud_events, findings, fleet_accounts, fleet_syncs, resources
from ecrkeeper_server.store.batch import Batch
from ecrkeeper_server.store.clock import MICROSECONDS
from ecrkeeper_server.store.cloud_events import CloudEvent
from ecrkeeper_server.store.database import Database, Tx

log = structlog.get_logger("ecrkeeper.events")

# Messages of an account whose principal AWS does not name within this time are received again later.
IDENTITY_SECONDS = 2.0
_MAX_BATCHES, _PLACES = 20, 50_000


class _Work(Struct, frozen=True):
    """A batch, with our principals in its accounts."""

    batch: EventBatch
    arns: dict[str, str]


class _Result(Struct):
    kinds: Counter[str] = field(default_factory=Counter)
    # The seconds between a change and the event that made its resource due.
    delays: list[float] = field(default_factory=list)
    due: set[str] = field(default_factory=set)
    places: set[RegistryName] = field(default_factory=set)


class EventIntake:
    """Stores message bodies; those that arrive meanwhile share the next transaction.

    Malformed, forged and useless messages are counted and dropped, never an error.
    """

    def __init__(
        self,
        db: Database,
        own: Own,
        metrics: EventMetrics,
        wake_after: Callable[[float], None],
        debounce: float = resources.EVENT_DEBOUNCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._db = db
        self._own = own
        self._metrics = metrics
        self._wake_after = wake_after
        self._debounce = debounce
        self._works: Batch[_Work, Exception | None] = Batch(self._write, max_items=_MAX_BATCHES)
        # Places whose health was stored recently.
        self._noted: TTLCache[RegistryName, bool] = TTLCache(_PLACES, cloud_events.HEALTH_STEP_SECONDS, timer=clock)

    async def store(self, bodies: Sequence[str], queue: QueueUrl) -> set[int]:
        """Make the resources due that the bodies name.

        Return the positions of messages to keep: AWS did not say in time whether they are of our own calls. The others
        may be deleted. Raises Unavailable.
        """
        batch = sort_bodies(bodies, queue)
        for position in [at for at, each in batch.records.items() if self._own.wrote(each)]:
            batch.drop_own(position)
        arns = await self._own.arns(batch.records.values(), IDENTITY_SECONDS)
        kept = {
            position
            for position, record in batch.records.items()
            if self._own.claims(record) and record.account not in arns
        }
        for position in kept:
            del batch.records[position]
        if self._concerns_store(batch) and (error := await self._works.put(_Work(batch, arns))) is not None:
            raise error
        self._count(batch.kinds)
        return kept

    def _concerns_store(self, batch: EventBatch) -> bool:
        """Return whether a batch has to be stored.

        It need not if only events arrived, at places whose health is stored.
        """
        return batch.has_work or any(place not in self._noted for place in batch.arrived)

    async def _write(self, works: list[_Work]) -> list[Exception | None]:
        # The store works on another thread, which must not read the cache.
        young = {place for work in works for place in work.batch.places if place in self._noted}
        try:
            result = await self._db.write(lambda tx: self._store(tx, works, young))
        except Exception as error:
            if len(works) == 1:
                return [error]
            # One batch that the store rejects delays no other.
            alone = await asyncio.gather(*(self._write([work]) for work in works))
            return [error for [error] in alone]
        for place in result.places:
            self._noted[place] = True
        if result.due:
            # Not earlier: a claim that finds nothing due costs as much as any other.
            self._wake_after(self._debounce)
        self._count(result.kinds)
        for seconds in result.delays:
            self._metrics.delayed(seconds)
        return [None] * len(works)

    def _count(self, kinds: Counter[str]) -> None:
        for kind, count in kinds.items():
            self._metrics.received(kind, count)

    def _store(self, tx: Tx, works: Sequence[_Work], young: Collection[RegistryName]) -> _Result:
        result = _Result()
        fleet_accounts.request_checks(tx, {account for work in works for account in work.batch.accounts})
        if any(work.batch.organization for work in works):
            fleet_syncs.request(tx, fleet_syncs.ORGANIZATION)
        records = [(record, work.arns) for work in works for record in work.batch.records.values()]
        deliveries = [each for work in works for each in work.batch.deliveries]
        arrived = {place for work in works for place in work.batch.arrived}.difference(young)
        known = cloud_events.known_names(
            tx,
            {
                *(name for record, _ in records for name in names_of(record)),
                *(str(name) for each in deliveries for name in (each.registry, each.place)),
                *(name for place in arrived for name in names_at(place)),
            },
        )
        result.places = {place for place in arrived if not known.isdisjoint(names_at(place))}
        events = self._foreign(tx, records, known, result)
        new = cloud_events.add(tx, [each for of_event in events.values() for each in of_event])
        for event_id, of_event in events.items():
            fresh = [each for each in of_event if (event_id, each.name) in new]
            foreign = "other_keeper" if of_event[0].installation else "foreign"
            result.kinds[foreign if fresh else "duplicate"] += 1
            result.delays += [(new[event_id, each.name] - each.event_time) / MICROSECONDS for each in fresh[:1]]
            result.due.update(each.name for each in fresh)
        if result.due:
            resources.enqueue_by_event(tx, sorted(result.due), self._debounce)
            causes.attribute_pending(tx, sorted(result.due))
        self._deliver(tx, deliveries, known, result)
        result.places.difference_update(young)
        cloud_events.record_arrival(tx, result.places)
        return result

    def _foreign(
        self, tx: Tx, records: Iterable[tuple[Record, dict[str, str]]], known: Collection[str], result: _Result
    ) -> dict[str, list[CloudEvent]]:
        """Return the calls of other principals by event id, and count the rest."""
        ids = cloud_events.own_request_ids(tx, {each.request_id for each, _ in records if each.request_id})
        events: dict[str, list[CloudEvent]] = {}
        for record, arns in records:
            concerned = [name for name in names_of(record) if name in known]
            if not concerned:
                result.kinds["unknown"] += 1
                continue
            result.places.add(RegistryName(record.account, record.region))
            origin = self._own.origin(record, ids, arns)
            if origin is Origin.OWN:
                result.kinds["own"] += 1
            elif record.actor.event_id in events:
                result.kinds["duplicate"] += 1
            else:
                events[record.actor.event_id] = [cloud_event(record, name, origin) for name in concerned]
        return events

    def _deliver(self, tx: Tx, deliveries: Sequence[Delivery], known: Collection[str], result: _Result) -> None:
        for each in deliveries:
            if str(each.registry) not in known:
                result.kinds["unknown"] += 1
                continue
            result.kinds["delivery"] += 1
            if str(each.place) in known:
                result.places.add(each.place)
            failure = None if each.succeeded else f"{each.reason} (repository {each.repository})"
            findings.change(tx, str(each.registry), partial(_delivered, delivery=each, failure=failure))


def _delivered(old: findings.Findings, delivery: Delivery, failure: str | None) -> findings.Findings:
    return old.with_delivery(delivery.setting, delivery.target, delivery.event_time, failure)
