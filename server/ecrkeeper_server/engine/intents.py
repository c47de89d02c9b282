"""Store intended writes of attempts before they are sent, many in one transaction."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from ecrkeeper_server.errors import StatusError
from ecrkeeper_server.json_object import Json
from ecrkeeper_server.store import audit, originals, queue
from ecrkeeper_server.store.audit import NewEvent
from ecrkeeper_server.store.batch import Batch
from ecrkeeper_server.store.database import Database, Tx
from ecrkeeper_server.store.long_json import LongJson
from ecrkeeper_server.store.originals import Original
from ecrkeeper_server.store.rows import Resource

# The maximum number of intents in one transaction.
_MAX_INTENTS = 20

Ids = list[int] | None
"""The ids of the audit events in order; None if the lease is lost."""


class Intent(Struct, frozen=True, eq=False):
    """The state, the originals and the audit events of an attempt before it writes."""

    claimed: Resource
    state: Json | LongJson
    originals: Sequence[Original]
    events: Sequence[NewEvent]


class Intents:
    """Stores intents; those that arrive during a transaction share the next one."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._batch: Batch[Intent, Ids | StatusError] = Batch(self._store, max_items=_MAX_INTENTS)

    async def put(self, intent: Intent) -> Ids:
        """Store an intent; raises Unavailable."""
        result = await self._batch.put(intent)
        if isinstance(result, StatusError):
            raise result
        # Alone, it waits for a row that another transaction holds, and its lease is lost for sure.
        return await self.put_alone(intent) if result is None else result

    async def put_alone(self, intent: Intent) -> Ids:
        """Store an intent in a transaction of its own; raises Unavailable."""

        def save(tx: Tx) -> Ids:
            return record(tx, [intent])[0] if queue.hold(tx, intent.claimed, intent.state) else None

        return await self._db.write(save)

    async def _store(self, intents: list[Intent]) -> list[Ids | StatusError]:
        try:
            return [*await self._db.write(lambda tx: save_free(tx, intents))]
        except StatusError as error:
            return [error] * len(intents)
        except Exception:  # One intent that the store rejects delays no other.
            return [None] * len(intents)


def save_free(tx: Tx, intents: Sequence[Intent]) -> list[Ids]:
    """Store the intents whose leases hold, and return their ids.

    Rows that another transaction holds are left alone: their ids are None, too.
    """
    held = queue.hold_free(tx, [(each.claimed, each.state) for each in intents])
    ids = iter(record(tx, [each for each in intents if each.claimed.name in held]))
    return [next(ids) if each.claimed.name in held else None for each in intents]


def record(tx: Tx, intents: Sequence[Intent]) -> list[list[int]]:
    """Record the originals and the audit events of intents; return the ids of each."""
    originals.record(tx, [original for each in intents for original in each.originals])
    ids = iter(audit.record(tx, [event for each in intents for event in each.events]))
    return [[next(ids) for _ in each.events] for each in intents]
