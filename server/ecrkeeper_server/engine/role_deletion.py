"""Delete a role, one attempt at a time: check Regions, poll IAM's task, verify."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from ecrkeeper_server.aws_errors import AwsError, Permanent, is_terminal
from ecrkeeper_server.ecr.apply import AwsWrite, change
from ecrkeeper_server.ecr.observe import observe_role
from ecrkeeper_server.ecr.usage import usage_of
from ecrkeeper_server.engine.attempt import Attempt, AttemptResult
from ecrkeeper_server.engine.conditions import Status
from ecrkeeper_server.errors import PreconditionViolation
from ecrkeeper_server.roles.catalogue import RoleKind
from ecrkeeper_server.roles.plan import RoleCall, is_lookalike, provenance
from ecrkeeper_server.roles.usage import RegionUsage, blockers
from ecrkeeper_server.store import operations, resources
from ecrkeeper_server.store.clock import MICROSECONDS
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.operation_metadata import DeletionMetadata, DeletionPhase
from ecrkeeper_server.store.rows import Method, Operation
from ecrkeeper_server.store.state_parts import RoleDeletion, StoredError
from ecrkeeper_server.store.states import RoleState

_POLL_SECONDS = 1.0
_MAX_POLL_SECONDS = 15.0
_GIVE_UP_SECONDS = 1800.0
# Within this time after its request, a create may have made a role that GetRole does not return.
_LAG_SECONDS = 60.0
_STILL_VISIBLE = "IAM has finished, but the role is still visible"


def role_write(attempt: Attempt, call: RoleCall) -> AwsWrite:
    """A call that changes the role, with its changes."""
    changes = [change(*one) for one in call.changes]
    return AwsWrite(attempt.claimed.account, attempt.home_region, "iam", call.operation, call.params, changes)


async def delete_role(attempt: Attempt, kind: RoleKind) -> AttemptResult:
    """Advance a deletion, or end it if AWS forbids it before it has started."""
    row = attempt.claimed
    pending = await attempt.db.read(lambda tx: operations.pending(tx, row.name, Method.DELETE_ROLE))
    try:
        return await _delete(attempt, kind, pending)
    except AwsError as error:
        deletion = row.role_state.deletion
        if (deletion is not None and deletion.task) or not is_terminal(error):
            raise
        return _end(attempt, pending, error)


async def _delete(attempt: Attempt, kind: RoleKind, pending: list[Operation]) -> AttemptResult:
    row = attempt.claimed
    observed = await observe_role(attempt.aws, row.account, attempt.home_region, kind)
    state, deletion = row.role_state, row.role_state.deletion
    if observed is None:
        created = state.create_intended_at
        if deletion is None and created is not None and attempt.now - created < _LAG_SECONDS * MICROSECONDS:
            # The creator of an unobserved role is unknown, and so whether it may be deleted.
            return _waiting(state, f"IAM may not show {kind.role_name} yet", _POLL_SECONDS)
        return _removed(attempt, pending)
    deletion = deletion or RoleDeletion(role_id=observed.role_id)
    if is_lookalike(kind, observed) or deletion.role_id not in (None, observed.role_id):
        # The role is gone; somebody else created this one since.
        return _removed(attempt, pending)
    if not deletion.task:
        origin = provenance(state, observed)
        if origin == "ADOPTED" and not await _forced(attempt):
            text = f"{kind.role_name} existed before it was declared here; set force_delete_adopted to delete it"
            return _rejected(attempt, pending, "ROLE_ADOPTED", text, [], state.changed(provenance=origin))
        usage = await usage_of(attempt.db, attempt.aws, row.account, attempt.home_region, kind)
        pending = await _progress(attempt, pending, DeletionPhase.PREFLIGHT, usage=usage)
        reasons = blockers(kind.id, usage)
        if reasons:
            return _rejected(attempt, pending, "ROLE_IN_USE", f"{kind.role_name} is still in use", reasons)
        return await _start_deletion(
            attempt, kind, pending, replace(deletion, role_id=deletion.role_id or observed.role_id)
        )
    return await _follow(attempt, kind, pending, deletion)


async def _forced(attempt: Attempt) -> bool:
    """Return whether an adopted role may be deleted, too.

    A call may have allowed it since the claim.
    """
    row = await attempt.db.read(lambda tx: resources.get(tx, attempt.claimed.name))
    deletion = row.role_spec.deletion if row is not None else None
    return deletion is not None and deletion.forced


async def _start_deletion(
    attempt: Attempt, kind: RoleKind, pending: list[Operation], deletion: RoleDeletion
) -> AttemptResult:
    row = attempt.claimed
    changes = (("role", kind.role_name, kind.service_name, None),)
    write = role_write(attempt, RoleCall("DeleteServiceLinkedRole", {"RoleName": kind.role_name}, changes))
    await attempt.record([write])
    # Repeating the call while a task runs returns the same task, so a kill before the task is saved
    # does no harm.
    try:
        answer = await attempt.send(write)
    except AwsError as error:
        if error.aws_code != "NoSuchEntity":
            raise
        # Somebody else or a killed attempt deleted it, and GetRole lags.
        message = f"IAM returns {kind.role_name}, but reports that it does not exist to be deleted"
        begun = deletion if deletion.started is not None else replace(deletion, started=attempt.now, polls=0)
        return await _confirm(attempt, pending, begun, message)
    deletion = replace(deletion, task=answer["DeletionTaskId"], started=attempt.now, polls=0)
    await _progress(attempt, pending, DeletionPhase.DELETING, task=deletion.task)
    return _waiting(row.role_state.changed(deletion=deletion), "IAM is deleting the role", _POLL_SECONDS)


async def _confirm(attempt: Attempt, pending: list[Operation], deletion: RoleDeletion, message: str) -> AttemptResult:
    """Wait until GetRole no longer returns the role.

    Half an hour after its start, the deletion is lost.
    """
    if _lasts_too_long(attempt, deletion):
        return _rejected(attempt, pending, "DELETION_LOST", message, [])
    await _progress(attempt, pending, DeletionPhase.CONFIRMING)
    deletion = replace(deletion, polls=deletion.polls + 1)
    state = attempt.claimed.role_state.changed(deletion=deletion)
    return _waiting(state, _STILL_VISIBLE, _pause(deletion.polls))


async def _follow(attempt: Attempt, kind: RoleKind, pending: list[Operation], deletion: RoleDeletion) -> AttemptResult:
    row = attempt.claimed
    params = {"DeletionTaskId": deletion.task}
    try:
        answer = await attempt.aws.call(
            row.account, attempt.home_region, "iam", "GetServiceLinkedRoleDeletionStatus", params
        )
    except AwsError as error:
        if error.aws_code != "NoSuchEntity":
            raise
        # The record of a fast task vanishes: the role itself decides, and it may lag.
        return await _confirm(attempt, pending, deletion, f"IAM no longer knows task {deletion.task}")
    if answer["Status"] == "FAILED":
        reasons, text = _failure(answer.get("Reason") or {})
        return _rejected(attempt, pending, "ROLE_DELETION_FAILED", text, reasons)
    if answer["Status"] == "SUCCEEDED":
        return await _confirm(attempt, pending, deletion, "IAM reports that the role is deleted, but still returns it")
    if _lasts_too_long(attempt, deletion):
        text = f"IAM has been deleting the role for too long: task {deletion.task} is {answer['Status']}"
        return _rejected(attempt, pending, "DELETION_LOST", text, [])
    deletion = replace(deletion, polls=deletion.polls + 1)
    text = f"IAM is deleting the role: {answer['Status']}"
    return _waiting(row.role_state.changed(deletion=deletion), text, _pause(deletion.polls))


def _lasts_too_long(attempt: Attempt, deletion: RoleDeletion) -> bool:
    return deletion.started is not None and attempt.now - deletion.started >= _GIVE_UP_SECONDS * MICROSECONDS


def _pause(polls: int) -> float:
    return min(_MAX_POLL_SECONDS, _POLL_SECONDS * 1.3**polls)


def _failure(reason: Mapping[str, Any]) -> tuple[list[PreconditionViolation], str]:
    text = str(reason.get("Reason") or "IAM gave no reason")
    return [
        PreconditionViolation(
            "ROLE_IN_USE",
            usage.get("Region", ""),
            f"{usage.get('Region')} uses it: {', '.join(usage.get('Resources', []))}",
        )
        for usage in reason.get("RoleUsageList") or []
    ], f"IAM rejected the deletion of the role: {text}"


def _waiting(state: RoleState, message: str, after: float) -> AttemptResult:
    status = Status(False, reason="DELETING", message=message)
    return AttemptResult(state, status, observed=True, converged=False, next_in=after)


def _removed(attempt: Attempt, pending: list[Operation]) -> AttemptResult:
    return AttemptResult(
        attempt.claimed.role_state, Status(True), True, True, removed=True, ended=tuple((p.id, None) for p in pending)
    )


def _rejected(
    attempt: Attempt,
    pending: list[Operation],
    reason: str,
    text: str,
    reasons: list[PreconditionViolation],
    state: RoleState | None = None,
) -> AttemptResult:
    """End the deletion for a reason of ours or of IAM's task.

    `state` is the claimed one unless the attempt has changed it.
    """
    return _end(attempt, pending, Permanent(text, reason=reason, preconditions=reasons), state)


def _end(attempt: Attempt, pending: list[Operation], cause: AwsError, state: RoleState | None = None) -> AttemptResult:
    """End the deletion with an error that stays visible, and restore the role's spec."""
    row, error = attempt.claimed, StoredError.of(cause)
    state = (state or row.role_state).changed(deletion=None)
    return AttemptResult(
        state.with_rejected_deletion(row.generation, error),
        Status(True, reason=cause.reason, message=cause.message),
        observed=True,
        converged=True,
        ended=tuple((p.id, error) for p in pending),
    )


async def _progress(
    attempt: Attempt,
    pending: list[Operation],
    phase: DeletionPhase,
    *,
    task: str | None = None,
    usage: Sequence[RegionUsage] | None = None,
) -> list[Operation]:
    """Return the operations with their progress; earlier details stay."""
    if not pending:
        return pending
    before = DeletionMetadata(pending[-1].metadata)
    metadata = before.after(phase, task=task, usage=usage)
    if metadata != before:

        def save(tx: Tx) -> None:
            for operation in pending:
                operations.progress(tx, operation, metadata)

        await attempt.db.write(save)
    return [replace(operation, metadata=metadata.to_json()) for operation in pending]
