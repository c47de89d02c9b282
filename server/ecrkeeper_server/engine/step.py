"""What a step works with and what it leaves."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from ecrkeeper_server.aws.client import Aws
from ecrkeeper_server.engine.conditions import Standing
from ecrkeeper_server.store import queue
from ecrkeeper_server.store.bulk import Desired
from ecrkeeper_server.store.database import Database
from ecrkeeper_server.store.rows import Resource


class LeaseLostError(Exception):
    """Another worker holds the row: nothing more may be written, to AWS or to the store."""


@dataclass(slots=True)
class Step:
    """A claimed row and the means to work on it. `now` is in microseconds.

    `saved`: the row's state is no longer the claimed one, because the step
    had something to remember on its way.
    """

    claimed: Resource
    db: Database
    aws: Aws
    desired: Callable[[Resource], Awaitable[Desired | None]]
    now: int
    home_region: str
    saved: bool = False
    monotonic: Callable[[], float] = time.monotonic

    async def fence(self) -> None:
        """Make sure, just before a write to AWS, that the row is still held.

        The database says for how long, and that is compared with how long its
        answer took: a process that stood still in between asks again.
        """
        while True:
            asked = self.monotonic()
            left = await self.db.read(lambda tx: queue.lease_left(tx, self.claimed))
            if left <= 0:
                raise LeaseLostError
            if self.monotonic() - asked < left:
                return

    async def write(self, region: str, service: str, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        """Call an operation that changes something, if the row is still held; raises LeaseLostError."""
        return await self.aws.call(self.claimed.account, region, service, operation, params, fence=self.fence)

    async def save(self, state: dict[str, Any]) -> None:
        """Remember something before going on; raises LeaseLostError."""
        self.saved = True
        if not await self.db.write(lambda tx: queue.hold(tx, self.claimed, state)):
            raise LeaseLostError


@dataclass(frozen=True, slots=True)
class StepResult:
    """How a step ended.

    `next_in` overrides the usual delay, in seconds. `settled`: nothing is left
    to do for this generation. `removed`: the resource is gone. `ended` are
    operations to end, by id, with an error or None.
    """

    state: dict[str, Any]
    standing: Standing
    observed: bool
    settled: bool
    next_in: float | None = None
    removed: bool = False
    ended: tuple[tuple[str, dict[str, Any] | None], ...] = ()
