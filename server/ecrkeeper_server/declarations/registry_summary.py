"""Summarize the state of a registry for lists, watches and operations."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec.structs import replace

from ecrkeeper_server.declarations.summaries import DeclarationStatus, Problem, RegistrySummary
from ecrkeeper_server.settings.element_states import ElementState
from ecrkeeper_server.store.findings import Findings
from ecrkeeper_server.store.replication_checks import BROKEN
from ecrkeeper_server.store.rows import Declaration, Resource
from ecrkeeper_server.store.state_parts import Condition, StoredError
from ecrkeeper_server.store.states import RegistryState
from ecrkeeper_server.turns import STEP, Steps

# A summary is rendered into at most 64 KiB, 20,000 bytes of which may be the registry's error.
_OWNERS_BYTES, _DECLARATIONS_BYTES, _ERROR_BYTES = 6_000, 20_000, 2_000
_TEXT_CHARACTERS, _PROBLEM_CHARACTERS = 300, 1_000
# Declarations of a step.
_PER_STEP = 20
_ABOUT = frozenset({"setting", "key", "owner", "aws_code", "operation"})


def summarizing(
    row: Resource, declared: Sequence[Declaration], states: Sequence[ElementState]
) -> Steps[RegistrySummary]:
    """Summarize a registry in bounded space and in steps.

    `states` are those of all its elements.
    """
    summary = yield from summarizing_all(row, declared, states)
    truncated = []
    owners = summary.owners[: _fitting(summary.owners, _OWNERS_BYTES)]
    if len(owners) < len(summary.owners):
        truncated.append("owners")
    # Terminal problems come first if not all fit.
    worst_first = []
    ranks = []
    for at, each in enumerate(summary.declarations):
        if at % _PER_STEP == 0:
            yield
        ranks.append((each.ready, each.owner, at))
    for _, _, at in sorted(ranks):
        yield
        worst_first.append(_compact(summary.declarations[at]))
    statuses = worst_first[: _fitting((each.to_json() for each in worst_first), _DECLARATIONS_BYTES)]
    if len(statuses) < len(worst_first):
        truncated.append("declarations")
    return replace(
        summary,
        conditions=[_shortened(each) for each in summary.conditions],
        owners=owners,
        declarations=sorted(statuses, key=lambda each: each.owner),
        truncated=truncated,
    )


def summarizing_all(
    row: Resource, declared: Sequence[Declaration], states: Sequence[ElementState]
) -> Steps[RegistrySummary]:
    """Summarize a registry with the status of every declaration, in steps."""
    counts: Counter[tuple[str, str]] = Counter()
    for at, each in enumerate(states):
        if at % STEP == STEP - 1:
            yield
        counts[each.setting, each.state] += len(each.keys)
    state, spec = row.registry_state, row.registry_spec
    by_owner = sorted(declared, key=lambda each: each.owner)
    statuses = []
    for at, one in enumerate(by_owner):
        if at % _PER_STEP == 0:
            yield
        statuses.append(_status(state, one))
    return RegistrySummary(
        name=row.name,
        uid=row.uid,
        etag=row.etag,
        generation=row.generation,
        observed_generation=row.observed_generation,
        create_time=row.create_time,
        update_time=row.update_time,
        observe_time=row.observe_time,
        due_at=row.due_at,
        mode=str(spec.mode),
        unmanaged_elements=str(spec.unmanaged_elements),
        conditions=[*state.conditions, *Findings.from_json(row.events).conditions()],
        error=state.error,
        owners=[each.owner for each in by_owner],
        owner_count=len(by_owner),
        declarations=statuses,
        element_counts=[(setting, of_element, count) for (setting, of_element), count in counts.items()],
        worst_problem=worst_problem(state, states),
        truncated=[],
    )


def worst_problem(state: RegistryState, states: Sequence[ElementState]) -> Problem | None:
    """Choose the problem to solve first.

    The order is: an error, an element that does not work, a destination, drift.
    """
    if error := state.error:
        return _problem(error.reason, error.message, error.setting, error.key)
    for each in states:
        if each.problem:
            return _problem(reason="ELEMENT_PROBLEM", message=each.problem, setting=each.setting, key=each.key)
    for check in state.checks:
        if check.findings and check.result == BROKEN:
            first, where = check.findings[0], check.destination
            return _problem(first.reason, first.message, "replication_configuration", f"{where.account}/{where.region}")
    if state.drifted:
        text = f"{state.drift_count} elements differ from what is desired"
        shown = next(state.each_drift())
        return _problem("OUT_OF_SYNC", text, shown.setting, shown.key)
    return None


def _problem(reason: str, message: str, setting: str, key: str) -> Problem:
    return Problem(reason, message[:_PROBLEM_CHARACTERS], setting, key[:1024])


def _status(state: RegistryState, declared: Declaration) -> DeclarationStatus:
    own = state.of_owner(declared.owner)
    return DeclarationStatus(
        owner=declared.owner,
        generation=declared.generation,
        observed_generation=declared.observed_generation,
        conditions=own.conditions,
        error=own.error,
    )


def _compact(status: DeclarationStatus) -> DeclarationStatus:
    error = status.error
    if error is not None and len(json.dumps(error.to_json())) > _ERROR_BYTES:
        about = {name: str(value)[:128] for name, value in error.metadata.items() if name in _ABOUT}
        text = error.message[:_TEXT_CHARACTERS]
        error = StoredError(code=error.code, reason=error.reason, message=text, metadata=about)
    return replace(status, conditions=[_shortened(each) for each in status.conditions], error=error)


def _shortened(condition: Condition) -> Condition:
    return replace(condition, message=condition.message[:_TEXT_CHARACTERS])


def _fitting(items: Iterable[Any], limit: int) -> int:
    """Return how many of the first items fit into so many bytes of JSON."""
    count = 0
    for item in items:
        limit -= len(json.dumps(item))
        if limit < 0:
            break
        count += 1
    return count
