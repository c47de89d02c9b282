"""The writing half of a step on a registry: remember, fence, send, read again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ecrkeeper_server.engine.auto_roles import note_auto_created, role_to_come
from ecrkeeper_server.engine.observe import Observed, observe_setting
from ecrkeeper_server.engine.step import Step
from ecrkeeper_server.engine.trail import AwsWrite
from ecrkeeper_server.errors import AwsError, Temporary
from ecrkeeper_server.settings.algebra import Composition, Plan
from ecrkeeper_server.settings.elements import Drift
from ecrkeeper_server.settings.table import SETTINGS
from ecrkeeper_server.settings.withholding import withheld
from ecrkeeper_server.store import declarations, queue
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.rows import Declaration

_GONE = frozenset(
    {
        "PullThroughCacheRuleNotFound",
        "TemplateNotFound",
        "ExclusionNotFound",
        "RegistryPolicyNotFound",
        "SigningConfigurationNotFound",
    }
)
# Faults that every other call to the account would meet, too.
_EVERYWHERE = frozenset(
    {"AWS_THROTTLED", "AWS_UNREACHABLE", "AWS_UNAVAILABLE", "AWS_CREDENTIALS_REJECTED", "AWS_NO_CREDENTIALS"}
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
    """Write setting after setting, in the order of the table.

    What one setting or element is refused for does not hold up the others;
    only a fault of the whole account ends the round.
    """
    todo = _sendable(step, run)
    if not todo:
        return
    before = {name: dict(run.applied.get(name, {})) for name in todo}
    writes = {name: _writes(step, run, planned) for name, planned in todo.items()}
    await _remember_intent(step, run, writes)
    for name, planned in todo.items():
        try:
            failed = await _write(step, run, planned, writes[name])
        except AwsError as error:
            failed = [error]
        run.errors += failed
        if any(error.reason in _EVERYWHERE for error in failed):
            return
        if failed:
            _disown(run, name, before[name])
            continue
        # What was in place before and is not now was changed behind our back.
        drift = [drift_json(d) for d in planned.drift]
        run.mended += [d for d in drift if _was_applied(step.claimed.state, d)]


def _sendable(step: Step, run: Run) -> dict[str, Plan]:
    """The plans that may be sent; the others leave an error or make the setting degraded."""
    todo = {}
    allowing = {d.owner for d in run.declared if d.allow_replacement}
    for name, planned in run.plans.items():
        if not planned.changes or run.observed[name].unknown:
            continue
        refused = withheld(planned, step.claimed.registry, run.composition, allowing)
        if refused is None:
            todo[name] = planned
        else:
            run.errors.append(refused)
    return todo


def _disown(run: Run, name: str, before: Mapping[str, Any]) -> None:
    """Forget the intent for what AWS refused: a foreign element with that key is not ours."""
    desired, seen = run.composition.desired.get(name, {}), run.observed[name].elements
    run.applied[name] = {
        key: value
        for key, value in run.applied.get(name, {}).items()
        if key in before or (key in desired and seen.get(key) == desired[key])
    }


def _writes(step: Step, run: Run, planned: Plan) -> list[AwsWrite]:
    """The calls that make a plan true, each on behalf of those who declare what it changes."""
    name, registry = planned.setting, step.claimed.registry
    return [
        AwsWrite(
            registry.account,
            registry.region,
            call.service,
            call.operation,
            call.params,
            call.changes,
            sorted({owner for c in call.changes for owner in run.composition.owners.get((name, c.key), ())}),
        )
        for call in SETTINGS[name].calls(planned, run.observed[name].shape)
    ]


async def _remember_intent(step: Step, run: Run, writes: Mapping[str, Sequence[AwsWrite]]) -> None:
    """Record what is about to be written as ours, and the calls in the audit trail, before anything is sent.

    Were it recorded afterwards, a kill in between would leave elements in AWS
    that nobody would remove when their owner goes.
    """
    intended = {name: {**run.applied.get(name, {}), **run.composition.desired.get(name, {})} for name in writes}
    applied = run.applied = {**run.applied, **intended}
    originals = {name: seen.shape for name, seen in run.observed.items()}
    new = [d for d in run.declared if d.observed_generation == 0]

    def save(tx: Tx) -> bool:
        for declaration in new:
            shapes = {name: originals[name] for name in declaration.settings if name in originals}
            declarations.record_original(tx, declaration, shapes)
        return queue.hold(tx, step.claimed, {**step.claimed.state, "applied": applied})

    step.saved = True
    await step.commit(save, [write for of_setting in writes.values() for write in of_setting])


async def _write(step: Step, run: Run, planned: Plan, writes: Sequence[AwsWrite]) -> list[AwsError]:
    """Send the calls of one setting and read it again; the errors of those that were refused."""
    name, registry = planned.setting, step.claimed.registry
    setting = SETTINGS[name]
    auto_created = await role_to_come(step, name, planned)
    failed: list[AwsError] = []
    refused: set[str] = set()
    try:
        for write in writes:
            keys = {change.key for change in write.changes}
            if keys & refused:
                # The second half of a replacement whose first half was refused.
                continue
            try:
                await _send(step, write)
            except AwsError as error:
                failed.append(error)
                refused |= keys
                if error.reason in _EVERYWHERE:
                    return failed
    finally:
        if auto_created:
            await note_auto_created(step, setting.role or "")
    run.observed[name] = await observe_setting(step.aws, registry, setting)
    # What was removed stays ours until AWS no longer shows it.
    kept = {*planned.target, *run.observed[name].elements}
    run.applied[name] = {key: value for key, value in run.applied.get(name, {}).items() if key in kept}
    return failed


async def _send(step: Step, write: AwsWrite) -> None:
    try:
        await step.send(write)
    except AwsError as error:
        removing = write.operation.startswith(("Delete", "Deregister"))
        if (removing and error.aws_code in _GONE) or error.aws_code == "ExclusionAlreadyExists":
            return
        if error.aws_code in _THERE or error.aws_code in _GONE:
            # Somebody else was faster: look again and plan anew.
            raise Temporary(
                error.message, reason="CHANGED_MEANWHILE", after=0.5, aws_code=error.aws_code, operation=write.operation
            ) from error
        raise


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
