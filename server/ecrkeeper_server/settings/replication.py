"""Replication: an element is one pair of repository filter and destination.

Facts: `PutReplicationConfiguration` in the ECR API reference; "Private image
replication" and "Amazon ECR service quotas" in the ECR user guide.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ecrkeeper_server.errors import Violation
from ecrkeeper_server.names import RegistryName, partition_of, shown
from ecrkeeper_server.settings.document import Document
from ecrkeeper_server.settings.elements import Elements, Plan, Value
from ecrkeeper_server.settings.filters import MAX_FILTERS
from ecrkeeper_server.settings.setting import PairGroup, Quota, Read, Shape, Warning, over_quota

MAX_RULES = 25
MAX_DESTINATIONS = 25

_Rule = tuple[tuple[str, ...], tuple[str, ...]]


def destination_of(key: str) -> tuple[str, str]:
    """Return the account and the Region that an element replicates to."""
    account, _, region = key.partition(":")[0].partition("/")
    return account, region


def _destination(key: str) -> str:
    return key.partition(":")[0]


def filter_of(key: str) -> str:
    """Return the prefix that an element replicates; empty means every repository."""
    return key.partition(":")[2]


def filters_by_destination(keys: Iterable[str]) -> dict[RegistryName, set[str]]:
    """Return the filters of elements, by the registry that they replicate to."""
    filters: dict[RegistryName, set[str]] = {}
    for key in keys:
        filters.setdefault(RegistryName(*destination_of(key)), set()).add(filter_of(key))
    return filters


def _deletes(rule: Mapping[str, Any]) -> bool:
    return bool((rule.get("deleteReplication") or {}).get("enabled", False))


def _keys(rule: Mapping[str, Any]) -> list[str]:
    filters = [f.get("filter", "") for f in rule.get("repositoryFilters") or ()] or [""]
    return [f"{destination}:{f}" for destination in _destinations(rule) for f in filters]


def _destinations(rule: Mapping[str, Any]) -> list[str]:
    """Return the destinations of a rule without duplicates."""
    return list(
        dict.fromkeys(f"{d.get('registryId', '')}/{d.get('region', '')}" for d in rule.get("destinations") or ())
    )


def split(shape: Shape) -> dict[str, Value]:
    """Return every pair.

    If two rules name a pair, deletions are replicated if either rule says so.
    """
    elements: dict[str, Value] = {}
    for rule in shape.get("rules") or ():
        for key in _keys(rule):
            deletes = _deletes(rule) or elements.get(key, {}).get("deleteReplication", False)
            elements[key] = {"deleteReplication": deletes}
    return elements


def join(elements: Elements) -> dict[str, Any]:
    """Return the fewest rules that two ways of grouping yield, in a stable order."""
    rules = []
    for deletes in (False, True):
        pairs = [
            (key.partition(":")[0], filter_of(key))
            for key, value in sorted(elements.items())
            if value["deleteReplication"] is deletes
        ]
        rules += [_rule(destinations, filters, deletes) for destinations, filters in _packed(pairs)]
    return {"rules": rules}


def grouped_pairs(keys: Iterable[str]) -> list[PairGroup]:
    """Cover pairs with groups of destinations and filters, in a stable order.

    Of two ways to group, the one with fewer groups is used.
    """
    pairs = [(_destination(key), filter_of(key)) for key in sorted(keys)]
    by_filter = [(where, what) for what, where in _grouped((prefix, destination) for destination, prefix in pairs)]
    by_destination = _grouped(pairs)
    chosen = min(by_filter, by_destination, key=lambda groups: sum(len(w) + len(f) for w, f in groups))
    return [PairGroup(f"{where[0]}:{what[0]}", where, what) for where, what in sorted(chosen)]


def _packed(pairs: list[tuple[str, str]]) -> list[_Rule]:
    # A rule without filters replicates everything, so an empty filter cannot share a rule with
    # others.
    everything = tuple(destination for destination, prefix in pairs if not prefix)
    filtered = [(destination, prefix) for destination, prefix in pairs if prefix]
    by_filter = [(where, what) for what, where in _grouped((prefix, destination) for destination, prefix in filtered)]
    by_destination = _grouped(filtered)
    fewest = min(_chunked(by_filter), _chunked(by_destination), key=len)
    return ([(everything, ())] if everything else []) + sorted(fewest)


def _grouped(pairs: Iterable[tuple[str, str]]) -> list[_Rule]:
    """Group the left sides that have the same set of right sides, each with that set."""
    rights: dict[str, list[str]] = {}
    for left, right in pairs:
        rights.setdefault(left, []).append(right)
    groups: dict[tuple[str, ...], list[str]] = {}
    for left in sorted(rights):
        groups.setdefault(tuple(sorted(rights[left])), []).append(left)
    return [(tuple(lefts), right) for right, lefts in groups.items()]


def _chunked(rules: list[_Rule]) -> list[_Rule]:
    return [
        (destinations, filters[start : start + MAX_FILTERS])
        for destinations, filters in rules
        for start in range(0, len(filters), MAX_FILTERS)
    ]


def _rule(destinations: tuple[str, ...], filters: tuple[str, ...], deletes: bool) -> dict[str, Any]:
    targets = [destination_of(destination) for destination in destinations]
    rule: dict[str, Any] = {"destinations": [{"region": region, "registryId": account} for account, region in targets]}
    if filters:
        rule["repositoryFilters"] = [{"filter": f, "filterType": "PREFIX_MATCH"} for f in filters]
    if deletes:
        rule["deleteReplication"] = {"enabled": True}
    return rule


def validate(shape: Shape, registry: RegistryName, path: str) -> list[Violation]:
    """Return destinations that AWS rejects, and pairs with contradicting rules."""
    rules = shape.get("rules") or ()
    destinations = {destination for rule in rules for destination in _destinations(rule)}
    if len(destinations) > MAX_DESTINATIONS:
        # Above the limit, the pairs are not even listed: there may be 250,000.
        what = over_quota("replication destinations", len(destinations), MAX_DESTINATIONS)
        return [Violation(path, what, "QUOTA_EXCEEDED")]
    violations = []
    said: dict[str, bool] = {}
    for i, rule in enumerate(rules):
        at = f"{path}.rules[{i}]"
        for j, destination in enumerate(rule.get("destinations") or ()):
            violations += _validate_destination(destination, registry, f"{at}.destinations[{j}]")
        deletes = _deletes(rule)
        opposite = [key for key in _keys(rule) if said.setdefault(key, deletes) is not deletes]
        if opposite:
            more = f" and {len(opposite) - 1} more" if len(opposite) > 1 else ""
            what = f"another rule says the opposite for the pair {shown(opposite[0])}{more}"
            violations.append(Violation(f"{at}.delete_replication", what))
    return violations


def _validate_destination(destination: Mapping[str, Any], registry: RegistryName, at: str) -> list[Violation]:
    region = destination.get("region", "")
    partition = partition_of(region)
    if partition is None:
        return [Violation(f"{at}.region", f"must be an AWS Region such as `us-east-1`, got {shown(region)}")]
    if partition != registry.partition:
        what = f"{region} is in partition {partition}; replication stays within {registry.partition}"
        return [Violation(f"{at}.region", what)]
    if (destination.get("registryId"), region) == (registry.account, registry.region):
        return [Violation(at, "must not be the source registry itself; name another Region or account")]
    return []


def quota(elements: Elements) -> list[Quota]:
    """Return the use of rules after packing, and of destinations."""
    destinations = {destination_of(key) for key in elements}
    return [
        Quota("replication rules", len(join(elements)["rules"]), MAX_RULES),
        Quota("replication destinations", len(destinations), MAX_DESTINATIONS),
    ]


def warnings(plan: Plan, registry: RegistryName, _context: Mapping[str, Elements]) -> list[Warning]:
    """Warn of newly replicated deletions, and of destinations that must grant access."""
    warned = [
        Warning(
            "DELETE_REPLICATION_ENABLED",
            change.key,
            f"deletions will be replicated: images of {filter_of(change.key) or 'every repository'} that are deleted"
            f" here are also deleted at {change.key.partition(':')[0]}",
        )
        for change in plan.changes
        if (change.after or {}).get("deleteReplication") and not (change.before or {}).get("deleteReplication")
    ]
    new = {destination_of(change.key) for change in plan.changes if change.before is None}
    return warned + [
        Warning(
            "DESTINATION_POLICY_REQUIRED",
            f"{account}/{region}",
            f"the registry policy of {account} in {region} must allow ecr:ReplicateImage and ecr:CreateRepository"
            f" to arn:{registry.partition}:iam::{registry.account}:root; AWS only reports it when images fail",
        )
        for account, region in sorted(new)
        if account != registry.account
    ]


REPLICATION = Document(
    name="replication_configuration",
    role="replication",
    reads=(Read("DescribeRegistry"),),
    member="replicationConfiguration",
    put="PutReplicationConfiguration",
    body=lambda shape, _: {"replicationConfiguration": shape},
    split=split,
    join=join,
    validate=validate,
    warnings=warnings,
    quota=quota,
    unit=_destination,
    grouped=grouped_pairs,
    names=lambda key, _: {"destination": _destination(key)},
)
