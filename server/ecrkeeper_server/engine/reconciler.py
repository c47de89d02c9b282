"""Make one attempt on a claimed resource, and record its end in any case."""

from __future__ import annotations

import asyncio
from functools import partial

import structlog

from ecrkeeper_server.aws.client import Aws
from ecrkeeper_server.aws.user_agent import ATTEMPT
from ecrkeeper_server.aws_errors import AwsError, Temporary
from ecrkeeper_server.ecr.apply import complete
from ecrkeeper_server.engine.attempt import Attempt, AttemptResult, LeaseLostError
from ecrkeeper_server.engine.conditions import Status
from ecrkeeper_server.engine.event_health import EventHealth
from ecrkeeper_server.engine.finish import Finisher
from ecrkeeper_server.engine.intents import Intents
from ecrkeeper_server.engine.options import EngineOptions
from ecrkeeper_server.engine.reconcile_registry import reconcile_registry
from ecrkeeper_server.engine.reconcile_role import reconcile_role
from ecrkeeper_server.engine.telemetry import Ending, ReconcileTelemetry
from ecrkeeper_server.engine.unchanged import Unchanged
from ecrkeeper_server.errors import StatusError
from ecrkeeper_server.settings.elements import CHARACTERS
from ecrkeeper_server.store import resources
from ecrkeeper_server.store.clock import MICROSECONDS
from ecrkeeper_server.store.database import Database
from ecrkeeper_server.store.rows import Resource, parsed
from ecrkeeper_server.store.states import State
from ecrkeeper_server.store.sweep import Desired
from ecrkeeper_server.turns import WORK, Turns, Work, work

log = structlog.get_logger("ecrkeeper.engine")


class Reconciler:
    """Makes attempts, any number concurrently."""

    def __init__(
        self,
        db: Database,
        aws: Aws,
        options: EngineOptions,
        finisher: Finisher,
        telemetry: ReconcileTelemetry,
        turns: Turns,
        health: EventHealth | None = None,
    ) -> None:
        self._db = db
        self._aws = aws
        self._options = options
        self._finisher = finisher
        self._telemetry = telemetry
        self._turns = turns
        self._health = health
        self._unchanged = Unchanged()
        self._intents = Intents(db)

    async def work(self, row: Resource, desired: Desired | None) -> None:
        """Make an attempt on a resource and store its result.

        An error is logged, and the resource is due again.
        """
        WORK.set(partial(Work, self._turns, f"account {row.account}"))
        with self._telemetry.attempt(row) as ending:
            # Each attempt is a task of its own, so nothing has to set it back.
            ATTEMPT.set(ending.reconcile_id)
            await self._attempt(row, desired, ending)

    async def _attempt(self, row: Resource, desired: Desired | None, ending: Ending) -> None:
        if desired is not None:
            await work().run(desired.reading(), len(desired.text) // CHARACTERS)
        attempt = self._begun(await parsed(row), desired, ending)
        try:
            async with asyncio.timeout(self._options.attempt_timeout):
                result = await (reconcile_role(attempt) if row.kind == "role" else reconcile_registry(attempt))
        except LeaseLostError:
            log.warning("lease_lost")
            ending.result = "lease_lost"
            await self._complete(attempt)
            return
        except AwsError as error:
            result = await self._failed(attempt, error)
        except TimeoutError:
            late = Temporary(
                f"the attempt took longer than {self._options.attempt_timeout:.0f} s", reason="RECONCILE_TIMEOUT"
            )
            result = await self._failed(attempt, late)
        except StatusError:
            # The database's health is logged once for all attempts.
            ending.result = "store_unavailable"
            return
        except Exception:
            log.exception("step_failed")
            result = await self._failed(attempt, Temporary("internal error; see the log", reason="INTERNAL"))
        try:
            changed = await self._finisher.finish(attempt, result)
        except StatusError:
            # The database's health is logged once for all attempts.
            ending.result = "store_unavailable"
            return
        self._telemetry.finished(row, result, attempt.now, ending)
        # An idle fleet would fill the log.
        (log.info if changed else log.debug)(
            "reconciled",
            synced=result.status.synced,
            result=ending.result,
            reason=ending.reason,
            drift=result.state.drift_count,
        )

    def _begun(self, row: Resource, desired: Desired | None, ending: Ending) -> Attempt:
        # The database's time, regardless of this process's clock.
        claimed_at = (row.lease_until or 0) - int(self._options.lease * MICROSECONDS)
        now, home = claimed_at, self._options.home_region
        attempt = Attempt(row, self._db, self._aws, desired or Desired(), now, home, self._unchanged)
        attempt.reconcile_id = ending.reconcile_id
        attempt.intents = self._intents
        attempt.contest_window = self._options.contest_window
        attempt.probes = self._health is not None and self._health.probe_due(row, now)
        attempt.search_until = attempt.monotonic() + self._options.attempt_timeout / 2
        return attempt

    async def _failed(self, attempt: Attempt, error: AwsError) -> AttemptResult:
        """Return the result of a cancelled attempt; saved state stays."""
        row = None
        if attempt.saved:
            row = await self._db.read(lambda tx: resources.get(tx, attempt.claimed.name))
        current = await parsed(attempt.claimed if row is None else row)
        return AttemptResult(State(current.stored_state), Status(False, error), observed=False, converged=False)

    async def _complete(self, attempt: Attempt) -> None:
        """Complete the audit trail of an attempt that may save nothing else."""
        try:
            await self._db.write(lambda tx: complete(tx, attempt.writes))
        except StatusError:
            log.debug("audit_trail_not_completed")
