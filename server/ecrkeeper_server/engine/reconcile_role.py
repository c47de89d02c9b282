"""One attempt on one role: create, correct, or advance its deletion."""

from __future__ import annotations

from collections.abc import Collection

from msgspec.structs import replace

from ecrkeeper_server.aws_errors import AwsError, Temporary
from ecrkeeper_server.ecr.apply import AwsWrite
from ecrkeeper_server.ecr.observe import observe_role
from ecrkeeper_server.engine import contests, role_contests
from ecrkeeper_server.engine.attempt import Attempt, AttemptResult
from ecrkeeper_server.engine.conditions import PAUSED, Status
from ecrkeeper_server.engine.role_deletion import delete_role, role_write
from ecrkeeper_server.roles.catalogue import ROLES, RoleKind
from ecrkeeper_server.roles.plan import (
    ObservedRole,
    RoleCall,
    RoleDrift,
    calls_for,
    corrections,
    creation,
    drift_of,
    is_lookalike,
    lookalike_error,
    provenance,
    tags_to_record,
)
from ecrkeeper_server.store.contests import Contests
from ecrkeeper_server.store.specs import Mode
from ecrkeeper_server.store.states import RoleState
from ecrkeeper_server.store.stored_drift import Remediation, StoredDrift

_POLL_SECONDS = 1.0


async def reconcile_role(attempt: Attempt) -> AttemptResult:
    """Reconcile one role."""
    row, kind = attempt.claimed, ROLES[attempt.claimed.place]
    if row.role_spec.deletion is not None:
        return await delete_role(attempt, kind)
    if row.mode is Mode.PAUSED:
        return AttemptResult(row.role_state, PAUSED, observed=False, converged=False)
    return await _ensure(attempt, kind)


async def _ensure(attempt: Attempt, kind: RoleKind) -> AttemptResult:
    row = attempt.claimed
    observed = await observe_role(attempt.aws, row.account, attempt.home_region, kind)
    spec = row.role_spec
    enforce = spec.enforced
    state = row.role_state
    remediated: list[RoleDrift] = []
    known = role_contests.load(attempt)
    waiting = await role_contests.withheld(attempt, known) if enforce else set()
    if observed is None and enforce and ("role", kind.role_name) not in waiting:
        if state.role is not None or kind.role_name in known.get("role", {}):
            remediated = drift_of([creation(kind, spec)])
        observed, state = await _create(attempt, kind, state)
    if observed is not None and is_lookalike(kind, observed):
        return AttemptResult(state.changed(role=None), Status(False, lookalike_error(kind, observed)), True, False)
    calls: list[RoleCall] = []
    if observed is not None and spec.managed:
        wanted = role_contests.desired_parts(kind, spec.description, spec.tags)
        planned = role_contests.without_withheld(observed, wanted, waiting) if waiting else observed
        calls = corrections(kind, spec, state.applied_tags, planned)
        if enforce and calls:
            writes = [role_write(attempt, call) for call in calls]
            tags = tags_to_record(state.applied_tags, spec.tags)
            await attempt.record(writes, state.changed(applied_tags=tags))
            remediated += [d for d in drift_of(calls) if row.generation == row.observed_generation]
            observed, calls = await _correct(attempt, kind, writes), []
        if waiting and observed is not None:
            calls = corrections(kind, spec, state.applied_tags, observed)
    result = _result(attempt, kind, state, observed, calls, remediated)
    return _with_contests(attempt, kind, result, known, remediated, waiting) if enforce else result


