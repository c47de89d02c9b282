"""One step on one registry: observe, plan, act, read again, and say how it stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ecrkeeper_server.engine.backfills import POLL_SECONDS, follow
from ecrkeeper_server.engine.checks import check_replication
from ecrkeeper_server.engine.conditions import Standing
from ecrkeeper_server.engine.observe import Observed, observe, observe_role, observe_setting
from ecrkeeper_server.engine.step import LeaseLostError, Step, StepResult
from ecrkeeper_server.errors import AwsError, Permanent, Temporary
from ecrkeeper_server.names import RoleName
from ecrkeeper_server.roles.catalogue import ROLES
from ecrkeeper_server.settings.algebra import Composition, Plan, compose, plan
from ecrkeeper_server.settings.elements import ChangeKind
from ecrkeeper_server.settings.setting import Call
from ecrkeeper_server.settings.table import SETTINGS, split_all
from ecrkeeper_server.store import declarations, queue, resources
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.rows import Declaration, Resource

_GONE = frozenset(
    {
        "PullThroughCacheRuleNotFound",
        "TemplateNotFound",
        "ExclusionNotFound",
        "RegistryPolicyNotFound",
        "SigningConfigurationNotFound",
    }
)
_THERE = frozenset({"PullThroughCacheRuleAlreadyExists", "TemplateAlreadyExists"})


@dataclass(slots=True)
class _Run:
    """What one step has learned so far."""

    composition: Composition
    declared: list[Declaration]
    applied: dict[str, dict[str, Any]]
    observed: dict[str, Observed] = field(default_factory=dict)
    plans: dict[str, Plan] = field(default_factory=dict)
    errors: list[AwsError] = field(default_factory=list)
    mended: list[dict[str, Any]] = field(default_factory=list)


async def registry_step(step: Step) -> StepResult:
    """Bring one registry closer to what is desired; see design notes in docs/architecture.md."""
    row = step.claimed
    declared = await step.db.read(lambda tx: declarations.of_registry(tx, row.registry))
    composition = compose({d.owner: split_all(d.settings) for d in declared})
    run = _Run(composition, declared, _without_abandoned(row.state.get("applied", {}), row.spec, composition))
    mode = row.spec.get("mode", "ENFORCE")
    managed = [name for name in SETTINGS if name in composition.desired or run.applied.get(name)]
    if mode == "PAUSED" or not managed:
        reason = "PAUSED" if mode == "PAUSED" else "UNMANAGED"
        state = {**row.state, "applied": run.applied, "drift": [], "error": None}
        if not managed:
            state = {**state, "observed": {}, "degraded": {}}
        busy = mode != "PAUSED" and await follow(step)
        next_in = POLL_SECONDS if busy else None
        return StepResult(state, Standing(True, reason=reason), observed=False, settled=True, next_in=next_in)
    run.observed = await observe(step.aws, row.registry, managed)
    _make_plans(run, row.spec)
    if mode == "ENFORCE" and any(p.changes for p in run.plans.values()):
        await _act(step, run)
        _make_plans(run, row.spec)
    result = _result(step, run, mode)
    result.state["checks"] = await _checks(step, run)
    if await follow(step):
        result = replace(result, next_in=POLL_SECONDS)
    return result


async def _checks(step: Step, run: _Run) -> list[dict[str, Any]]:
    """Whether images can arrive at each destination; an unchanged finding keeps its time, so nothing is rewritten."""
    pairs = run.composition.desired.get("replication_configuration", {})
    before = {str(c["destination"]): c for c in step.claimed.state.get("checks", [])}
    checks = await check_replication(step.aws, step.claimed.registry, pairs, step.now) if pairs else []
    return [
        old if (old := before.get(str(new["destination"]))) and {**old, "time": new["time"]} == new else new
        for new in checks
    ]


def _without_abandoned(applied: Mapping[str, Any], spec: Mapping[str, Any], composition: Composition) -> dict[str, Any]:
    """What was applied, less what an owner left behind on purpose and nobody else wants."""
    abandoned = spec.get("abandoned", {})
    return {
        name: {
            key: value
            for key, value in elements.items()
            if key in composition.desired.get(name, {}) or key not in abandoned.get(name, ())
        }
        for name, elements in applied.items()
    }


def _make_plans(run: _Run, spec: Mapping[str, Any]) -> None:
    for name, seen in run.observed.items():
        desired = run.composition.desired.get(name, {})
        # Only a setting that somebody manages is pruned: else the last owner's
        # deletion would empty it.
        prune = spec.get("foreign_elements") == "PRUNE" and name in run.composition.desired
        run.plans[name] = plan(SETTINGS[name], desired, run.applied.get(name, {}), seen.elements, prune=prune)


async def _act(step: Step, run: _Run) -> None:
    """Write setting after setting, in the order of the table."""
    await _remember_intent(step, run)
    for name, planned in list(run.plans.items()):
        if not planned.changes or run.observed[name].unknown:
            continue
        refused = _replacement_refused(run, planned) or _too_much(step, planned)
        if refused is not None:
            run.errors.append(refused)
            continue
        drift = [_drift_json(d) for d in planned.drift]
        # What was in place before and is not now was changed behind our back.
        found = [d for d in drift if _was_applied(step.claimed.state, d)]
        try:
            await _write(step, run, name, planned)
        except Permanent as error:
            run.errors.append(error)
        except Temporary as error:
            run.errors.append(error)
            return
        else:
            run.mended += found


async def _remember_intent(step: Step, run: _Run) -> None:
    """Record what is about to be written as ours, before anything is sent.

    Were it recorded afterwards, a kill in between would leave elements in AWS
    that nobody would remove when their owner goes.
    """
    applied = {
        name: {**run.applied.get(name, {}), **run.composition.desired.get(name, {})}
        for name in {*run.applied, *run.composition.desired}
    }
    run.applied = applied
    originals = {name: seen.shape for name, seen in run.observed.items()}
    new = [d for d in run.declared if d.observed_generation == 0]

    def save(tx: Tx) -> bool:
        for declaration in new:
            shapes = {name: originals[name] for name in declaration.settings if name in originals}
            declarations.record_original(tx, declaration, shapes)
        return queue.hold(tx, step.claimed, {**step.claimed.state, "applied": applied})

    step.saved = True
    if not await step.db.write(save):
        raise LeaseLostError


def _replacement_refused(run: _Run, planned: Plan) -> Permanent | None:
    """An error if an element must be deleted and created again and no owner of it allows that."""
    allowing = {d.owner for d in run.declared if d.allow_replacement}
    keys = [
        change.key
        for change in planned.changes
        if change.kind is ChangeKind.REPLACE
        and not allowing & set(run.composition.owners.get((planned.setting, change.key), ()))
    ]
    if not keys:
        return None
    return Permanent(
        f"{planned.setting}: ECR cannot change {', '.join(keys)} in place, only delete and create again; "
        "set allow_replacement in the declaration to allow that",
        reason="REPLACEMENT_NOT_ALLOWED",
    )


def _too_much(step: Step, planned: Plan) -> Permanent | None:
    """An error if what is desired fits AWS's limits, but not together with the foreign elements there."""
    found = SETTINGS[planned.setting].lint_composed(planned.target, step.claimed.registry)
    if not found or not planned.foreign:
        return None
    return Permanent(
        f"{planned.setting}: with {len(planned.foreign)} foreign elements it exceeds what AWS allows: "
        f"{found[0].description}; remove some of them, or set foreign_elements to PRUNE",
        reason="FOREIGN_ELEMENTS_IN_THE_WAY",
        grpc_code="RESOURCE_EXHAUSTED",
    )


