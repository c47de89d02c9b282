"""The state of a resource after an observation for one call, which is not stored."""

from __future__ import annotations

from collections.abc import Sequence

from ecrkeeper.v1 import registry_pb2, role_pb2
from msgspec.structs import replace

from ecrkeeper_server.api.messages import differences
from ecrkeeper_server.api.messages import registry as registry_message
from ecrkeeper_server.api.messages import resource as render
from ecrkeeper_server.api.messages import role as role_message
from ecrkeeper_server.ecr.history import dating
from ecrkeeper_server.roles.catalogue import ROLES
from ecrkeeper_server.roles.plan import ObservedRole, calls_for, drift_of, is_lookalike
from ecrkeeper_server.settings.ownership import composing, finding_drift, managed, owned_elements, planning, verified
from ecrkeeper_server.settings.table import splitting_all
from ecrkeeper_server.store.drift_rows import storing_drift
from ecrkeeper_server.store.rows import Declaration, Resource
from ecrkeeper_server.store.specs import Mode, UnmanagedElements
from ecrkeeper_server.store.stored_drift import StoredDrift
from ecrkeeper_server.turns import Steps


def refreshing(row: Resource, declared: Sequence[Declaration], view: int) -> Steps[registry_pb2.Registry]:
    """Return a registry as AWS has it now, with the resulting drift, in steps."""
    composition = yield from composing(declared)
    desired = composition.desired
    state, spec = row.registry_state, row.registry_spec
    observed = yield from splitting_all(state.observed)
    applied = owned_elements(state.applied, spec.abandoned, desired)
    yield
    elements = {name: observed.get(name, {}) for name in managed(desired, applied)}
    applied, _ = verified(applied, state.unconfirmed, elements)
    yield
    prune = spec.unmanaged_elements is UnmanagedElements.PRUNE
    planned = yield from planning(desired, applied, elements, prune=prune)
    drift = yield from storing_drift((yield from finding_drift(planned, composition)))
    yield
    known = yield from dating(drift, state.drift, row.observe_time)
    yield
    current = replace(row, state=state.changed(drift=known).to_json())
    message = yield from registry_message.composed_steps(current, declared, composition, view)
    message.reconciling = _reconciling(row, drift)
    return message


def refreshed_role(row: Resource, observed: ObservedRole | None, partition: str) -> role_pb2.ServiceLinkedRole:
    """Return a role with the newly observed state of IAM."""
    kind = ROLES[row.place]
    # A look-alike role only has the name.
    lookalike = observed is not None and is_lookalike(kind, observed)
    state = row.role_state.changed(role=None if lookalike else observed)
    message = role_message.role(replace(row, state=state.to_json()), partition)
    if not row.uid or row.deleting or lookalike:
        return message
    calls = calls_for(kind, row.role_spec, row.role_state.applied_tags, observed)
    drift = [StoredDrift.of(each) for each in drift_of(calls)] if row.role_spec.managed else []
    del message.drift[:]
    message.drift.extend(differences.drift(drift))
    message.reconciling = _reconciling(row, drift)
    return message


def _reconciling(row: Resource, drift: list[StoredDrift]) -> bool:
    # A mode that does not write never reverts drift, so drift does not make the resource
    # reconciling.
    enforced = row.mode is Mode.ENFORCE
    return bool(drift) if enforced else render.reconciling(row)
