"""The resource as an operation stores it at its end."""

from __future__ import annotations

from msgspec.structs import replace

from ecrkeeper_server.declarations.registry_summary import summarizing
from ecrkeeper_server.declarations.summaries import RegistrySummary
from ecrkeeper_server.engine.attempt import Attempt
from ecrkeeper_server.settings.element_states import collecting_states
from ecrkeeper_server.settings.ownership import composing
from ecrkeeper_server.store.endings import ended_row
from ecrkeeper_server.store.queue import Outcome
from ecrkeeper_server.store.rows import Method, Operation, Resource
from ecrkeeper_server.turns import Steps

# Methods that only request an attempt.
_RECONCILES = (Method.RECONCILE_REGISTRY, Method.RECONCILE_ROLE)


def ends_with(operation: Operation, claimed: Resource) -> bool:
    """Return whether an operation waits for the attempt on a claimed row."""
    return operation.method in _RECONCILES and operation.requested <= claimed.requested


def awaited(attempt: Attempt) -> bool:
    """Return whether an operation waits for an attempt.

    Each that does exists when the attempt begins.
    """
    return any(ends_with(each, attempt.claimed) for each in attempt.desired.pending)


def summarizing_end(attempt: Attempt, outcome: Outcome) -> Steps[RegistrySummary]:
    """Return the registry at the end of an attempt that converged, in steps."""
    row = attempt.claimed
    declared = [replace(each, observed_generation=each.generation) for each in attempt.desired.declared]
    yield
    composition = yield from composing(declared)
    yield
    # When the next attempt is due is only known when this one is stored.
    ended = ended_row(row, row, outcome, now=attempt.now)
    states = yield from collecting_states(ended.registry_state, composition)
    return (yield from summarizing(ended, declared, states))
