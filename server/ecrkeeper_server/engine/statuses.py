"""Derive the status of a registry and of each owner after an attempt; pure.

Only the elements that an owner declares count for that owner.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ecrkeeper_server.aws_errors import is_terminal
from ecrkeeper_server.ecr.answer_limit import TOO_LARGE
from ecrkeeper_server.engine.conditions import Status, soonest
from ecrkeeper_server.engine.setting_errors import SettingError, combined
from ecrkeeper_server.engine.write_ahead import Progress
from ecrkeeper_server.store.drift_rows import drift_count
from ecrkeeper_server.store.specs import Mode
from ecrkeeper_server.store.stored_drift import StoredDrift
from ecrkeeper_server.turns import Steps

# Differences of a step.
_PER_STEP = 20
Drifts = Sequence[StoredDrift]
Degraded = Mapping[str, Sequence[str]]
"""The paths that this version does not know, by setting."""


def status_of(mode: Mode, drift: Drifts, errors: Sequence[SettingError], degraded: Degraded) -> Status:
    """Return the statuses for these differences and errors."""
    error = combined(errors)
    waiting = mode is Mode.OBSERVE and bool(drift)
    unwritable = [each for each in errors if each.degraded]
    return Status(
        not drift and not errors,
        error,
        degraded="; ".join(filter(None, [_unknown_text(degraded), *(each.error.message for each in unwritable)])),
        degraded_reason="UNKNOWN_MEMBERS" if degraded else _unwritable_reason(unwritable),
        reason="OBSERVE_ONLY" if waiting else "",
        message=f"{drift_count(drift)} elements differ; the mode is OBSERVE" if waiting else "",
        retry=soonest([each.error for each in errors]) if error is not None and is_terminal(error) else None,
    )


def _unwritable_reason(errors: Sequence[SettingError]) -> str:
    return TOO_LARGE if any(each.error.reason == TOO_LARGE for each in errors) else "NOT_WRITABLE"


def statuses_of(
    progress: Progress, mode: Mode, drift: Drifts, errors: Sequence[SettingError], degraded: Degraded
) -> Steps[dict[str, Status]]:
    """Return the status of each owner's declaration.

    A step is one owner, or some differences.
    """
    owned: dict[str, list[StoredDrift]] = {}
    undeclared = []
    for at, each in enumerate(drift):
        if at % _PER_STEP == 0:
            yield
        owners = progress.composition.owners_of(each.setting, each.key)
        for owner in owners:
            owned.setdefault(owner, []).append(each)
        if not owners:
            covering = [error for error in errors if error.setting == each.setting and error.covers_any(each.keys)]
            undeclared.append((each, frozenset(owner for error in covering for owner in error.owners or ())))
    statuses = {}
    for declared in progress.declared:
        yield
        owner = declared.owner
        pending = declared.observed_generation < declared.generation
        # Nobody declares elements to remove: the owner of a new declaration may have dropped them.
        to_remove = [each for each, owners in undeclared if owner in owners or (pending and not owners)]
        statuses[owner] = status_of(
            mode,
            [*owned.get(owner, ()), *to_remove],
            [each for each in errors if _is_of(each, owner, declared.settings)],
            {name: paths for name, paths in degraded.items() if name in declared.settings},
        )
    return statuses


def _is_of(error: SettingError, owner: str, settings: Iterable[str]) -> bool:
    if error.owners is None:
        return error.setting in settings
    return owner in error.owners


def _unknown_text(degraded: Degraded) -> str:
    if not degraded:
        return ""
    paths = "; ".join(f"{name}: {', '.join(unknown)}" for name, unknown in sorted(degraded.items()))
    return f"AWS returned members that this version does not know, so these settings are not written: {paths}"
