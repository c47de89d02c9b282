"""The loop that advances rollouts step by step, beside the engine's loop.

It also compares registry sets with their selectors.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial

import structlog

from ecrkeeper_server.errors import StatusError, Unavailable
from ecrkeeper_server.fleet.beginning import decide
from ecrkeeper_server.fleet.bounds import Bounds
from ecrkeeper_server.fleet.growth import claim_comparison, compare
from ecrkeeper_server.fleet.membership import next_page
from ecrkeeper_server.fleet.steps import Stepped, begin_large, plan_page, step
from ecrkeeper_server.metrics.engine import EngineMetrics
from ecrkeeper_server.store import registry_sets, rollouts
from ecrkeeper_server.store.database import Database, Tx
from ecrkeeper_server.store.rollout_rows import RolloutRow, TargetRow
from ecrkeeper_server.turns import MANY, WORK, Turns, Work, work

log = structlog.get_logger("ecrkeeper.fleet")

# Hints can be lost, and other replicas start rollouts.
_IDLE_SECONDS = 2.0
# One rollout at a time: it may have a hundred thousand targets.
_PURGE_SECONDS, _PURGE_AGAIN_SECONDS = 3600.0, 10.0
# How long a rollout waits after a step that failed.
_FAILED_SECONDS = 60.0
# Between attempts while the database fails; doubled each time.
_FIRST_PAUSE_SECONDS, _MAX_PAUSE_SECONDS = 0.5, 15.0
# How often the decision on a large target is repeated because something has changed.
_TRIES = 3


class RolloutWorker:
    """Works on rollouts until it is stopped.

    `wake_engine` makes the engine claim what a step has written.
    """

    def __init__(
        self,
        db: Database,
        bounds: Bounds,
        wake_engine: Callable[[], None],
        metrics: EngineMetrics | None = None,
        turns: Turns | None = None,
    ) -> None:
        self._db = db
        self._bounds = bounds
        self._wake_engine = wake_engine
        self._metrics = metrics
        self._turns = turns or Turns()
        self._woken = asyncio.Event()
        self._stopping = False
        # A separate check would cost another round trip for each step.
        self._due_at_once = False

    def wake(self) -> None:
        """Check now whether a step is due."""
        self._woken.set()

    def stop(self) -> None:
        """End the loop after the running step."""
        self._stopping = True
        self._woken.set()

    async def run(self) -> None:
        """Work until `stop`; wait while the database does not answer."""
        WORK.set(partial(Work, self._turns, "rollouts"))
        failures, purge_at = 0, 0.0
        while not self._stopping:
            try:
                if time.monotonic() >= purge_at:
                    purged = await self._db.write(rollouts.purge)
                    purge_at = time.monotonic() + (_PURGE_AGAIN_SECONDS if purged else _PURGE_SECONDS)
                pause = await self._pause_after_work()
                failures = 0
            except Exception as error:
                # An unexpected error must not end the loop: rollouts would stop silently.
                if not isinstance(error, StatusError):
                    log.exception("rollout_step_failed")
                pause = min(_MAX_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2.0 ** min(failures, 10))
                failures += 1
            if pause > 0:
                await self._wait(pause)

    async def work_once(self) -> bool:
        """Make one step or one comparison; return whether any was due."""
        if (self._due_at_once or await self._due(rollouts.next_due)) and await self._step():
            return True
        if not await self._due(registry_sets.next_due):
            return False
        row = await self._db.write(claim_comparison)
        if row is not None:
            await compare(self._db, row)
        return row is not None

    async def _step(self) -> bool:
        """Advance the rollout that has been due longest; return whether there was one.

        A rollout whose step fails waits, so that it does not delay the others.
        """
        claimed: RolloutRow | None = None
        self._due_at_once = False

        def change(tx: Tx) -> Stepped | None:
            nonlocal claimed
            due = rollouts.claim_due(tx)
            if due is None:
                return None
            claimed, now = due
            return step(tx, claimed, self._bounds, now)

        try:
            stepped = await self._db.write(change)
            if stepped is not None:
                self._report(stepped)
                if stepped.plans or stepped.large is not None:
                    stepped = await self._in_turns(stepped)
                    self._report(stepped)
        except Unavailable:
            raise
        except Exception:
            if claimed is None:
                raise
            failed = claimed
            log.exception("rollout_step_failed", resource=failed.name)
            await self._db.write(lambda tx: rollouts.change(tx, failed, due_in=_FAILED_SECONDS, touch=False))
            return True
        if stepped is not None:
            self._due_at_once = stepped.due_at_once
        return stepped is not None

    async def _in_turns(self, stepped: Stepped) -> Stepped:
        """Do what a step has left out, which takes too long for its transaction."""
        rollout = stepped.rollout
        if stepped.large is not None:
            return await self._begin(rollout, stepped.large)
        page = await next_page(self._db, rollout)
        return await self._db.write(lambda tx: plan_page(tx, rollout, page))

    async def _begin(self, rollout: RolloutRow, target: TargetRow) -> Stepped:
        """Decide on a large target in turns, and begin it in a transaction."""
        async with work().deciding():
            for _ in range(_TRIES):
                begun = await decide(self._db, rollout, target, self._bounds)
                async with work().writing(MANY):
                    stepped = await self._db.write(
                        lambda tx, begun=begun: begin_large(tx, rollout, target, begun, self._bounds)  # type: ignore[misc]
                    )
                if stepped.large is None:
                    return stepped
            # Others change the registry again and again, until it is locked.
            async with work().writing(MANY):
                return await self._db.write(lambda tx: begin_large(tx, rollout, target, None, self._bounds))

    async def _due(self, next_due: Callable[[Tx], float | None]) -> bool:
        """Return whether something is due.

        This is a plain read, because claiming opens a transaction.
        """
        return await self._db.read(next_due) == 0.0

    async def _pause_after_work(self) -> float:
        self._woken.clear()
        if await self.work_once():
            return 0.0
        waits = [await self._db.read(rollouts.next_due), await self._db.read(registry_sets.next_due)]
        # Another replica has the steps that are due and could not be claimed.
        return min([_IDLE_SECONDS, *(max(0.05, wait) for wait in waits if wait is not None)])

    def _report(self, stepped: Stepped) -> None:
        if stepped.written:
            self._wake_engine()
        rollout = stepped.rollout
        for target in stepped.changed:
            if self._metrics is not None:
                self._metrics.rollout_target(target.state)
            if target.state in ("FAILED", "SKIPPED"):
                log.warning(
                    "rollout_target", resource=rollout.name, registry=str(target.registry), state=target.state,
                    reason=target.reason,
                )  # fmt: skip
        if rollout.end_time is not None or rollout.state == "HALTED":
            log.info("rollout", resource=rollout.name, state=rollout.state, wave=rollout.wave)

    async def _wait(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._woken.wait(), seconds)
        except TimeoutError:
            return
