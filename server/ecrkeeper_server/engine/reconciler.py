"""One step on a claimed row, whatever becomes of it, and its end in the store, in the log and in the metrics."""

from __future__ import annotations

import asyncio

import structlog

from ecrkeeper_server.aws.client import Aws
from ecrkeeper_server.ecr.apply import complete
from ecrkeeper_server.engine.attempt import AttemptResult, LeaseLostError, Step
from ecrkeeper_server.engine.conditions import Status
from ecrkeeper_server.engine.finish import Finisher
from ecrkeeper_server.engine.options import EngineOptions
from ecrkeeper_server.engine.reconcile_registry import reconcile_registry
from ecrkeeper_server.engine.reconcile_role import reconcile_role
from ecrkeeper_server.engine.telemetry import Ending, ReconcileTelemetry
from ecrkeeper_server.errors import AwsError, StatusError, Temporary
from ecrkeeper_server.store import resources
from ecrkeeper_server.store.clock import MICROSECONDS
from ecrkeeper_server.store.database import Database
from ecrkeeper_server.store.rows import Resource
from ecrkeeper_server.store.states import State
from ecrkeeper_server.store.sweep import Desired

log = structlog.get_logger("ecrkeeper.engine")


class Reconciler:
    """Takes steps, any number at a time."""

    def __init__(
        self, db: Database, aws: Aws, options: EngineOptions, finisher: Finisher, telemetry: ReconcileTelemetry
    ) -> None:
        self._db = db
        self._aws = aws
        self._options = options
        self._finisher = finisher
        self._telemetry = telemetry

    async def work(self, row: Resource, desired: Desired | None) -> None:
        """Take a step on a row, and write down how it ended; what goes wrong is logged, and the row is due again."""
        with self._telemetry.step(row) as ending:
            await self._take_step(row, desired, ending)

    async def _take_step(self, row: Resource, desired: Desired | None, ending: Ending) -> None:
        # The database's time, whatever this process's clock says.
        claimed_at = (row.lease_until or 0) - int(self._options.lease * MICROSECONDS)
        now, home = claimed_at, self._options.home_region
        step = Step(row, self._db, self._aws, desired or Desired(), now, home, reconcile_id=ending.reconcile_id)
        step.search_until = step.monotonic() + self._options.attempt_timeout / 2
        try:
            async with asyncio.timeout(self._options.attempt_timeout):
                result = await (reconcile_role(step) if row.kind == "role" else reconcile_registry(step))
        except LeaseLostError:
            log.warning("lease_lost")
            ending.result = "lease_lost"
            await self._complete(step)
            return
        except AwsError as error:
            result = await self._failed(step, error)
        except TimeoutError:
            late = Temporary(
                f"the step took longer than {self._options.attempt_timeout:.0f} s", reason="RECONCILE_TIMEOUT"
            )
            result = await self._failed(step, late)
        except StatusError:
            # The database's health is logged for all steps at once, where it is known.
            ending.result = "store_unavailable"
            return
        except Exception:
            log.exception("step_failed")
            result = await self._failed(step, Temporary("internal error; see the log", reason="INTERNAL"))
        try:
            changed = await self._finisher.finish(step, result)
        except StatusError:
            # The database's health is logged for all steps at once, where it is known.
            ending.result = "store_unavailable"
            return
        self._telemetry.finished(row, result, step.now, ending)
        # A fleet in order would fill the log with nothing.
        (log.info if changed else log.debug)(
            "reconciled",
            synced=result.standing.synced,
            result=ending.result,
            reason=ending.reason,
            drift=len(State(result.state).drift),
        )

    async def _failed(self, step: Step, error: AwsError) -> AttemptResult:
        """The result of a step that was broken off; what it saved on its way stays."""
        state = step.claimed.state
        if step.saved:
            row = await self._db.read(lambda tx: resources.get(tx, step.claimed.name))
            state = row.state if row is not None else state
        return AttemptResult(state, Status(False, error), observed=False, settled=False)

    async def _complete(self, step: Step) -> None:
        """Complete the audit trail of a step that may save nothing else."""
        try:
            await self._db.write(lambda tx: complete(tx, step.writes))
        except StatusError:
            log.debug("audit_trail_not_completed")
