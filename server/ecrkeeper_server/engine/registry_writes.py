"""The writing half of a step on a registry: remember, fence, send, read again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ecrkeeper_server.engine.observe import Observed, observe_role, observe_setting
from ecrkeeper_server.engine.step import LeaseLostError, Step
from ecrkeeper_server.errors import AwsError, Permanent, Temporary
from ecrkeeper_server.names import RoleName
from ecrkeeper_server.roles.catalogue import ROLES
from ecrkeeper_server.settings.algebra import Composition, Plan
from ecrkeeper_server.settings.elements import ChangeKind, Drift
from ecrkeeper_server.settings.setting import Call
from ecrkeeper_server.settings.table import SETTINGS
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
class Run:
    """What one step has learned so far."""

    composition: Composition
    declared: list[Declaration]
    applied: dict[str, dict[str, Any]]
    observed: dict[str, Observed] = field(default_factory=dict)
    plans: dict[str, Plan] = field(default_factory=dict)
    errors: list[AwsError] = field(default_factory=list)
    mended: list[dict[str, Any]] = field(default_factory=list)


async def act(step: Step, run: Run) -> None:
    """Write setting after setting, in the order of the table."""
    await _remember_intent(step, run)
    for name, planned in list(run.plans.items()):
        if not planned.changes or run.observed[name].unknown:
            continue
        refused = _replacement_refused(run, planned) or _too_much(step, planned)
        if refused is not None:
            run.errors.append(refused)
            continue
        drift = [drift_json(d) for d in planned.drift]
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


async def _remember_intent(step: Step, run: Run) -> None:
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


def _replacement_refused(run: Run, planned: Plan) -> Permanent | None:
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


async def _write(step: Step, run: Run, name: str, planned: Plan) -> None:
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


def drift_json(drift: Drift) -> dict[str, Any]:
    """A difference as it is stored."""
    return {
        "setting": drift.setting,
        "key": drift.key,
        "kind": str(drift.kind),
        "desired": drift.desired,
        "observed": drift.observed,
    }
