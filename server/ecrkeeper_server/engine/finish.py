"""Store an attempt's result, and schedule the resource."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ecrkeeper_server.ecr.history import adding_first_times, attempts_of
from ecrkeeper_server.engine import contests
from ecrkeeper_server.engine.attempt import Attempt, AttemptResult
from ecrkeeper_server.engine.conditions import Status, conditions, delay_after, is_of_account
from ecrkeeper_server.engine.endings import Ending, preparing, save
from ecrkeeper_server.engine.event_health import EventHealth
from ecrkeeper_server.engine.telemetry import unready
from ecrkeeper_server.errors import StatusError
from ecrkeeper_server.store import sweep
from ecrkeeper_server.store.batch import Batch
from ecrkeeper_server.store.database import Database
from ecrkeeper_server.store.filter_expression import stored_reason
from ecrkeeper_server.store.findings import Findings
from ecrkeeper_server.store.queue import Outcome
from ecrkeeper_server.store.rows import Resource
from ecrkeeper_server.store.state_members import Members
from ecrkeeper_server.store.state_parts import Condition, StoredError
from ecrkeeper_server.store.states import State
from ecrkeeper_server.store.text_limits import of_owners
from ecrkeeper_server.turns import MANY, Steps, work

# After more failures than this, a resource leaves the priority lane.
_PRIORITY_FAILURES = 3
# The maximum number of endings in one transaction.
_MAX_ENDINGS = 20


class Finisher:
    """Ends attempts; those that end together share a transaction.

    Attempts without changes, nearly all, need one statement.
    """

    def __init__(
        self,
        db: Database,
        resync: float,
        jitter: Callable[[], float],
        health: EventHealth | None = None,
        *,
        attribution: bool = True,
    ) -> None:
        self._db = db
        self._health = health
        self._attribution = attribution
        self._resync = resync
        self._jitter = jitter
        self._unchanged: Batch[tuple[Resource, Outcome], bool] = Batch(self._finish_unchanged)
        self._changed: Batch[Ending, bool | StatusError] = Batch(self._finish_changed, max_items=_MAX_ENDINGS)

    async def finish(self, attempt: Attempt, result: AttemptResult) -> bool:
        """Store the result and release the lease; return whether the resource changed.

        Raises Unavailable.
        """
        row = attempt.claimed
        outcome = await work().run(self._outcome(attempt, result), attempt.elements)
        if attempt.elements >= MANY:
            outcome = await work().run(outcome.writing(row))
        changed = bool(result.ended or result.removed) or outcome.changes(row)
        converged = result.converged_owners
        unmarked = any(
            each.observed_generation < each.generation and (converged is None or each.owner in converged)
            for each in attempt.desired.declared
        )
        alone = changed or unmarked or bool(attempt.writes) or is_of_account(result.status)
        if not alone and await self._unchanged.put((row, outcome)):
            return False
        ending = await work().run(preparing(attempt, result, outcome, unmarked=unmarked), attempt.elements)
        await self._finish(ending)
        return changed

    async def _finish(self, ending: Ending) -> None:
        attempt = ending.attempt
        if attempt.elements >= MANY:
            async with work().writing(attempt.elements):
                await self._finish_alone(ending)
            return
        stored = await self._changed.put(ending)
        if isinstance(stored, StatusError):
            raise stored
        if not stored:
            # Alone, it waits for a row that another transaction holds.
            await self._finish_alone(ending)

    async def _finish_changed(self, ended: list[Ending]) -> list[bool | StatusError]:
        """Return for each ending whether it is stored, or the error that prevented all."""
        try:
            held = await self._db.write(lambda tx: save(tx, ended, attribute=self._attribution, wait=False))
        except StatusError as error:
            return [error] * len(ended)
        except Exception:  # One ending that the store rejects delays no other.
            held = ended
        return [ending not in held for ending in ended]

    async def _finish_alone(self, ending: Ending) -> None:
        await self._db.write(lambda tx: save(tx, [ending], attribute=self._attribution))

    async def _finish_unchanged(self, ended: list[tuple[Resource, Outcome]]) -> list[bool]:
        names = await self._db.write(lambda tx: sweep.finish_unchanged(tx, ended))
        return [row.name in names for row, _ in ended]

    def _outcome(self, attempt: Attempt, result: AttemptResult) -> Steps[Outcome]:
        row, status = attempt.claimed, result.status
        error = status.error
        failures = row.failures + 1 if status.retryable is not None else 0
        before = State(row.stored_state)
        state = result.state.changed(**_shown(before.conditions, status, attempt.now))
        state = yield from _with_owners(state, attempt, result)
        yield
        state = yield from adding_first_times(state, before, attempt.now)
        yield
        if others := self._others(row, state, before, attempt.now):
            state = state.changed(conditions=[*state.conditions, *others])
        observed_only = error is None and result.next_in is None and status.reason != "PAUSED"
        ended = result.converged or status.terminal or observed_only
        return Outcome(
            state=state.to_json(),
            observed_generation=row.generation if ended else row.observed_generation,
            next_in=self._next_in(row, result, failures),
            failures=failures,
            # The start of the attempt: later changes in AWS may not have been observed.
            observed_at=attempt.now if result.observed else None,
            saved=attempt.saved,
            urgent=not ended and failures <= _PRIORITY_FAILURES,
            unready=unready(result, row.mode),
            reason=stored_reason(status.ready_reason),
            attempts=attempts_of(state, row),
            began_at=attempt.now,
        )

    def _others(self, row: Resource, state: State, before: State, now: int) -> list[Condition]:
        """Return the conditions that a resource has only while they hold."""
        known = contests.attributed(state.contests, Findings.from_json(row.events))
        conditions = [contests.condition(known, before, now)]
        conditions.append(self._health.condition(row, now) if self._health is not None else None)
        return [each for each in conditions if each is not None]

    def _next_in(self, row: Resource, result: AttemptResult, failures: int) -> float | None:
        usual = self._usual(row, result, failures)
        return min((delay for delay in (usual, result.poll_in) if delay is not None), default=None)

    def _usual(self, row: Resource, result: AttemptResult, failures: int) -> float | None:
        resync = self._resync * (0.8 + 0.4 * self._jitter())
        if self._health is not None and result.status.ready:
            resync = self._health.resync(row, resync)
        if result.status.error is not None:
            return delay_after(result.status, failures, resync, self._jitter())
        if result.next_in is not None:
            return result.next_in
        return None if result.status.reason in ("UNMANAGED", "PAUSED") else resync


def _with_owners(state: State, attempt: Attempt, result: AttemptResult) -> Steps[State]:
    """Store the statuses of declarations that may differ from the registry's.

    A step is one of them.
    """
    row = attempt.claimed
    # `marked` tells watches that declarations converged, even if nothing else of the registry changed.
    marked = row.generation if result.converged_owners else None
    known = row.registry_state.owners
    if not known and not result.owners:
        return state.changed(owners={}, marked=marked)
    before, owners = row.registry_state.conditions, {}
    for owner in sorted({*result.owners, *known} & {declared.owner for declared in attempt.desired.declared}):
        yield
        status = result.owners.get(owner, result.status)
        earlier = known[owner].conditions if owner in known else before
        owners[owner] = State({}).changed(**_shown(earlier, status, attempt.now))
    if owners and not result.owners:
        shown = State({}).changed(conditions=state.conditions, error=state.error)
        owners = owners if any(own != shown for own in owners.values()) else {}
    limits = of_owners(max(1, len(owners)))
    for owner, own in owners.items():
        yield
        owners[owner] = own.within(limits)
    return state.changed(owners=owners, marked=marked)


def _shown(before: Sequence[Condition], status: Status, now: int) -> Members:
    """Return the conditions and the error."""
    return {
        "conditions": conditions(before, status, now),
        "error": None if status.error is None else StoredError.of(status.error),
    }