async def _write(step: Step, run: _Run, name: str, planned: Plan) -> None:
    setting, registry = SETTINGS[name], step.claimed.registry
    auto_created = await _role_to_come(step, name, planned)
    try:
        for call in setting.calls(planned, run.observed[name].shape):
            await step.fence()
            await _send(step, call)
    finally:
        if auto_created:
            await _note_auto_created(step, setting.role or "")
    run.observed[name] = await observe_setting(step.aws, registry, setting)
    wanted = set(planned.target)
    run.applied[name] = {key: value for key, value in run.applied.get(name, {}).items() if key in wanted}


async def _send(step: Step, call: Call) -> None:
    registry = step.claimed.registry
    try:
        await step.aws.call(registry.account, registry.region, call.service, call.operation, call.params)
    except AwsError as error:
        removing = call.operation.startswith(("Delete", "Deregister"))
        if (removing and error.aws_code in _GONE) or error.aws_code == "ExclusionAlreadyExists":
            return
        if error.aws_code in _THERE or error.aws_code in _GONE:
            # Somebody else was faster: look again and plan anew.
            raise Temporary(
                error.message, reason="CHANGED_MEANWHILE", after=0.5, aws_code=error.aws_code, operation=call.operation
            ) from error
        raise


async def _role_to_come(step: Step, name: str, planned: Plan) -> bool:
    """Whether ECR is about to create the role that the setting needs, because the account has none."""
    role = SETTINGS[name].role
    if role is None or not planned.target:
        return False
    resource = RoleName(step.claimed.account, role)
    row = await step.db.read(lambda tx: resources.get(tx, str(resource)))
    if row is not None:
        _check_role(row)
        return False
    try:
        return await observe_role(step.aws, resource.account, step.claimed.place, ROLES[role]) is None
    except AwsError:
        # Who created the role is worth knowing, not worth failing for.
        return False


