"""The writes of an attempt on a registry: record, fence, send, re-read."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

from msgspec.structs import replace

from ecrkeeper_server.aws_errors import AwsError, Temporary
from ecrkeeper_server.ecr.apply import AwsWrite
from ecrkeeper_server.ecr.observe import EVERYWHERE, Observed, observe_setting
from ecrkeeper_server.engine.attempt import Attempt
from ecrkeeper_server.engine.auto_roles import note_auto_created, role_will_be_created
from ecrkeeper_server.engine.document_writes import DocumentWriter, aws_write
from ecrkeeper_server.engine.rejections import finding_rejections, held
from ecrkeeper_server.engine.setting_errors import SettingError, of_changes, of_elements, of_withheld
from ecrkeeper_server.engine.write_ahead import Progress, SettingWrite, record_intent, relinquish
from ecrkeeper_server.settings import suspects
from ecrkeeper_server.settings.document import Document
from ecrkeeper_server.settings.element_sets import NO_KEYS, changed_keys, differing, excluding, only, restricted
from ecrkeeper_server.settings.elements import Change, gather, keys_of
from ecrkeeper_server.settings.guards import permitted
from ecrkeeper_server.settings.isolation import unmade_changes, with_changes
from ecrkeeper_server.settings.plan import Drift, Plan
from ecrkeeper_server.settings.setting import Call, Setting
from ecrkeeper_server.settings.table import SETTINGS
from ecrkeeper_server.store.drift_rows import storing_drift
from ecrkeeper_server.store.rows import Method
from ecrkeeper_server.store.stored_drift import StoredDrift
from ecrkeeper_server.turns import Steps, work

# After these errors nothing more is sent: other calls would fail alike, or are not wanted.
_STOPPING = EVERYWHERE | {"AWS_UNREACHABLE", "MODE_CHANGED"}
_ISOLATION_SECONDS = 0.5


async def write_settings(attempt: Attempt, progress: Progress) -> None:
    """Write setting after setting, in the order of the table.

    A rejected setting or element does not stop the others; only an error of the
    whole account ends the writing.
    """
    todo = await work().run(_sendable(attempt, progress), attempt.elements)
    due = [
        await work().run(_setting_write(attempt, progress, name, todo.get(name)), attempt.elements)
        for name in progress.plans
    ]
    progress.applied_before = dict(progress.applied)
    if todo:
        await record_intent(attempt, progress, todo, {each.setting: each.writes for each in due})
    stopping: AwsError | None = None
    for each in due:
        name = each.setting
        if stopping is None and each.changes:
            stopping = await _write(attempt, progress, each)
        elif stopping is not None and each.planned is not None:
            progress.errors[name] = [
                *progress.errors.get(name, ()),
                of_changes(progress.composition, name, each.planned.changes, stopping),
            ]
            relinquish(progress, name, progress.applied_before.get(name, {}), each.writes)
        if progress.suspects.get(name):
            rejections = await work().run(finding_rejections(progress, name, attempt.now), attempt.elements)
            progress.errors[name] = [*progress.errors.get(name, ()), *rejections]
    progress.errors = {name: errors for name, errors in progress.errors.items() if errors}


def _sendable(attempt: Attempt, progress: Progress) -> Steps[dict[str, Plan]]:
    """Return the permitted part of the plans in steps; the rest becomes errors."""
    todo = {}
    allowing = {d.owner for d in progress.declared if d.allow_replacement}
    for name, planned in progress.plans.items():
        yield
        if not planned.changes or progress.observed[name].unknown:
            continue
        fresh = _fresh(progress, planned)
        allowed, withheld = permitted(fresh, attempt.claimed.registry, progress.composition, allowing)
        if withheld is not None:
            unsent = list(excluding(fresh.changes, changed_keys(allowed.changes)))
            progress.errors[name] = [of_withheld(progress.composition, name, unsent, withheld)]
        if allowed.changes:
            todo[name] = allowed
    return todo


def _fresh(progress: Progress, planned: Plan) -> Plan:
    """Return a plan without suspects and the changes that wait for them."""
    waiting = held(progress, planned.setting)
    excluded = suspects.keys_of(progress.suspects.get(planned.setting, ())) | keys_of(waiting)
    excluded |= progress.withheld.get(planned.setting, NO_KEYS)
    if not excluded:
        return planned
    remaining = tuple(excluding(planned.changes, excluded))
    undone = (replace(c, before=c.after, after=c.before) for c in restricted(planned.changes, excluded))
    drift = tuple(excluding(planned.drift, excluded))
    return replace(planned, changes=remaining, target=with_changes(planned.target, undone), drift=drift)


def reconcile_requested(attempt: Attempt) -> bool:
    """Return whether ReconcileRegistry was called, which ignores backoffs."""
    return any(operation.method == Method.RECONCILE_REGISTRY for operation in attempt.desired.pending)


def _retried(attempt: Attempt, progress: Progress, name: str) -> list[Change]:
    """Return the suspects of a document to retry, and the changes that wait for them."""
    at_once = reconcile_requested(attempt)
    due = suspects.keys_of(one for one in progress.suspects.get(name, ()) if at_once or one.next <= attempt.now)
    if not due or progress.observed[name].unknown:
        return []
    waiting = frozenset(key for key, denials in held(progress, name).items() if denials <= due)
    return [change for change in restricted(progress.plans[name].changes, due | waiting) if change.after is not None]


def _setting_write(attempt: Attempt, progress: Progress, name: str, planned: Plan | None) -> Steps[SettingWrite]:
    """Return the calls of one setting's plan, and the suspects to retry, in steps."""
    calls: Sequence[Call] = ()
    if planned is not None:
        calls = yield from SETTINGS[name].calling(planned, progress.observed[name].shape)
        yield
    writes = [aws_write(attempt, progress, name, call) for call in calls]
    return SettingWrite(name, planned, writes, _retried(attempt, progress, name))


