"""The writing half of a step on a registry: remember, fence, send, read again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ecrkeeper_server.engine.auto_roles import note_auto_created, role_to_come
from ecrkeeper_server.engine.intent import Run, disown, remember
from ecrkeeper_server.engine.observe import EVERYWHERE, observe_setting
from ecrkeeper_server.engine.policy_rejection import explained
from ecrkeeper_server.engine.step import Step
from ecrkeeper_server.engine.trail import AwsWrite
from ecrkeeper_server.errors import AwsError, Temporary
from ecrkeeper_server.settings.document import Document
from ecrkeeper_server.settings.elements import Drift, Plan
from ecrkeeper_server.settings.setting import Setting
from ecrkeeper_server.settings.table import SETTINGS
from ecrkeeper_server.settings.withholding import permitted

_GONE = frozenset(
    {
        "PullThroughCacheRuleNotFound",
        "TemplateNotFound",
        "ExclusionNotFound",
        "RegistryPolicyNotFound",
        "SigningConfigurationNotFound",
    }
)
# After these nothing more is sent: the other calls would meet them, too, or are no longer wanted.
_STOPPING = EVERYWHERE | {"MODE_CHANGED"}
# How old a look may be, in seconds, that a whole document is written by.
_FRESH_SECONDS = 1.0
_THERE = frozenset({"PullThroughCacheRuleAlreadyExists", "TemplateAlreadyExists"})


async def act(step: Step, run: Run) -> None:
    """Write setting after setting, in the order of the table.

    What one setting or element is refused for does not hold up the others;
    only a fault of the whole account ends the round.
    """
    todo = _sendable(step, run)
    if not todo:
        return
    before = {name: dict(elements) for name, elements in run.applied.items()}
    writes = {name: _writes(step, run, planned) for name, planned in todo.items()}
    await remember(step, run, todo, writes)
    stopped = False
    for name, planned in todo.items():
        failed = [] if stopped else await _write(step, run, planned, writes[name])
        if not failed and not stopped:
            run.unconfirmed.pop(name, None)
        if failed:
            run.errors[name] = [*run.errors.get(name, ()), *failed]
            stopped = any(error.reason in _STOPPING for error in failed)
        if failed or stopped:
            disown(run, name, before.get(name, {}), writes[name])
            continue
        # What was in place before and is not now was changed behind our back.
        drift = [drift_json(d) for d in planned.drift]
        run.mended += [d for d in drift if _was_applied(step.claimed.state, d)]


def _sendable(step: Step, run: Run) -> dict[str, Plan]:
    """What of the plans may be sent; the rest leaves an error or makes the setting degraded."""
    todo = {}
    allowing = {d.owner for d in run.declared if d.allow_replacement}
    for name, planned in run.plans.items():
        if not planned.changes or run.observed[name].unknown:
            continue
        allowed, refused = permitted(planned, step.claimed.registry, run.composition, allowing)
        if refused is not None:
            run.errors[name] = [refused]
        if allowed.changes:
            todo[name] = allowed
    return todo


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


async def _write(step: Step, run: Run, planned: Plan, writes: Sequence[AwsWrite]) -> list[AwsError]:
    """Send the calls of one setting and read it again; the errors of those that were refused."""
    name, registry = planned.setting, step.claimed.registry
    setting = SETTINGS[name]
    try:
        if isinstance(setting, Document):
            await _look_again(step, run, setting)
        auto_created = await role_to_come(step, name, planned)
    except AwsError as error:
        return [error]
    try:
        failed = await explained(step, run, planned.target, await _send_all(step, writes))
    finally:
        if auto_created:
            await note_auto_created(step, setting.role or "")
    if any(error.reason in _STOPPING for error in failed):
        return failed
    try:
        run.observed[name] = await observe_setting(step.aws, registry, setting)
    except AwsError as error:
        # What was written is ours all the same.
        return [*failed, error]
    # What was removed stays ours until AWS no longer shows it.
    kept = {*planned.target, *run.observed[name].elements}
    run.applied[name] = {key: value for key, value in run.applied.get(name, {}).items() if key in kept}
    return failed


async def _look_again(step: Step, run: Run, setting: Setting) -> None:
    """Make sure that a document is still what the plan was made on, unless that was a moment ago.

    A document replaces all that is there, and ECR takes no condition with it: the calls before it may have
    waited for minutes, and what somebody else has added meanwhile would be lost without a trace.
    """
    waited = any(write.outcome != "NOT_SENT" for write in step.writes)
    if not waited and step.monotonic() - run.looked_at < _FRESH_SECONDS:
        return
    seen = await observe_setting(step.aws, step.claimed.registry, setting)
    planned_on, run.observed[setting.name] = run.observed[setting.name], seen
    if (seen.elements, seen.unknown) != (planned_on.elements, planned_on.unknown):
        text = f"{setting.name} was changed in AWS while other settings were written"
        raise Temporary(text, reason="CHANGED_MEANWHILE", after=0.5)


async def _send_all(step: Step, writes: Sequence[AwsWrite]) -> list[AwsError]:
    failed: list[AwsError] = []
    refused: set[str] = set()
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
            if error.reason in _STOPPING:
                break
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