def _check_role(row: Resource) -> None:
    """Wait for a role that is on its way here or away: ECR would create it again by itself."""
    if row.spec.get("deletion"):
        raise Temporary(f"{row.name} is being deleted", reason="ROLE_BEING_DELETED", after=5.0)
    declared = row.spec.get("managed", True) and row.spec.get("mode", "ENFORCE") == "ENFORCE"
    if declared and not row.state.get("role"):
        raise Temporary(f"{row.name} is declared and not there yet", reason="ROLE_NOT_READY", after=1.0)


async def _note_auto_created(step: Step, role: str) -> None:
    resource = RoleName(step.claimed.account, role)
    try:
        seen = await observe_role(step.aws, resource.account, step.claimed.place, ROLES[role])
    except AwsError:
        return
    if seen is None:
        return

    def save(tx: Tx) -> None:
        row = resources.ensure(tx, resource, {"managed": False})
        if not row.state.get("provenance"):
            resources.amend(tx, row.name, state={**row.state, "provenance": "AUTO_CREATED"})
            resources.request(tx, row.name)

    await step.db.write(save)


def _was_applied(state: Mapping[str, Any], drift: Mapping[str, Any]) -> bool:
    settled = state.get("settled", {}).get(drift["setting"], {})
    return bool(drift["key"] in settled and settled[drift["key"]] == drift["desired"])


def _drift_json(drift: Any) -> dict[str, Any]:
    return {
        "setting": drift.setting,
        "key": drift.key,
        "kind": str(drift.kind),
        "desired": drift.desired,
        "observed": drift.observed,
    }


def _result(step: Step, run: _Run, mode: str) -> StepResult:
    drift = [_drift_json(d) for p in run.plans.values() for d in p.drift]
    degraded = {name: seen.unknown for name, seen in run.observed.items() if seen.unknown}
    synced = not drift and not run.errors
    error = _first(run.errors)
    desired = run.composition.desired
    state = {
        **step.claimed.state,
        "applied": {name: elements for name, elements in run.applied.items() if elements},
        "observed": {name: seen.shape for name, seen in run.observed.items()},
        "degraded": degraded,
        "drift": drift,
    }
    if synced:
        # An element that was found as desired is ours from now on, too.
        state["applied"] = {name: dict(elements) for name, elements in desired.items() if elements}
        state["settled"] = state["applied"]
    if run.mended:
        state["mend"] = {"time": step.now, "drift": run.mended}
    waiting = mode == "OBSERVE" and bool(drift)
    standing = Standing(
        synced,
        error,
        degraded=_degraded_text(degraded),
        reason="OBSERVE_ONLY" if waiting else "",
        message=f"{len(drift)} elements differ, and the mode is OBSERVE" if waiting else "",
    )
    if not run.errors and drift and mode == "ENFORCE" and not degraded:
        standing = Standing(False, Temporary("AWS does not show the change yet", reason="NOT_VISIBLE_YET", after=1.0))
    return StepResult(state, standing, observed=True, settled=synced)


def _first(errors: Sequence[AwsError]) -> AwsError | None:
    """The error to show: what is blocked for good matters more than what will pass."""
    permanent = [error for error in errors if isinstance(error, Permanent)]
    return next(iter([*permanent, *errors]), None)


def _degraded_text(degraded: Mapping[str, Sequence[str]]) -> str:
    if not degraded:
        return ""
    paths = "; ".join(f"{name}: {', '.join(unknown)}" for name, unknown in sorted(degraded.items()))
    return f"AWS returned members that this version does not know, so these settings are not written: {paths}"
