"""What differs by a look at AWS that is made for one call, whose findings are not stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from ecrkeeper.v1 import registry_pb2, role_pb2

from ecrkeeper_server.api.messages import registry as registry_message
from ecrkeeper_server.api.messages import resource as render
from ecrkeeper_server.roles.catalogue import ROLES
from ecrkeeper_server.roles.plan import ObservedRole, calls_for, drift_of, is_lookalike
from ecrkeeper_server.settings.ownership import composition_of, confirmed, managed, ours, plans
from ecrkeeper_server.settings.table import split_all
from ecrkeeper_server.store.rows import Declaration, Resource
from ecrkeeper_server.store.specs import Mode, UnmanagedElements


def refreshed(row: Resource, declared: Sequence[Declaration]) -> registry_pb2.Registry:
    """A registry whose observed settings are those of now; drift, and whether it is reconciling, follow from them."""
    message = registry_message.registry(row, declared)
    desired = composition_of(declared).desired
    observed, applied = (
        split_all(row.registry_state.observed),
        ours(row.registry_state.applied, row.registry_spec.abandoned, desired),
    )
    elements = {name: observed.get(name, {}) for name in managed(desired, applied)}
    applied, _ = confirmed(applied, row.registry_state.unconfirmed, elements)
    prune = row.registry_spec.unmanaged_elements is UnmanagedElements.PRUNE
    planned = plans(desired, applied, elements, prune=prune)
    found = [drift.to_json() for each in planned.values() for drift in each.drift]
    _show(message, row, found)
    return message


def refreshed_role(row: Resource, seen: ObservedRole | None, partition: str) -> role_pb2.ServiceLinkedRole:
    """A role of which IAM's part is that of now."""
    kind = ROLES[row.place]
    # Somebody's role that only has the name is not this one.
    lookalike = seen is not None and is_lookalike(kind, seen)
    role = None if seen is None or lookalike else {**asdict(seen), "tags": dict(seen.tags)}
    message = render.role(replace(row, state={**row.state, "role": role}), partition)
    if not row.uid or row.deleting or lookalike:
        return message
    calls = calls_for(kind, row.role_spec, row.role_state.applied_tags, seen)
    managed = row.role_spec.managed
    _show(message, row, drift_of(calls) if managed else [])
    return message


def _show(message: Any, row: Resource, found: list[dict[str, Any]]) -> None:
    del message.drift[:]
    message.drift.extend(render.drift(found))
    # A mode that does not write leaves drift as it is: nothing is under way because of it.
    enforced = row.mode is Mode.ENFORCE
    message.reconciling = bool(found) if enforced else render.reconciling(row)
