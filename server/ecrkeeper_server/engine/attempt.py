"""What an attempt works with and what it leaves."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ecrkeeper_server.aws.client import Aws
from ecrkeeper_server.aws.transport import Fence
from ecrkeeper_server.aws_errors import Temporary
from ecrkeeper_server.ecr.apply import AwsWrite
from ecrkeeper_server.engine.conditions import Status
from ecrkeeper_server.store import audit, queue
from ecrkeeper_server.store.database import Database, Tx
from ecrkeeper_server.store.rows import Resource
from ecrkeeper_server.store.specs import permits_of
from ecrkeeper_server.store.state_parts import StoredError
from ecrkeeper_server.store.states import State
from ecrkeeper_server.store.sweep import Desired


class LeaseLostError(Exception):
    """Another worker holds the row: nothing more may be written, to AWS or to the store."""


@dataclass(slots=True)
class Attempt:
    """A claimed row and the means to work on it. `now` is in microseconds; nothing is `desired` of roles.

    `saved`: the row's state is no longer the claimed one, because the attempt
    had something to remember on its way. `writes` are the calls that the attempt
    has recorded, in the order in which it means to send them.
    """

    claimed: Resource
    db: Database
    aws: Aws
    desired: Desired
    now: int
    home_region: str
    saved: bool = False
    monotonic: Callable[[], float] = time.monotonic
    reconcile_id: str = ""
    # When to stop searching for what AWS refuses, in monotonic time: the attempt has to end in time.
    search_until: float = math.inf
    writes: list[AwsWrite] = field(default_factory=list)

    async def fence(self) -> None:
        """Make sure, just before a write to AWS, that the row is still held, and may be written as it was claimed.

        The database says for how long, and that is compared with how long its
        answer took: a process that stood still in between asks again.
        """
        while True:
            asked = self.monotonic()
            left, spec = await self.db.read(lambda tx: queue.held(tx, self.claimed))
            if left <= 0:
                raise LeaseLostError
            if permits_of(spec) != permits_of(self.claimed.spec):
                text = "what may be written was changed while this was under way"
                raise Temporary(text, reason="MODE_CHANGED", after=0.0)
            if self.monotonic() - asked < left:
                return

    async def send(self, write: AwsWrite, ready: Fence | None = None) -> dict[str, Any]:
        """Send a write that was recorded, if the row is still held; raises LeaseLostError, Permanent and Temporary.

        `ready` is awaited when the rate allows the call, before the fence.
        """
        return await write.send(self.aws, self.fence, ready)

    async def record(self, writes: Sequence[AwsWrite], state: State | None = None) -> None:
        """Remember what is about to be sent, and the state if one is given; raises LeaseLostError."""

        def save(tx: Tx) -> bool:
            if state is None:
                return queue.lease_left(tx, self.claimed) > 0
            return queue.hold(tx, self.claimed, state.to_json())

        # Before it is known: an attempt that is broken off while it waits may have saved it.
        self.saved = self.saved or state is not None
        await self.commit(save, writes)

    async def commit(self, save: Callable[[Tx], bool], writes: Sequence[AwsWrite]) -> None:
        """As `record`, with what `save` has to remember; it says whether the row is still held."""
        row = self.claimed
        known = {"generation": row.generation, "reconcile_id": self.reconcile_id}
        events = [write.event(row.name, **known) for write in writes]

        def change(tx: Tx) -> list[int] | None:
            return audit.record(tx, events) if save(tx) else None

        ids = await self.db.write(change)
        if ids is None:
            raise LeaseLostError
        for write, number in zip(writes, ids, strict=True):
            write.id = number
        self.writes += writes


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """How an attempt ended.

    `next_in` overrides the usual delay, in seconds; `poll_in` is when to look at something else of the row, such as a
    backfill, if that comes sooner. `converged`: nothing is left
    to do for this generation. `removed`: the resource is gone. `ended` are
    operations to end, by id, with an error or None. `owners` is how the declaration
    of each owner stands, where that may differ from the registry.
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
        """The owners for whose declarations nothing is left to do; None for all of them."""
        return None if self.converged else [owner for owner, status in self.owners.items() if status.synced]
