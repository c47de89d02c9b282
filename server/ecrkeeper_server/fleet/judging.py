"""Whether a target of a rollout is in order; pure.

The target's declaration and registry decide.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.settings.ownership import owned_elements
from ecrkeeper_server.settings.plan import DriftKind
from ecrkeeper_server.settings.replication import destinations
from ecrkeeper_server.settings.table import SETTINGS
from ecrkeeper_server.store.clock import MICROSECONDS
from ecrkeeper_server.store.replication_checks import BROKEN, UNKNOWN, StoredCheck
from ecrkeeper_server.store.resources import SUSPENDED
from ecrkeeper_server.store.rollout_pages import Observed
from ecrkeeper_server.store.rollout_rows import Action, TargetRow, TargetState
from ecrkeeper_server.store.rows import Resource
from ecrkeeper_server.store.state_parts import StoredError
from ecrkeeper_server.store.states import RegistryState, State

REPLICATION, CACHE_RULES = "replication_configuration", "pull_through_cache_rules"
# The calls without which nothing can be done in an account.
_ACCOUNT_CALLS = ("AssumeRole", "GetCallerIdentity")
_ACCOUNT_REASONS = ("AWS_NO_CREDENTIALS", "WRONG_ACCOUNT")
_UNREACHABLE = ("AWS_UNREACHABLE", "AWS_UNAVAILABLE")
# The members of a state that decide. A state can be long, and the others are not parsed.
_APPLIED = ("checks", "conditions", "error", "owners", "problems")
_RELEASED = ("conditions", "drift", "error")
# How long what may pass by itself is waited for: an account or a destination that cannot be read, anything else.
PATIENCE_SECONDS, LONGEST_SECONDS = 60, 1800


class Finding(Struct, frozen=True):
    """The status of a target.

    `state` is the state to go to, RUNNING to wait on. `counted` destinations matter by now.
    """

    state: TargetState
    reason: str = ""
    message: str = ""


_GOOD = Finding(TargetState.SUCCEEDED)


def failing_destinations(observed: Observed) -> set[RegistryName]:
    """Return the destinations whose replication checks decide on a target."""
    row = observed.registry
    if row is None or _releases(observed.target):
        return set()
    state = _state(row, _APPLIED)
    return {check.destination for check in _failing(state)} if state.worst_check else set()


def needs_settings(observed: Observed) -> bool:
    """Return whether a target's settings decide which problems are its own."""
    row = observed.registry
    if row is None or observed.declared is None or _releases(observed.target):
        return False
    state = _state(row, _APPLIED)
    return state.worst_check is not None or bool(state.problems.get(CACHE_RULES))


def judge(observed: Observed, now: int, bake_seconds: int, uncounted: Collection[RegistryName]) -> TargetRow:
    """Return the target as it is from now on.

    Destinations in `uncounted` get no images yet, and need not: only `failing_destinations` matter.
    """
    target = observed.target
    finding = _released(observed, now) if _releases(target) else _applied(observed, now, uncounted)
    if finding.state is TargetState.RUNNING and now - target.since >= LONGEST_SECONDS * MICROSECONDS:
        finding = Finding(
            TargetState.FAILED, finding.reason or "ROLLOUT_TIMEOUT", finding.message or "AWS does not follow"
        )
    if finding is _GOOD and bake_seconds and not target.undo:
        finding = _baked(target, now, bake_seconds)
    if (finding.state, finding.reason, finding.message) == (target.state, target.reason, target.message):
        return target
    since = target.since if finding.state == target.state else now
    return replace(
        target, state=finding.state, reason=finding.reason, message=finding.message, since=since, update_time=now
    )


def _state(row: Resource, members: Collection[str]) -> RegistryState:
    return RegistryState(row.members(*members))


def _releases(target: TargetRow) -> bool:
    """Return whether the end of its declaration is what the target waits for."""
    return target.before_revision == 0 if target.undo else target.action == Action.RELEASE


def _baked(target: TargetRow, now: int, bake_seconds: int) -> Finding:
    if target.state == TargetState.BAKING and now - target.since >= bake_seconds * MICROSECONDS:
        return _GOOD
    return Finding(TargetState.BAKING)


def _released(observed: Observed, now: int) -> Finding:
    target, row = observed.target, observed.registry
    if row is None or target.registry_generation == 0:
        return _GOOD
    state = _state(row, _RELEASED)
    if row.observed_generation < target.registry_generation:
        return _pending(state, target, now)
    remaining = [drift for drift in state.drift if drift.kind == DriftKind.UNEXPECTED]
    if remaining:
        text = (
            f"AWS still has {len(remaining)} elements that are to be removed, {remaining[0].setting} {remaining[0].key}"
        )
        blocked = _holds(state, "Blocked")
        return Finding(TargetState.FAILED if blocked else TargetState.RUNNING, "REMOVAL_PENDING", text)
    return _unready(state, target, now) if _unread(row) else _GOOD


