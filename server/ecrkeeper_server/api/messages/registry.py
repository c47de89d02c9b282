"""A registry as a message: its desired state, observed state, and difference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ecrkeeper.v1 import common_pb2, registry_pb2, settings_pb2
from msgspec.structs import asdict

from ecrkeeper_server.api.messages import differences, fields
from ecrkeeper_server.api.messages import resource as render
from ecrkeeper_server.api.messages.elements import adding_elements, element_state
from ecrkeeper_server.api.messages.replication import image_deliveries, replication_check
from ecrkeeper_server.api.messages.sizes import RESOURCE_BYTES, fitting
from ecrkeeper_server.declarations.registry_summary import summarizing, summarizing_all
from ecrkeeper_server.declarations.summaries import RegistrySummary
from ecrkeeper_server.settings.algebra import Composition
from ecrkeeper_server.settings.codec import filling_settings
from ecrkeeper_server.settings.element_sets import merged, without
from ecrkeeper_server.settings.element_states import collecting_states
from ecrkeeper_server.settings.elements import Elements, keys_of
from ecrkeeper_server.settings.ownership import composing
from ecrkeeper_server.settings.table import SETTINGS
from ecrkeeper_server.store.findings import Findings, with_causes
from ecrkeeper_server.store.rows import Declaration, Resource
from ecrkeeper_server.store.specs import UnmanagedElements
from ecrkeeper_server.turns import Steps, finish

BASIC, FULL = registry_pb2.BASIC, registry_pb2.FULL
# Declarations of a step.
_AT_ONCE = 10
# Fields that may be cut: `ListRegistryElements` and `ListRegistrySettings` return all of them.
_CUTTABLE = (
    "desired.*", "observed.*", "elements", "drift", "replication_checks", "last_remediation.drift", "declarations",
    "owners", "image_deliveries",
)  # fmt: skip


def registry(row: Resource, declared: Sequence[Declaration], view: int = FULL) -> registry_pb2.Registry:
    """Return a registry with its declarations."""
    return finish(registry_steps(row, declared, view))


def registry_steps(
    row: Resource, declared: Sequence[Declaration], view: int = FULL, into: registry_pb2.Registry | None = None
) -> Steps[registry_pb2.Registry]:
    """Return the same in steps, in a part of another message if it is given.

    Copying a large registry into that message afterwards would be one step.
    """
    yield from row.reading_state()
    composition = yield from composing(declared)
    return (yield from composed_steps(row, declared, composition, view, into))


def composed_steps(
    row: Resource,
    declared: Sequence[Declaration],
    composition: Composition,
    view: int,
    into: registry_pb2.Registry | None = None,
) -> Steps[registry_pb2.Registry]:
    """Return the same, given the composition of the declarations."""
    state = row.registry_state
    states = yield from collecting_states(state, composition)
    if view == BASIC:
        brief = yield from summarizing(row, declared, states)
        return (yield from basic_steps(brief, into))
    summary = yield from summarizing_all(row, declared, states)
    message = yield from basic_steps(summary, into)
    message.view = FULL
    yield from _filling_desired(message.desired, composition)
    yield from filling_settings(message.observed, state.observed)
    yield from adding_elements(message.elements, states)
    yield from differences.adding_drift(message.drift, with_causes(row.events, state.drift))
    yield from _adding_quotas(message.quota_usage, row, composition.desired)
    if remediation := state.remediation:
        message.last_remediation.remediation_time.CopyFrom(fields.timestamp(remediation.time))
        removed = with_causes(row.events, remediation.drift, remediation.time)
        yield from differences.adding_drift(message.last_remediation.drift, removed, complete=True)
        causes = [each.cause for each in removed if each.cause is not None]
        if causes:
            newest = max(causes, key=lambda each: each.event_time)
            message.last_remediation.cause.CopyFrom(differences.cause(newest))
    yield from fields.adding(message.replication_checks, map(replication_check, state.checks))
    message.image_deliveries.extend(image_deliveries(Findings.from_json(row.events)))
    yield from fitting(message, RESOURCE_BYTES, _CUTTABLE)
    return message


def _filling_desired(settings: settings_pb2.Settings, composition: Composition) -> Steps[None]:
    settings.SetInParent()
    for name, elements in composition.desired.items():
        yield
        shape = yield from SETTINGS[name].joining(elements)
        yield from filling_settings(settings, {name: shape})


def basic(summary: RegistrySummary) -> registry_pb2.Registry:
    """Return a registry without its settings, from a summary."""
    return finish(basic_steps(summary))


def basic_steps(summary: RegistrySummary, into: registry_pb2.Registry | None = None) -> Steps[registry_pb2.Registry]:
    """Return the same in steps, in a part of another message if it is given."""
    message = registry_pb2.Registry(
        name=summary.name,
        uid=summary.uid,
        etag=summary.etag,
        generation=summary.generation,
        observed_generation=summary.observed_generation,
        create_time=fields.timestamp(summary.create_time),
        update_time=fields.timestamp(summary.update_time),
        observe_time=fields.timestamp(summary.observe_time),
        reconciling=summary.observed_generation < summary.generation,
        mode=fields.number(common_pb2, "Mode", summary.mode),
        unmanaged_elements=fields.number(common_pb2, "UnmanagedElements", summary.unmanaged_elements),
        owners=summary.owners,
        owner_count=summary.owner_count,
        truncated_fields=summary.truncated,
        view=BASIC,
    )
    if into is not None:
        into.CopyFrom(message)
        message = into
    if summary.due_at is not None:
        message.next_reconcile_time.CopyFrom(fields.timestamp(max(0, summary.due_at)))
    render.status_fields(message, summary.conditions, summary.error)
    for at, each in enumerate(summary.declarations):
        if at % _AT_ONCE == _AT_ONCE - 1:
            yield
        status = message.declarations.add(
            owner=each.owner, generation=each.generation, observed_generation=each.observed_generation
        )
        render.status_fields(status, each.conditions, each.error)
    for setting, state, count in summary.element_counts:
        message.element_counts.add(setting=setting, state=element_state(state), count=count)
    if problem := summary.worst_problem:
        message.worst_problem.CopyFrom(registry_pb2.RegistryProblem(**asdict(problem)))
    return message


def with_plan(message: registry_pb2.Registry, plan: common_pb2.Plan) -> Steps[registry_pb2.Registry]:
    """Return a registry with a plan; cut both until they fit, in steps."""
    message.plan.CopyFrom(plan)
    yield
    yield from fitting(message, RESOURCE_BYTES, _CUTTABLE)
    return message


def _adding_quotas(items: Any, row: Resource, desired: Mapping[str, Elements]) -> Steps[None]:
    state, prune = row.registry_state, row.registry_spec.unmanaged_elements is UnmanagedElements.PRUNE
    applied = state.applied
    for name in SETTINGS:
        if name in desired:
            yield
            observed = SETTINGS[name].split(state.observed.get(name, {}))
            yield
            kept = {} if prune else without(observed, keys_of(applied.get(name, {})))
            together = merged(kept, desired[name])
            yield
            for quota in (yield from SETTINGS[name].measuring(together)):
                items.add(setting=name, quota=quota.quota, used=quota.used, limit=quota.limit)
