"""One attempt on one registry: observe, plan, write, re-read, report."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

from ecrkeeper_server.aws_errors import Temporary
from ecrkeeper_server.ecr.answer_limit import TOO_LARGE
from ecrkeeper_server.ecr.checks import check_replication, try_elements
from ecrkeeper_server.ecr.observe import try_observe
from ecrkeeper_server.engine import contests
from ecrkeeper_server.engine.attempt import Attempt, AttemptResult
from ecrkeeper_server.engine.backfills import follow
from ecrkeeper_server.engine.conditions import PAUSED, Status
from ecrkeeper_server.engine.probe import probe
from ecrkeeper_server.engine.registry_writes import act, asked
from ecrkeeper_server.engine.setting_errors import SettingError, of_changes
from ecrkeeper_server.engine.statuses import status_of, statuses_of
from ecrkeeper_server.engine.write_ahead import Progress, originals_of, record
from ecrkeeper_server.settings import suspects
from ecrkeeper_server.settings.element_sets import NO_KEYS, changed_keys, merged, only, restricted, without
from ecrkeeper_server.settings.elements import Elements, Plan, cost_of_all, keys_of
from ecrkeeper_server.settings.ownership import composition_of, drifts, managed, owned_elements, planning, verified
from ecrkeeper_server.settings.setting import nothing_denied
from ecrkeeper_server.settings.table import SETTINGS
from ecrkeeper_server.store.drift_rows import stored_drift
from ecrkeeper_server.store.findings import Findings
from ecrkeeper_server.store.specs import Mode, UnmanagedElements
from ecrkeeper_server.store.state_members import RegistryMembers
from ecrkeeper_server.store.state_parts import Remediation, StoredDrift
from ecrkeeper_server.store.states import RegistryState
from ecrkeeper_server.turns import work

# State that a registry without declarations does not keep.
_NOTHING_OBSERVED: RegistryMembers = {
    "drift": [],
    "error": None,
    "observed": {},
    "degraded": {},
    "checks": [],
    "problems": {},
    "settled": {},
    "suspects": {},
    "denials": {},
}


async def reconcile_registry(attempt: Attempt) -> AttemptResult:
    """Reconcile one registry; docs/architecture.md describes the steps."""
    row, desired = attempt.claimed, attempt.desired
    elements = cost_of_all(each.settings for each in desired.declared)
    attempt.elements = elements
    composition = await work().step(composition_of, desired.declared, elements=elements)
    spec = row.registry_spec
    owned = owned_elements(row.registry_state.applied, spec.abandoned, composition.desired)
    progress = Progress(composition, desired.declared, owned)
    mode, names = spec.mode, managed(composition.desired, progress.applied)
    prune = spec.unmanaged_elements is UnmanagedElements.PRUNE
    if mode is Mode.PAUSED:
        await follow(attempt, desired.pending)
        return AttemptResult(row.registry_state, PAUSED, observed=False, converged=False)
    if not names:
        state = row.registry_state.changed(**_NOTHING_OBSERVED).changed(applied=progress.applied)
        poll_in = await follow(attempt, desired.pending)
        return AttemptResult(state, Status(True, reason="UNMANAGED"), observed=False, converged=True, poll_in=poll_in)
    progress.observed, unread = await try_observe(attempt.aws, row.registry, names, attempt.home_region)
    progress.errors = {
        name: [SettingError(name, error, degraded=error.reason == TOO_LARGE)] for name, error in unread.items()
    }
    elements += sum(seen.size for seen in progress.observed.values())
    attempt.elements = elements
    progress.applied, progress.unconfirmed = await work().step(
        verified, progress.applied, row.registry_state.unconfirmed, progress.elements(), elements=elements
    )
    planned = planning(composition.desired, progress.applied, progress.elements(), prune=prune)
    progress.plans = await work().run(planned, elements)
    progress.originals = await work().step(originals_of, progress, row.registry, elements=elements)
    progress.denials = row.registry_state.denials
    progress.contests = contests.load(row.registry_state.contests, Findings.from_json(row.events))
    if not asked(attempt):
        progress.withheld = contests.withheld(
            progress.contests, progress.plans, composition.desired, row.registry_state.settled,
            attempt.now, attempt.contest_window,
        )  # fmt: skip
    progress.suspects = suspects.load(row.registry_state.suspects, progress.plans, progress.elements())
    if mode is Mode.ENFORCE and any(p.changes for p in progress.plans.values()):
        await act(attempt, progress)
        planned = planning(composition.desired, progress.applied, progress.elements(), prune=prune)
        progress.plans = await work().run(planned, elements)
    if progress.originals:
        await attempt.db.write(lambda tx: record(tx, progress.originals))
    state, result = await work().step(_result, attempt, progress, mode, elements=elements)
    checks = await _checks(attempt, progress)
    # A trial makes ECR use a secret, so it is not made in mode OBSERVE.
    problems = await _problems(attempt, progress) if mode is Mode.ENFORCE and result.converged else {}
    polls = (
        await follow(attempt, desired.pending),
        suspects.next_retry(progress.suspects, attempt.now),
        contests.next_observation(progress.contests, attempt.now, attempt.contest_window),
        progress.retry_in,
    )
    state = state.changed(checks=checks, problems=problems)
    if attempt.probes and mode is Mode.ENFORCE and result.status.ready:
        state = await probe(attempt, progress, state)
    return replace(result, state=state, poll_in=min((each for each in polls if each is not None), default=None))


async def _problems(attempt: Attempt, progress: Progress) -> dict[str, dict[str, str]]:
    """Return why ECR cannot use existing elements, by setting and key."""
    before, found = attempt.claimed.registry_state.problems, {}
    for name, elements in progress.composition.desired.items():
        known = before.get(name, {})
        found[name] = await try_elements(attempt.aws, attempt.claimed.registry, SETTINGS[name], elements, known)
    return {name: problems for name, problems in found.items() if problems}


async def _checks(attempt: Attempt, progress: Progress) -> list[Mapping[str, Any]]:
    """Return whether images can arrive at each destination.

    An unchanged result keeps its time, so that nothing is rewritten.
    """
    pairs = keys_of(progress.composition.desired.get("replication_configuration", {}))
    before = {_destination(check): check for check in attempt.claimed.registry_state.checks}
    checks = await check_replication(attempt.aws, attempt.claimed.registry, pairs, attempt.now) if pairs else []
    return [
        old if (old := before.get(_destination(new))) and {**old, "time": new["time"]} == new else new for new in checks
    ]


def _destination(check: Mapping[str, Any]) -> tuple[str, str]:
    return check["destination"]["registryId"], check["destination"]["region"]


def _result(attempt: Attempt, progress: Progress, mode: Mode) -> tuple[RegistryState, AttemptResult]:
    drift = stored_drift(drifts(progress.plans, progress.composition))
    degraded = {name: observed.unknown for name, observed in progress.observed.items() if observed.unknown}
    state = _state(attempt, progress, mode, drift, degraded)
    if mode is Mode.ENFORCE:
        _add_contested(attempt, progress)
        _add_unshown(progress, drift, degraded)
    errors = [error for of_setting in progress.errors.values() for error in of_setting]
    status = status_of(mode, drift, errors, degraded)
    owners = {} if status.ready else statuses_of(progress, mode, drift, errors, degraded)
    return state, AttemptResult(state, status, observed=True, converged=status.synced, owners=owners)


def _add_contested(attempt: Attempt, progress: Progress) -> None:
    """Explain contested elements that are not written now."""
    reason, message = contests.explain(progress.contests)
    for name, keys in progress.withheld.items():
        changes = list(restricted(progress.plans[name].changes, keys))
        if changes:
            wait = contests.retry_in(progress.contests[name], attempt.now, attempt.contest_window)
            error = Temporary(message, reason=reason, after=wait, grpc_code="ABORTED")
            progress.errors[name] = [
                *progress.errors.get(name, []), of_changes(progress.composition, name, changes, error)
            ]  # fmt: skip


def _add_unshown(progress: Progress, drift: Sequence[StoredDrift], degraded: Collection[str]) -> None:
    """Elements that differ without an error were written and are not visible yet."""
    for name, planned in progress.plans.items():
        known = progress.errors.get(name, [])
        unknown = reduce(lambda keys, error: error.beyond(keys), known, changed_keys(planned.changes))
        unshown = list(restricted(planned.changes, unknown))
        if drift and unshown and name not in degraded:
            error = Temporary("AWS does not show the change yet", reason="NOT_VISIBLE_YET", after=1.0)
            progress.errors[name] = [*known, of_changes(progress.composition, name, unshown, error)]


def _state(
    attempt: Attempt, progress: Progress, mode: Mode, drift: list[StoredDrift], degraded: Mapping[str, Sequence[str]]
) -> RegistryState:
    before, desired = attempt.claimed.registry_state, progress.composition.desired
    in_place = {name: _in_place(desired.get(name, {}), planned) for name, planned in progress.plans.items()}
    done = {name for name, planned in progress.plans.items() if not planned.drift and name not in progress.errors}
    # Elements found as desired become owned, except in mode OBSERVE.
    if mode is Mode.ENFORCE:
        owned = {
            name: merged({} if name in done else progress.applied.get(name, {}), in_place[name]) for name in in_place
        }
        applied = {**progress.applied, **owned}
    else:
        applied = {**progress.applied, **_still_owned(progress)}
    settled_before = before.settled
    settled = {
        **settled_before,
        **{name: _applied_last(settled_before.get(name, {}), progress, name, in_place[name]) for name in in_place},
    }
    unread = {
        name: shape
        for name, shape in before.observed.items()
        if name in progress.errors and name not in progress.observed
    }
    state = before.changed(
        applied={name: elements for name, elements in applied.items() if elements},
        unconfirmed={name: keys for name, keys in progress.unconfirmed.items() if keys},
        settled={name: elements for name, elements in settled.items() if elements},
        observed={**unread, **{name: observed.shape for name, observed in progress.observed.items()}},
        degraded=degraded,
        drift=drift,
        suspects=suspects.dumped(progress.suspects),
        denials={name: denials for name in progress.plans if (denials := _denials(progress, name))},
    )
    window = attempt.contest_window
    progress.contests = contests.after(progress.contests, progress.remediated, in_place, desired, attempt.now, window)
    state = state.changed(contests=contests.dumped(progress.contests))
    return state.changed(remediation=Remediation(attempt.now, progress.remediated)) if progress.remediated else state


def _in_place(desired: Elements, planned: Plan) -> Elements:
    """Return the elements that AWS has as desired."""
    return without(desired, changed_keys(planned.drift)) if planned.drift else desired


def _applied_last(before: Elements, progress: Progress, name: str, in_place: Elements) -> Elements:
    """Return the elements that were in place: a difference from them is drift."""
    desired = progress.composition.desired.get(name, {})
    if len(in_place) == len(desired):
        return in_place
    return merged(only(before, keys_of(desired)), in_place)


def _denials(progress: Progress, name: str) -> dict[str, list[str]]:
    """Return the denials in AWS that have or had owners, with those."""
    setting, earlier = SETTINGS[name], progress.denials.get(name, {})
    if setting.denies is nothing_denied:
        return {}
    denials = {
        key: list(progress.composition.owners_of(name, key) or earlier.get(key, ()))
        for key, value in progress.observed[name].elements.items()
        if setting.denies(value)
    }
    return {key: owners for key, owners in denials.items() if owners}


def _still_owned(progress: Progress) -> dict[str, Elements]:
    """Return owned elements that AWS shows or may still show.

    If an element disappears and somebody else recreates it, they own it.
    """
    return {
        name: only(progress.applied.get(name, {}), keys_of(observed.elements) | progress.unconfirmed.get(name, NO_KEYS))
        for name, observed in progress.observed.items()
    }