def _with_contests(
    attempt: Attempt,
    kind: RoleKind,
    result: AttemptResult,
    known: Contests,
    remediated: list[RoleDrift],
    waiting: Collection[tuple[str, str]],
) -> AttemptResult:
    """Return the result with its contests, and the error of withheld parts."""
    spec, drift = attempt.claimed.role_spec, result.state.drift
    wanted = role_contests.desired_parts(kind, spec.description, spec.tags)
    fresh = role_contests.after(attempt, known, [StoredDrift.of(each) for each in remediated], wanted, drift)
    state = result.state.changed(contests=fresh)
    status = result.status
    if waiting and drift and fresh:
        status = Status(False, role_contests.error(attempt, fresh))
    poll_in = contests.next_observation(fresh, attempt.now, attempt.contest_window)
    return replace(result, state=state, status=status, poll_in=poll_in)


def _result(
    attempt: Attempt,
    kind: RoleKind,
    state: RoleState,
    observed: ObservedRole | None,
    calls: list[RoleCall],
    remediated: list[RoleDrift],
) -> AttemptResult:
    spec = attempt.claimed.role_spec
    missing = observed is None and spec.managed
    drift = [StoredDrift.of(each) for each in drift_of(calls_for(kind, spec, {}, None) if missing else calls)]
    if observed is not None:
        known: str | None = provenance(state, observed)
    else:
        # If a role we observed disappears and comes back, someone else recreated it and owns it. One
        # we never observed may just be lagging: IAM is eventually consistent.
        known = None if state.role is not None else state.provenance
    # Mode OBSERVE adopts nothing.
    in_place = not drift and spec.mode is Mode.ENFORCE
    state = state.changed(
        role=observed,
        provenance=known,
        create_intended_at=None,
        applied_tags=dict(spec.tags) if in_place else state.applied_tags,
        drift=drift,
    )
    if remediated:
        state = state.changed(remediation=Remediation(attempt.now, [StoredDrift.of(each) for each in remediated]))
    return AttemptResult(state, _status(attempt, state, drift), True, converged=not drift)


def _status(attempt: Attempt, state: RoleState, drift: list[StoredDrift]) -> Status:
    row = attempt.claimed
    if drift:
        return Status(False, reason="OBSERVE_ONLY")
    if not row.role_spec.managed:
        return Status(True, reason="UNMANAGED")
    rejection = state.rejected_deletion(row.generation)
    if rejection is not None:
        return Status(True, reason=rejection.reason, message=rejection.message)
    return Status(True)


async def _create(attempt: Attempt, kind: RoleKind, state: RoleState) -> tuple[ObservedRole | None, RoleState]:
    """Create the role, or adopt one that somebody else created first."""
    row = attempt.claimed
    write = role_write(attempt, creation(kind, row.role_spec))
    # A role that we recreate after a loss is ours, whatever the old one was.
    state = state.changed(create_intended_at=attempt.now, provenance=None, role=None)
    await attempt.record([write], state)
    taken = False
    try:
        await attempt.send(write)
    except AwsError as error:
        # IAM reports an existing role with "has been taken"; GetRole decides.
        if error.aws_code != "InvalidInput" or "has been taken" not in error.message:
            raise
        taken = True
    observed = await observe_role(attempt.aws, row.account, attempt.home_region, kind)
    if observed is None:
        raise _not_visible(kind)
    if taken:
        # It is somebody else's, unless an earlier create of ours got no answer.
        return observed, state.changed(create_intended_at=row.role_state.create_intended_at)
    return observed, state.changed(provenance="CREATED")


def _not_visible(kind: RoleKind) -> Temporary:
    return Temporary(f"IAM does not show {kind.role_name} yet", reason="ROLE_NOT_VISIBLE_YET", after=_POLL_SECONDS)


async def _correct(attempt: Attempt, kind: RoleKind, writes: list[AwsWrite]) -> ObservedRole | None:
    for write in writes:
        try:
            await attempt.send(write)
        except AwsError as error:
            if error.aws_code != "NoSuchEntity":
                raise
            # GetRole has just returned it: IAM lags behind its create, or it was deleted since.
            raise _not_visible(kind) from error
    return await observe_role(attempt.aws, attempt.claimed.account, attempt.home_region, kind)