def _unread(row: Resource) -> bool:
    """Return whether AWS may still have elements, because it could not be read."""
    error = _state(row, _RELEASED).error
    if error is None:
        return False
    owned = owned_elements(_state(row, ("applied",)).applied, row.registry_spec.abandoned, {})
    names = [name for name, elements in owned.items() if elements]
    reads = {read.operation for name in names for read in SETTINGS[name].reads}
    return bool(names) and (_out_of_reach(error) or error.operation in reads)


def _applied(observed: Observed, now: int, uncounted: Collection[RegistryName]) -> Finding:
    target, row, declared = observed.target, observed.registry, observed.declared
    if row is None or declared is None or declared.generation != target.generation:
        return Finding(TargetState.FAILED, "DECLARATION_LOST", "its declaration was changed by something else")
    state = _state(row, _APPLIED)
    if row.observed_generation < target.registry_generation:
        return _pending(state, target, now)
    own = state.of_owner(target.set_id)
    if not _holds(own, "Ready"):
        return _unready(own, target, now)
    if problem := _cache_problem(state, declared.settings):
        return Finding(TargetState.FAILED, "ELEMENT_PROBLEM", problem)
    return _replication(state, declared.settings, target, now, uncounted)


def _pending(state: State, target: TargetRow, now: int) -> Finding:
    """Return how a target stands whose registry has not observed its generation.

    The registry may be out of reach.
    """
    error = state.error
    if error is None:
        return Finding(TargetState.RUNNING)
    skips = error.reason in _UNREACHABLE and _waited(target, now)
    return Finding(TargetState.SKIPPED if skips else TargetState.RUNNING, error.reason, error.message)


def _unready(state: State, target: TargetRow, now: int) -> Finding:
    error = state.error
    reason, message = _ready_reason(state)
    if error is not None and _out_of_reach(error):
        return Finding(TargetState.SKIPPED, reason, message)
    if error is not None and error.reason == SUSPENDED:
        return Finding(TargetState.HELD, reason, message)
    if _holds(state, "Blocked") or _holds(state, "Degraded"):
        return Finding(TargetState.FAILED, reason, message)
    if error is not None and error.reason in _UNREACHABLE and _waited(target, now):
        return Finding(TargetState.SKIPPED, reason, message)
    return Finding(TargetState.RUNNING, reason, message)


def _out_of_reach(error: StoredError) -> bool:
    return error.operation in _ACCOUNT_CALLS or error.reason in _ACCOUNT_REASONS


def _waited(target: TargetRow, now: int) -> bool:
    return now - target.since >= PATIENCE_SECONDS * MICROSECONDS


def _holds(state: State, kind: str) -> bool:
    return any(each.type == kind and each.holds for each in state.conditions)


def _ready_reason(state: State) -> tuple[str, str]:
    ready = next((each for each in state.conditions if each.type == "Ready"), None)
    return (ready.reason, ready.message) if ready else ("", "")


def _cache_problem(state: RegistryState, settings: Mapping[str, Any]) -> str:
    problems = state.problems.get(CACHE_RULES) or {}
    if not problems or CACHE_RULES not in settings:
        return ""
    own = SETTINGS[CACHE_RULES].split(settings[CACHE_RULES])
    return next((f"{CACHE_RULES} {key}: {text}" for key, text in problems.items() if key in own), "")


def _failing(state: RegistryState) -> list[StoredCheck]:
    return [check for check in state.checks if check.result in (BROKEN, UNKNOWN)]


def _replication(
    state: RegistryState,
    settings: Mapping[str, Any],
    target: TargetRow,
    now: int,
    uncounted: Collection[RegistryName],
) -> Finding:
    # Most targets have no check that fails, and their pairs are not looked at.
    failing = [check for check in _failing(state) if check.destination not in uncounted] if state.worst_check else []
    if not failing or REPLICATION not in settings:
        return _GOOD
    own = destinations(SETTINGS[REPLICATION].split(settings[REPLICATION]))
    unknown = ""
    for check in failing:
        if check.destination not in own:
            continue
        text = f"{check.destination}: {check.message}"
        if check.result == BROKEN:
            return Finding(TargetState.FAILED, "REPLICATION_BROKEN", text)
        unknown = unknown or text
    if not unknown:
        return _GOOD
    if _waited(target, now):
        return Finding(TargetState.SKIPPED, "REPLICATION_UNKNOWN", unknown)
    return Finding(TargetState.RUNNING, "REPLICATION_UNKNOWN", unknown)