async def _write(attempt: Attempt, progress: Progress, due: SettingWrite) -> AwsError | None:
    """Write one setting and re-read it; return an error that ends the writing."""
    name, planned = due.setting, due.planned
    failed: list[SettingError] = []
    auto_created = False
    try:
        auto_created = await role_will_be_created(attempt, name, planned or progress.plans[name])
        failed += await _send_all(attempt, progress, due)
    except AwsError as error:
        unmade = unmade_changes(due.changes, progress.observed[name].elements)
        failed.append(of_changes(progress.composition, name, unmade, error))
    finally:
        if auto_created:
            await note_auto_created(attempt, SETTINGS[name].role or "")
    stopping = next((each.error for each in failed if each.error.reason in _STOPPING), None)
    if stopping is None:
        failed += await _reread(attempt, progress, name)
    if failed:
        progress.errors[name] = [*progress.errors.get(name, ()), *failed]
        if not isinstance(SETTINGS[name], Document) or all(write.outcome == "NOT_SENT" for write in due.writes):
            relinquish(progress, name, progress.applied_before.get(name, {}), due.writes)
    elif not progress.suspects.get(name):
        progress.unconfirmed.pop(name, None)
    if stopping is None and planned is not None:
        progress.remediated += await work().run(_remediating(attempt, progress, planned, failed), attempt.elements)
    return stopping


async def _reread(attempt: Attempt, progress: Progress, name: str) -> list[SettingError]:
    try:
        observed = await observe_setting(attempt.aws, attempt.claimed.registry, SETTINGS[name])
    except AwsError as error:
        # Written elements are owned in any case.
        return [SettingError(name, error)]
    await work().step(_note_observed, progress, name, observed, elements=attempt.elements)
    return []


def _note_observed(progress: Progress, name: str, observed: Observed) -> None:
    progress.observed[name] = observed
    # A removed element stays owned until AWS no longer shows it.
    retained = keys_of(progress.plans[name].target) | keys_of(observed.elements)
    progress.applied[name] = only(progress.applied.get(name, {}), retained)


async def _send_all(attempt: Attempt, progress: Progress, due: SettingWrite) -> list[SettingError]:
    """Send the calls of one setting; return the errors of rejected ones."""
    name, setting = due.setting, SETTINGS[due.setting]
    if not isinstance(setting, Document):
        return await _send_each(attempt, progress, name, due.writes)
    undecided = await DocumentWriter(attempt, progress, setting).write(due)
    if not undecided:
        return []
    progress.retry_in = _ISOLATION_SECONDS
    text = f"AWS rejects {name}, and the rejected elements are not isolated yet"
    error = Temporary(text, reason="ISOLATING", after=_ISOLATION_SECONDS)
    return [of_changes(progress.composition, name, undecided, error)]


async def _send_each(attempt: Attempt, progress: Progress, name: str, writes: Sequence[AwsWrite]) -> list[SettingError]:
    """Send the calls of a collection separately."""
    failed: list[SettingError] = []
    rejected: set[str] = set()
    for at, write in enumerate(writes):
        keys = {change.key for change in write.changes}
        if keys & rejected:
            # The second half of a replacement whose first half was rejected.
            continue
        try:
            await _send(attempt, SETTINGS[name], write)
        except AwsError as error:
            rejected |= keys
            if error.reason in _STOPPING:
                unsent = [change for each in writes[at:] for change in each.changes]
                return [*failed, of_changes(progress.composition, name, unsent, error)]
            elements = {change.key: change.before if change.after is None else change.after for change in write.changes}
            failed.append(of_elements(progress.composition, name, elements, error))
    return failed


async def _send(attempt: Attempt, setting: Setting, write: AwsWrite) -> None:
    try:
        await attempt.send(write)
    except AwsError as error:
        if setting.already_done(write.operation, error.aws_code):
            return
        if setting.overtaken(error.aws_code):
            # Observe and plan once more, after a concurrent change.
            raise Temporary(
                error.message, reason="CHANGED_MEANWHILE", after=0.5, aws_code=error.aws_code, operation=write.operation
            ) from error
        raise


def _remediating(
    attempt: Attempt, progress: Progress, planned: Plan, failed: Sequence[SettingError]
) -> Steps[list[StoredDrift]]:
    """Return the remediated differences of elements that were in place, in steps.

    An element that was in place and is not now was changed out of band.
    """
    settled = attempt.claimed.registry_state.settled.get(planned.setting, {})
    yield
    done = reduce(lambda keys, error: error.beyond(keys), failed, changed_keys(planned.drift))
    done &= keys_of(settled)
    yield
    in_place = done - differing(progress.observed[planned.setting].elements, settled)
    remediated: list[Drift] = []
    for drift in restricted(planned.drift, in_place):
        yield
        as_desired = gather([(drift.keys, drift.desired)])
        remediated += restricted([drift], drift.keys - differing(as_desired, only(settled, drift.keys)))
    return (yield from storing_drift((drift, None) for drift in remediated))
