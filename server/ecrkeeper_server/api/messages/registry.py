"""A registry as a message: what its owners declare together, what AWS has, and how the two compare."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ecrkeeper.v1 import common_pb2, registry_pb2

from ecrkeeper_server.api.messages import resource as render
from ecrkeeper_server.ecr.replication_check import result_of
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.settings.codec import from_aws, settings_from_aws
from ecrkeeper_server.settings.ownership import composition_of
from ecrkeeper_server.settings.setting import Warning
from ecrkeeper_server.settings.table import SETTINGS, split_all
from ecrkeeper_server.store.rows import Declaration, Resource
from ecrkeeper_server.store.specs import UnmanagedElements

_STATES = {True: "IN_SYNC", False: "OUT_OF_SYNC"}


def registry(row: Resource, declared: Sequence[Declaration]) -> registry_pb2.Registry:
    """A registry with what its owners declare."""
    composition = composition_of(declared)
    message = registry_pb2.Registry(
        mode=render.number(common_pb2, "Mode", row.mode),
        unmanaged_elements=render.number(common_pb2, "UnmanagedElements", row.registry_spec.unmanaged_elements),
        owners=sorted(d.owner for d in declared),
        observe_time=render.timestamp(row.observe_time),
    )
    render.common(message, row)
    shapes = {name: SETTINGS[name].join(elements) for name, elements in composition.desired.items()}
    message.desired.CopyFrom(settings_from_aws(shapes))
    message.observed.CopyFrom(settings_from_aws(row.registry_state.observed))
    message.elements.extend(_elements(row, composition.desired, composition.owners))
    for name in SETTINGS:
        if name in composition.desired:
            observed = split_all({name: row.registry_state.observed.get(name, {})}).get(name, {})
            applied = row.registry_state.applied.get(name, {})
            unmanaged = {k: v for k, v in observed.items() if k not in applied}
            kept = unmanaged if row.registry_spec.unmanaged_elements is UnmanagedElements.PRESERVE else {}
            for quota in SETTINGS[name].quota({**kept, **composition.desired[name]}):
                message.quota_usage.add(setting=name, quota=quota.quota, used=quota.used, limit=quota.limit)
    if remediation := row.registry_state.remediation:
        message.last_remediation.remediation_time.CopyFrom(render.timestamp(remediation["time"]))
        message.last_remediation.drift.extend(render.drift(remediation["drift"]))
    for each in declared:
        status = message.declarations.add(
            owner=each.owner, generation=each.generation, observed_generation=each.observed_generation
        )
        render.standing(status, render.of_owner(row.state, each.owner))
    message.replication_checks.extend(replication_check(check) for check in row.registry_state.checks)
    return message


def replication_check(check: Mapping[str, Any]) -> registry_pb2.ReplicationCheck:
    """The check of one replication destination; one of an older version has no arrivals."""
    message = registry_pb2.ReplicationCheck(
        result=render.number(registry_pb2.ReplicationCheck, "Result", result_of(check)),
        check_time=render.timestamp(check["time"]),
    )
    from_aws(check["destination"], message.destination)
    message.findings.extend(common_pb2.Warning(**finding) for finding in check["findings"])
    for arrival in check.get("arrivals", ()):
        message.arrivals.add(
            outcome=_outcome(arrival["outcome"]),
            filters=arrival.get("whole", ()),
            partial_filters=arrival.get("partial", ()),
            omitted_filters=arrival.get("omitted", 0),
            example_repository=arrival.get("example", ""),
        )
    return message


def repository_replication(
    destination: RegistryName, outcome: str, findings: Iterable[Warning]
) -> registry_pb2.RepositoryReplication:
    """What becomes of a repository at one replication destination."""
    message = registry_pb2.RepositoryReplication(outcome=_outcome(outcome))
    message.destination.registry_id, message.destination.region = destination.account, destination.region
    for found in findings:
        message.findings.add(reason=found.reason, subject=found.subject, message=found.message)
    return message


def _outcome(name: str) -> Any:
    return render.number(registry_pb2.ReplicationArrival, "Outcome", name)


def _elements(
    row: Resource, desired: Mapping[str, Mapping[str, Any]], owners: Mapping[tuple[str, str], tuple[str, ...]]
) -> Iterable[registry_pb2.Element]:
    observed = split_all(row.registry_state.observed)
    applied = row.registry_state.applied
    for name, setting in SETTINGS.items():
        wanted, seen = desired.get(name, {}), observed.get(name, {})
        for key in sorted({*wanted, *seen}):
            if key in wanted:
                state = _STATES[seen.get(key, setting.defaults.get(key)) == wanted[key]]
            elif setting.defaults.get(key) == seen[key]:
                continue
            else:
                state = "REMOVING" if key in applied.get(name, {}) else "UNMANAGED"
            yield registry_pb2.Element(
                setting=name,
                key=key,
                state=render.number(registry_pb2.Element, "State", state),
                owners=owners.get((name, key), ()),
                value=render.value(wanted.get(key, seen.get(key))),
                problem=row.registry_state.problems.get(name, {}).get(key, ""),
            )
