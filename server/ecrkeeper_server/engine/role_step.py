"""One step on one role: make sure of it, correct it, or take its deletion one step further."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ecrkeeper_server.engine.conditions import PAUSED, Standing, error_json
from ecrkeeper_server.engine.observe import enabled_regions, observe_role, role_usage
from ecrkeeper_server.engine.step import Step, StepResult
from ecrkeeper_server.engine.trail import AwsWrite, change
from ecrkeeper_server.errors import AwsError, Permanent, PreconditionViolation, Temporary
from ecrkeeper_server.names import partition_of
from ecrkeeper_server.roles.catalogue import ROLES, RoleKind
from ecrkeeper_server.roles.plan import ObservedRole, RoleCall, corrections, creation, is_lookalike, provenance
from ecrkeeper_server.roles.usage import RegionUsage, blockers
from ecrkeeper_server.settings.table import split_all
from ecrkeeper_server.store import declarations, operations
from ecrkeeper_server.store.rows import Declaration, Operation

_POLL_SECONDS = 1.0
_LONGEST_POLL = 15.0
_GIVE_UP_SECONDS = 1800.0


async def role_step(step: Step) -> StepResult:
    """Bring one role closer to what is desired."""
    row, kind = step.claimed, ROLES[step.claimed.place]
    if row.spec.get("deletion"):
        return await _deletion(step, kind)
    if row.spec.get("mode") == "PAUSED":
        return StepResult(row.state, PAUSED, observed=False, settled=False)
    return await _ensure(step, kind)


async def _ensure(step: Step, kind: RoleKind) -> StepResult:
    row = step.claimed
    observed = await observe_role(step.aws, row.account, step.home_region, kind)
    enforce = row.spec.get("managed", True) and row.spec.get("mode", "ENFORCE") == "ENFORCE"
    state = dict(row.state)
    mended: list[dict[str, Any]] = []
    if observed is None and enforce:
        if state.get("role"):
            mended = _drift((creation(kind, row.spec),))
        observed, state = await _create(step, kind, state)
    if observed is not None and is_lookalike(kind, observed):
        error = Permanent(
            f"the account has an ordinary role named {kind.role_name} with the path {observed.path}: "
            "it is not ECR's service-linked role and is left alone; rename or delete it",
            reason="ROLE_LOOKALIKE",
        )
        return StepResult({**state, "role": None}, Standing(False, error), True, False)
    calls: list[RoleCall] = []
    if observed is not None and row.spec.get("managed", True):
        calls = corrections(kind, row.spec, state.get("applied_tags", {}), observed)
        if enforce and calls:
            tags = {**state.get("applied_tags", {}), **row.spec.get("tags", {})}
            writes = [_to_send(step, call) for call in calls]
            await step.record(writes, {**state, "applied_tags": tags})
            mended += [d for d in _drift(tuple(calls)) if row.generation == row.observed_generation]
            observed, calls = await _correct(step, kind, writes), []
    return _settled(step, kind, state, observed, calls, mended)


def _settled(
    step: Step,
    kind: RoleKind,
    state: dict[str, Any],
    observed: ObservedRole | None,
    calls: list[RoleCall],
    mended: list[dict[str, Any]],
) -> StepResult:
    row = step.claimed
    missing = observed is None and row.spec.get("managed", True)
    drift = _drift((creation(kind, row.spec),) if missing else tuple(calls))
    known = state.get("provenance")
    if observed is not None:
        known = provenance(
            known=known,
            create_intended_at=state.get("create_intended_at"),
            observed=observed,
            remembered=state.get("remembered"),
        )
    state = {
        **state,
        "role": None if observed is None else {**asdict(observed), "tags": dict(observed.tags)},
        "provenance": known,
        "create_intended_at": None,
        "applied_tags": row.spec.get("tags", {}) if not drift else state.get("applied_tags", {}),
        "drift": drift,
    }
    if mended:
        state["mend"] = {"time": step.now, "drift": mended}
    reason = "OBSERVE_ONLY" if drift else ("UNMANAGED" if not row.spec.get("managed", True) else "")
    return StepResult(state, Standing(not drift, reason=reason), True, settled=not drift)


async def _create(step: Step, kind: RoleKind, state: dict[str, Any]) -> tuple[ObservedRole | None, dict[str, Any]]:
    """Create the role, or adopt the one that somebody else made first."""
    row = step.claimed
    write = _to_send(step, creation(kind, row.spec))
    # A role that is made anew after a loss is ours, whatever the old one was.
    state = {**state, "create_intended_at": step.now, "provenance": None}
    await step.record([write], state)
    taken = False
    try:
        await step.send(write)
    except AwsError as error:
        # "has been taken" is how IAM says that the role exists; GetRole decides.
        if error.aws_code != "InvalidInput" or "has been taken" not in error.message:
            raise
        taken = True
    observed = await observe_role(step.aws, row.account, step.home_region, kind)
    if observed is None:
        raise Temporary(f"IAM does not show {kind.role_name} yet", reason="ROLE_NOT_VISIBLE_YET", after=_POLL_SECONDS)
    return observed, {**state, "provenance": None if taken else "CREATED"}


def _to_send(step: Step, call: RoleCall) -> AwsWrite:
    changes = [change(*one) for one in call.changes]
    return AwsWrite(step.claimed.account, step.home_region, "iam", call.operation, call.params, changes)


async def _correct(step: Step, kind: RoleKind, writes: list[AwsWrite]) -> ObservedRole | None:
    for write in writes:
        await step.send(write)
    return await observe_role(step.aws, step.claimed.account, step.home_region, kind)


def _drift(calls: tuple[RoleCall, ...]) -> list[dict[str, Any]]:
    rows = []
    for setting, key, before, after in (one for call in calls for one in call.changes):
        kind = "UNEXPECTED" if after is None else "MISSING" if before is None else "CHANGED"
        rows.append({"setting": setting, "key": key, "kind": kind, "desired": after, "observed": before})
    return rows


async def usage_of(step: Step, kind: RoleKind) -> list[RegionUsage]:
    """Which enabled Regions of the account use the role."""
    account = step.claimed.account
    partition = partition_of(step.home_region) or "aws"
    declared = await step.db.read(lambda tx: declarations.of_account(tx, account))
    regions = await enabled_regions(step.aws, account, step.home_region, partition)
    return await role_usage(step.aws, account, kind, regions, owners_by_region(kind, declared))


def owners_by_region(kind: RoleKind, declared: list[Declaration]) -> dict[str, dict[str, list[str]]]:
    """Who declares elements that need the role, by Region and key."""
    found: dict[str, dict[str, list[str]]] = {}
    for declaration in declared:
        for key in split_all(declaration.settings).get(kind.setting, {}):
            found.setdefault(declaration.region, {}).setdefault(key, []).append(declaration.owner)
    return found


async def _deletion(step: Step, kind: RoleKind) -> StepResult:
    """Take a deletion one step further, or end it where AWS forbids it before it has begun."""
    row = step.claimed
    pending = await step.db.read(lambda tx: operations.pending(tx, row.name, "DeleteServiceLinkedRole"))
    try:
        return await _delete(step, kind, pending)
    except AwsError as error:
        hopeless = isinstance(error, Permanent) or error.reason == "AWS_ACCESS_DENIED"
        if row.state.get("deletion") or not hopeless:
            raise
        return _refused(step, pending, error.reason, error.message, list(error.preconditions))


async def _delete(step: Step, kind: RoleKind, pending: list[Operation]) -> StepResult:
    row = step.claimed
    observed = await observe_role(step.aws, row.account, step.home_region, kind)
    deletion = dict(row.state.get("deletion") or {})
    if observed is None:
        return _gone(step, pending)
    if is_lookalike(kind, observed) or deletion.get("role_id", observed.role_id) != observed.role_id:
        # The role is gone; this is another one, made since by somebody else.
        return _gone(step, pending)
    if not deletion.get("task"):
        intended = row.state.get("create_intended_at")
        origin = provenance(
            known=row.state.get("provenance"),
            create_intended_at=intended,
            observed=observed,
            remembered=row.state.get("remembered"),
        )
        if origin == "ADOPTED" and not row.spec["deletion"].get("forced"):
            text = f"{kind.role_name} was there before it was declared here; set force_delete_adopted to delete it"
            return _refused(step, pending, "ROLE_ADOPTED", text, [], provenance=origin)
        usage = await usage_of(step, kind)
        await _progress(step, pending, "PREFLIGHT", usage=[u.to_json() for u in usage])
        reasons = blockers(kind.id, usage)
        if reasons:
            return _refused(step, pending, "ROLE_IN_USE", f"{kind.role_name} is still in use", reasons)
        return await _start_deletion(step, kind, pending, observed.role_id)
    return await _follow(step, kind, pending, deletion)


async def _start_deletion(step: Step, kind: RoleKind, pending: list[Operation], role_id: str) -> StepResult:
    row = step.claimed
    gone = (("role", kind.role_name, kind.service_name, None),)
    write = _to_send(step, RoleCall("DeleteServiceLinkedRole", {"RoleName": kind.role_name}, gone))
    await step.record([write])
    # Repeating the call while a task runs returns the same task: a kill before
    # the task is saved does no harm.
    answer = await step.send(write)
    deletion = {"task": answer["DeletionTaskId"], "started": step.now, "polls": 0, "role_id": role_id}
    await _progress(step, pending, "DELETING", deletion_task_id=deletion["task"])
    return _waiting({**row.state, "deletion": deletion}, "IAM is deleting the role", _POLL_SECONDS)


async def _follow(step: Step, kind: RoleKind, pending: list[Operation], deletion: dict[str, Any]) -> StepResult:
    row = step.claimed
    polls = deletion["polls"] + 1
    state = {**row.state, "deletion": {**deletion, "polls": polls}}
    pause = min(_LONGEST_POLL, _POLL_SECONDS * 1.3**polls)
    params = {"DeletionTaskId": deletion["task"]}
    try:
        answer = await step.aws.call(row.account, step.home_region, "iam", "GetServiceLinkedRoleDeletionStatus", params)
    except AwsError as error:
        if error.aws_code != "NoSuchEntity":
            raise
        # The record of a fast task vanishes: the role itself tells, and it may lag.
        if step.now - deletion["started"] < _GIVE_UP_SECONDS * 1_000_000:
            await _progress(step, pending, "CONFIRMING")
            return _waiting(state, "IAM has finished, and the role is still visible", pause)
        return _refused(step, pending, "DELETION_LOST", f"IAM no longer knows task {deletion['task']}", [])
    if answer["Status"] == "FAILED":
        reasons, text = _failure(answer.get("Reason") or {})
        return _refused(step, pending, "ROLE_DELETION_FAILED", text, reasons)
    if answer["Status"] == "SUCCEEDED":
        await _progress(step, pending, "CONFIRMING")
        return _waiting(state, "IAM has finished, and the role is still visible", pause)
    return _waiting(state, f"IAM is deleting the role: {answer['Status']}", pause)


def _failure(reason: Mapping[str, Any]) -> tuple[list[PreconditionViolation], str]:
    text = str(reason.get("Reason") or "IAM gave no reason")
    return [
        PreconditionViolation(
            "ROLE_IN_USE",
            usage.get("Region", ""),
            f"{usage.get('Region')} uses it: {', '.join(usage.get('Resources', []))}",
        )
        for usage in reason.get("RoleUsageList") or []
    ], f"IAM refused to delete the role: {text}"


def _waiting(state: dict[str, Any], message: str, after: float) -> StepResult:
    standing = Standing(False, reason="DELETING", message=message)
    return StepResult(state, standing, observed=True, settled=False, next_in=after)


def _gone(step: Step, pending: list[Operation]) -> StepResult:
    return StepResult(
        step.claimed.state, Standing(True), True, True, removed=True, ended=tuple((p.id, None) for p in pending)
    )


def _refused(
    step: Step,
    pending: list[Operation],
    reason: str,
    text: str,
    reasons: list[PreconditionViolation],
    **learned: Any,
) -> StepResult:
    """End the deletion and keep the role as it was declared before."""
    error = error_json(Permanent(text, reason=reason, preconditions=reasons))
    state = {key: value for key, value in step.claimed.state.items() if key != "deletion"} | learned
    return StepResult(
        state,
        Standing(True, reason=reason, message=text),
        observed=True,
        settled=True,
        ended=tuple((p.id, error) for p in pending),
    )


async def _progress(step: Step, pending: list[Operation], phase: str, **more: Any) -> None:
    if not pending:
        return
    metadata = {**pending[-1].metadata, "phase": phase, **more}
    if metadata != pending[-1].metadata:

        def save(tx: Any) -> None:
            for operation in pending:
                operations.progress(tx, operation, metadata)

        await step.db.write(save)
