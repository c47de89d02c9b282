"""The result of an attempt on a registry; pure but for `Progress`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import reduce

from ecrkeeper_server.aws_errors import Temporary
from ecrkeeper_server.engine import contests
from ecrkeeper_server.engine.attempt import Attempt, AttemptResult
from ecrkeeper_server.engine.setting_errors import of_changes
from ecrkeeper_server.engine.statuses import status_of, statuses_of
from ecrkeeper_server.engine.write_ahead import Progress
from ecrkeeper_server.settings.element_sets import NO_KEYS, changed_keys, merged, only, restricted, without
from ecrkeeper_server.settings.elements import Elements, keys_of
from ecrkeeper_server.settings.ownership import finding_drift
from ecrkeeper_server.settings.plan import Plan
from ecrkeeper_server.settings.setting import nothing_denied
from ecrkeeper_server.settings.table import SETTINGS
from ecrkeeper_server.store.drift_rows import storing_drift
from ecrkeeper_server.store.specs import Mode
from ecrkeeper_server.store.states import RegistryState
from ecrkeeper_server.store.stored_drift import Remediation, StoredDrift
from ecrkeeper_server.turns import Steps

# Stored paths of members that this version does not know.
_PATHS = 50


def resulting(attempt: Attempt, progress: Progress, mode: Mode) -> Steps[AttemptResult]:
    """Return the result without replication checks and trials, in steps."""
    drift = yield from storing_drift((yield from finding_drift(progress.plans, progress.composition)))
    degraded = {name: observed.unknown for name, observed in progress.observed.items() if observed.unknown}
    state = yield from _state(attempt, progress, mode, drift, degraded)
    yield
    if mode is Mode.ENFORCE:
        _add_contested(attempt, progress)
        _add_unshown(progress, drift, degraded)
    errors = [error for of_setting in progress.errors.values() for error in of_setting]
    status = status_of(mode, drift, errors, degraded)
    owners = {} if status.ready else (yield from statuses_of(progress, mode, drift, errors, degraded))
    return AttemptResult(state, status, observed=True, converged=status.synced, owners=owners)


def _add_contested(attempt: Attempt, progress: Progress) -> None:
    """Explain contested elements that are not written now."""
    if not progress.withheld:
        return
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
    if not drift:
        return
    for name, planned in progress.plans.items():
        known = progress.errors.get(name, [])
        unknown = reduce(lambda keys, error: error.beyond(keys), known, changed_keys(planned.changes))
        unshown = list(restricted(planned.changes, unknown))
        if unshown and name not in degraded:
            error = Temporary("AWS does not show the change yet", reason="NOT_VISIBLE_YET", after=1.0)
            progress.errors[name] = [*known, of_changes(progress.composition, name, unshown, error)]


def _state(
    attempt: Attempt, progress: Progress, mode: Mode, drift: list[StoredDrift], degraded: Mapping[str, Sequence[str]]
) -> Steps[RegistryState]:
    before, desired = attempt.claimed.registry_state, progress.composition.desired
    in_place = {name: _in_place(desired.get(name, {}), planned) for name, planned in progress.plans.items()}
    yield
    done = {name for name, planned in progress.plans.items() if not planned.drift and name not in progress.errors}
    # Elements found as desired become owned, except in mode OBSERVE.
    if mode is Mode.ENFORCE:
        owned = {
            name: merged({} if name in done else progress.applied.get(name, {}), in_place[name]) for name in in_place
        }
        applied = {**progress.applied, **owned}
    else:
        applied = {**progress.applied, **_still_owned(progress)}
    yield
    settled_before = before.settled
    settled = {
        **settled_before,
        **{name: _applied_last(settled_before.get(name, {}), progress, name, in_place[name]) for name in in_place},
    }
    yield
    unread = {
        name: shape
        for name, shape in before.observed.items()
        if name in progress.errors and name not in progress.observed
    }
    window = attempt.contest_window
    progress.contests = contests.after(progress.contests, progress.remediated, in_place, desired, attempt.now, window)
    yield
    state = before.changed(applied={name: elements for name, elements in applied.items() if elements})
    yield
    state = state.changed(settled={name: elements for name, elements in settled.items() if elements})
    yield
    state = state.changed(
        unconfirmed={name: keys for name, keys in progress.unconfirmed.items() if keys},
        observed={**unread, **{name: observed.shape for name, observed in progress.observed.items()}},
        degraded={name: _shortened(paths) for name, paths in degraded.items()},
        suspects=progress.suspects,
        denials={name: denials for name in progress.plans if (denials := _denials(progress, name))},
        contests=progress.contests,
    )
    state = yield from state.changing_drift(drift)
    if not progress.remediated:
        return state
    state = state.changed(remediation=Remediation(attempt.now, []))
    return (yield from state.changing_remediated(progress.remediated))


def _shortened(paths: Sequence[str]) -> list[str]:
    more = len(paths) - _PATHS
    return [*paths[:_PATHS], *([f"and {more} more"] if more > 0 else [])]


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
