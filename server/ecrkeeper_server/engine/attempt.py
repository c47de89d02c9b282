"""The context of an attempt, and its result."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from ecrkeeper_server.aws.client import Aws
from ecrkeeper_server.aws.transport import Fence
from ecrkeeper_server.aws_errors import Temporary
from ecrkeeper_server.ecr.apply import AwsWrite
from ecrkeeper_server.engine.conditions import Status
from ecrkeeper_server.engine.intents import Ids, Intent, Intents
from ecrkeeper_server.engine.unchanged import Unchanged
from ecrkeeper_server.json_object import Json
from ecrkeeper_server.store import audit, queue
from ecrkeeper_server.store.audit import NewEvent
from ecrkeeper_server.store.database import Database, Tx
from ecrkeeper_server.store.json_columns import writing_json
from ecrkeeper_server.store.long_json import LongJson
from ecrkeeper_server.store.originals import Original, merging, reading, record
from ecrkeeper_server.store.rows import Resource
from ecrkeeper_server.store.specs import permits_of
from ecrkeeper_server.store.state_parts import StoredError
from ecrkeeper_server.store.states import State
from ecrkeeper_server.store.sweep import Desired
from ecrkeeper_server.turns import MANY, work


class LeaseLostError(Exception):
    """Another worker holds the lease: this one must not write to AWS or the store."""


class Attempt(Struct):
    """A claimed resource with the means to reconcile it; `now` is in microseconds.

    `desired` is empty for roles. If `saved`, the attempt has stored another state
    than the claimed one. `writes` are the recorded calls, in the intended order.
    """

    claimed: Resource
    db: Database
    aws: Aws
    desired: Desired
    now: int
    home_region: str
    # The inputs for which earlier attempts found nothing to do.
    unchanged: Unchanged = field(default_factory=Unchanged)
    # The batch in which attempts of this process store their intents; without one, each stores its own.
    intents: Intents | None = None
    contest_window: float = 600.0
    # Whether to find out if events arrive.
    probes: bool = False
    saved: bool = False
    # The cost of what is declared and of what AWS has.
    elements: int = 0
    monotonic: Callable[[], float] = time.monotonic
    reconcile_id: str = ""
    # The end of any search for rejected changes, in monotonic time: the attempt has a timeout.
    search_until: float = math.inf
    writes: list[AwsWrite] = field(default_factory=list)

    async def fence(self) -> None:
        """Check right before a write to AWS that the lease and the mode still hold.

        The database returns the remaining time, which is compared with the time that
        its answer took: a process that was suspended in between asks again.
        """
        while True:
            requested_at = self.monotonic()
            remaining, spec = await self.db.read(lambda tx: queue.check_lease(tx, self.claimed))
            if remaining <= 0:
                raise LeaseLostError
            if permits_of(spec) != permits_of(self.claimed.spec):
                text = "the mode was changed during this attempt"
                raise Temporary(text, reason="MODE_CHANGED", after=0.0)
            if self.monotonic() - requested_at < remaining:
                return

    async def send(self, write: AwsWrite, ready: Fence | None = None) -> dict[str, Any]:
        """Send a recorded write if the lease still holds.

        Raises LeaseLostError, Permanent and Temporary. `ready` is awaited when the
        rate limit allows the call, before the fence.
        """
        return await write.send(self.aws, self.fence, ready)

    async def record(self, writes: Sequence[AwsWrite], state: State | None = None) -> None:
        """Record the writes to send, and a given state; raises LeaseLostError."""

        stored, events = None if state is None else await self._written(state), await self._events(writes)

        def save(tx: Tx) -> bool:
            if stored is None:
                return queue.lease_remaining(tx, self.claimed) > 0
            return queue.hold(tx, self.claimed, stored)

        # Set first: an attempt that is cancelled while it waits may have saved it.
        self.saved = self.saved or state is not None
        async with work().writing(self.elements):
            ids = await self.db.write(lambda tx: audit.record(tx, events) if save(tx) else None)
        self._recorded(writes, ids)

    async def intend(self, writes: Sequence[AwsWrite], state: State, originals: Sequence[Original]) -> None:
        """Record the writes to send, and a state that owns their elements.

        `originals` is AWS's state of new declarations. Attempts that do so at the same
        time share a transaction. Raises LeaseLostError.
        """
        stored, merged = await self._written(state), await self._merged(originals)
        intent = Intent(self.claimed, stored, merged, await self._events(writes))
        intents, self.saved = self.intents or Intents(self.db), True
        if self.elements < MANY:
            self._recorded(writes, await intents.put(intent))
            return
        async with work().writing(self.elements):
            self._recorded(writes, await intents.put_alone(intent))

    async def keep(self, originals: Sequence[Original]) -> None:
        """Store originals of which nothing is written."""
        merged = await self._merged(originals)
        async with work().writing(self.elements):
            await self.db.write(lambda tx: record(tx, merged))

    async def _merged(self, originals: Sequence[Original]) -> Sequence[Original]:
        """Return originals merged with the stored ones in turns.

        Few are merged in their transaction.
        """
        if self.elements < MANY or not originals:
            return originals
        texts = await self.db.read_in_turns(lambda tx: reading(tx, originals))
        return await work().run(merging(originals, texts))

    async def _written(self, state: State) -> Json | LongJson:
        """Return a state with its text if it may be long."""
        stored = state.to_json()
        return stored if self.elements < MANY else await work().run(writing_json(stored))

    async def _events(self, writes: Sequence[AwsWrite]) -> Sequence[NewEvent]:
        row = self.claimed
        attributes = {"generation": row.generation, "reconcile_id": self.reconcile_id}
        events = [write.event(row.name, **attributes) for write in writes]
        return events if self.elements < MANY else await work().run(audit.writing(events))

    def _recorded(self, writes: Sequence[AwsWrite], ids: Ids) -> None:
        if ids is None:
            raise LeaseLostError
        for write, number in zip(writes, ids, strict=True):
            write.id = number
        self.writes += writes


class AttemptResult(Struct, frozen=True):
    """The end of an attempt.

    `next_in` overrides the usual delay, in seconds. `poll_in` is the time to the
    next poll of something else, such as a backfill, if that is sooner. If
    `converged`, nothing is left to do for this generation. If `removed`, the
    resource no longer exists. `ended` are operations to end, by id, with an error
    or None. `owners` are the statuses of declarations that may differ from the
    registry's.
    """

    state: State
    status: Status
    observed: bool
    converged: bool
    next_in: float | None = None
    poll_in: float | None = None
    removed: bool = False
    ended: tuple[tuple[str, StoredError | None], ...] = ()
    owners: Mapping[str, Status] = field(default_factory=dict)

    @property
    def converged_owners(self) -> list[str] | None:
        """Return the owners whose declarations converged; None for all of them."""
        return None if self.converged else [owner for owner, status in self.owners.items() if status.synced]
