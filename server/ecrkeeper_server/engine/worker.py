"""The loop: claim due resources, start an attempt on each, renew the leases."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable

import structlog

from ecrkeeper_server.aws.client import Aws
from ecrkeeper_server.engine.event_health import EventHealth
from ecrkeeper_server.engine.finish import Finisher
from ecrkeeper_server.engine.options import EngineOptions
from ecrkeeper_server.engine.purge import PURGE_BACKLOG_SECONDS, PURGE_SECONDS, purge
from ecrkeeper_server.engine.reconciler import Reconciler
from ecrkeeper_server.engine.slots import Slots
from ecrkeeper_server.engine.telemetry import ReconcileTelemetry
from ecrkeeper_server.engine.triggers import Triggers
from ecrkeeper_server.errors import StatusError
from ecrkeeper_server.metrics.server import Metrics
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.store import claims, queue, sweep
from ecrkeeper_server.store.claims import NO_CAPACITY
from ecrkeeper_server.store.database import Database, Tx
from ecrkeeper_server.store.rows import Resource
from ecrkeeper_server.store.sweep import Desired
from ecrkeeper_server.turns import Turns

log = structlog.get_logger("ecrkeeper.engine")

_IDLE_SECONDS = 5.0
# The pause between attempts while the database fails; doubled each time.
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 1.0, 15.0
_GATHER_SECONDS = 0.02
_CONTENDED_SECONDS = 0.05


class Engine:
    """Reconciles due resources until it is stopped."""

    def __init__(
        self,
        db: Database,
        aws: Aws,
        options: EngineOptions,
        *,
        jitter: Callable[[], float] = random.random,
        telemetry: ReconcileTelemetry | None = None,
        health: EventHealth | None = None,
        turns: Turns | None = None,
    ) -> None:
        self._db = db
        self._options = options
        finisher = Finisher(db, options.resync, jitter, health, attribution=options.attribution)
        telemetry = telemetry or ReconcileTelemetry(Metrics().engine)
        self._reconciler = Reconciler(db, aws, options, finisher, telemetry, turns or Turns(), health)
        self._woken = asyncio.Event()
        self.triggers = Triggers(self._woken.set)
        self._stopping = False
        self._running: dict[asyncio.Task[None], Resource] = {}
        self._slots = Slots(options.concurrency)
        # The time of the last claim in the backlog lane, and that of the last read if it found nothing due.
        self._claimed_at = self._nothing_due_at = 0.0

    def running(self) -> int:
        """The number of leased resources."""
        return len(self._running)

    async def run(self) -> None:
        """Claim and reconcile until `stop`; wait for a database that does not answer."""
        renewal = asyncio.create_task(self._renew())
        purge_at, failures = 0.0, 0
        try:
            while not self._stopping:
                self._woken.clear()
                try:
                    if time.monotonic() >= purge_at:
                        more_to_purge = await purge(self._db, self._options.audit_days)
                        purge_at = time.monotonic() + (PURGE_BACKLOG_SECONDS if more_to_purge else PURGE_SECONDS)
                    pause = await self._until_claim()
                    if pause <= 0 and not await self.claim_once():
                        # Another worker briefly holds due resources that were not claimed.
                        pause = await self._pause() or _CONTENDED_SECONDS
                    failures = 0
                except Exception as error:
                    # The loop survives any error: a server with a dead engine and a working API is useless.
                    if not isinstance(error, StatusError):
                        log.exception("claim_failed")
                    pause, failures = _pause_after(failures), failures + 1
                if pause > 0:
                    await self._wait(pause)
            # Attempts keep their leases while `stop` waits for them.
            await self.drain()
        finally:
            renewal.cancel()

    async def _until_claim(self) -> float:
        """Return the seconds until there may be something to claim.

        Claiming opens a transaction, so a worker that was not told that something is due
        checks with a plain read first. While nothing is due, each ending attempt wakes
        the loop in vain, so several share a read.
        """
        if self.triggers.hinted:
            return 0.0
        early = self._nothing_due_at + _GATHER_SECONDS - time.monotonic()
        return early if early > 0 and self._running else await self._pause()

    async def _pause(self) -> float:
        """Return the seconds to the next resource with capacity, at most a few.

        That is 0 if one is due. Notifications can be lost, hence the maximum.
        """
        backlog, urgent = self._capacity()
        if not backlog.slots and self._slots.backlog.slots:
            return max(0.001, self._claimed_at + _GATHER_SECONDS - time.monotonic())
        if not (backlog.slots or urgent.slots):
            # An ending attempt wakes the loop.
            return _IDLE_SECONDS
        if not self._running:
            # Resources of the priority lane fit into the capacity of the backlog lane as well.
            urgent = NO_CAPACITY
        due = await self._db.read(lambda tx: claims.next_due(tx, backlog=backlog, urgent=urgent))
        self._nothing_due_at = time.monotonic() if due is None or due > 0 else 0.0
        return _IDLE_SECONDS if due is None else min(_IDLE_SECONDS, due)

    def _capacity(self) -> tuple[claims.Capacity, claims.Capacity]:
        """Return the capacity of the backlog lane and of the priority lane.

        Claims of single resources would cost more than the attempts. The backlog
        therefore waits shortly for more capacity, and so does the priority lane if
        there was no write.
        """
        backlog, urgent = self._slots.backlog, self._slots.urgent
        little = backlog.slots < self._options.concurrency // 2
        if little and self._running and time.monotonic() < self._claimed_at + _GATHER_SECONDS:
            return NO_CAPACITY, urgent if self.triggers.hinted else NO_CAPACITY
        return backlog, urgent

    async def _wait(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._woken.wait(), seconds)
        except TimeoutError:
            return

    async def claim_once(self) -> bool:
        """Claim up to the capacity and start attempts; return whether to claim again now."""
        backlog, urgent = self._capacity()
        if not (backlog.slots or urgent.slots) or self._stopping:
            return False
        self.triggers.hinted = False
        free = self._slots.free
        claimed, desired = await self._db.write(lambda tx: self._claim(tx, backlog, urgent, free))
        if self._stopping and claimed:
            names = [row.name for row in claimed]
            await self._db.write(lambda tx: queue.release(tx, names, claimed[0].lease_token or ""))
            return False
        if backlog.slots:
            self._claimed_at = time.monotonic()
        self._slots.acquire(claimed)
        for row in claimed:
            task = asyncio.create_task(self._reconciler.work(row, desired.get(row.name)))
            self._running[task] = row
            task.add_done_callback(self._done)
        # One account's resources may hide those behind them, but nothing in the priority lane.
        urgent_capacity = self._slots.urgent if any(row.urgent for row in claimed) else NO_CAPACITY
        return bool(claimed) and (self._slots.backlog.slots > 0 or urgent_capacity.slots > 0)

    def _claim(
        self, tx: Tx, backlog: claims.Capacity, urgent: claims.Capacity, free: int
    ) -> tuple[list[Resource], dict[str, Desired]]:
        """Return claimed resources, with a consistent read of their declarations."""
        claimed = claims.claim(tx, lease=self._options.lease, backlog=backlog, urgent=urgent, total=free)
        registries = [row for row in claimed if row.kind == RegistryName.kind]
        return claimed, sweep.desired(tx, registries) if registries else {}

    def _done(self, task: asyncio.Task[None]) -> None:
        self._slots.release(self._running.pop(task))
        self._woken.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("step_crashed", exc_info=error)

    async def drain(self) -> None:
        """Wait until no attempt is running."""
        while self._running:
            await asyncio.wait(list(self._running))

    async def stop(self, grace: float) -> None:
        """Stop claiming, let attempts end within `grace` seconds, and release the rest."""
        self._stopping = True
        self._woken.set()
        if self._running:
            await asyncio.wait(list(self._running), timeout=grace)
        held = self._held()
        for task in list(self._running):
            task.cancel()
        await asyncio.gather(*list(self._running), return_exceptions=True)
        try:
            for token, names in held.items():
                await self._db.write(lambda tx, token=token, names=names: queue.release(tx, names, token))  # type: ignore[misc]
        except StatusError as error:
            # The leases expire by themselves; the process still ends in order.
            log.warning("leases_not_released", error=error.message)

    def _held(self) -> dict[str, list[str]]:
        """Return the names of leased resources, by token."""
        held: dict[str, list[str]] = {}
        for row in self._running.values():
            held.setdefault(row.lease_token or "", []).append(row.name)
        return held

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(self._options.lease / 3)
            held = self._held()
            if not held:
                continue
            try:
                await self._db.write(lambda tx, held=held: self._extend(tx, held))  # type: ignore[misc]
            except StatusError as error:
                # The fence before each write to AWS detects an expired lease.
                log.warning("lease_not_renewed", error=error.message)
            except Exception:
                # The worker continues after any error: running attempts need their leases.
                log.exception("lease_not_renewed")

    def _extend(self, tx: Tx, held: dict[str, list[str]]) -> None:
        for token, names in held.items():
            queue.renew(tx, names, token, self._options.lease)


def _pause_after(failures: int) -> float:
    """Return the seconds to the next attempt after this many failures."""
    return min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2.0 ** min(failures, 10))
