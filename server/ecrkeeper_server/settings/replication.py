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
    """The account and the Region that an element replicates to."""
    account, _, region = key.partition(":")[0].partition("/")
    return account, region


def _place(key: str) -> str:
    return key.partition(":")[0]


def filter_of(key: str) -> str:
    """The prefix that an element replicates; empty means every repository."""
    return key.partition(":")[2]


def filters_by_destination(keys: Iterable[str]) -> dict[RegistryName, set[str]]:
    """The filters of elements, by the registry that they replicate to."""
    filters: dict[RegistryName, set[str]] = {}
    for key in keys:
        filters.setdefault(RegistryName(*destination_of(key)), set()).add(filter_of(key))
    return filters


def _deletes(rule: Mapping[str, Any]) -> bool:
    return bool((rule.get("deleteReplication") or {}).get("enabled", False))


def _keys(rule: Mapping[str, Any]) -> list[str]:
    filters = [f.get("filter", "") for f in rule.get("repositoryFilters") or ()] or [""]
    return [f"{place}:{f}" for place in _places(rule) for f in filters]


def _places(rule: Mapping[str, Any]) -> list[str]:
    """The destinations of a rule, each once."""
    return list(
        dict.fromkeys(f"{d.get('registryId', '')}/{d.get('region', '')}" for d in rule.get("destinations") or ())
    )


def split(shape: Shape) -> dict[str, Value]:
    """Every pair; of a pair that two rules name, deletions are copied if either says so."""
    elements: dict[str, Value] = {}
    for rule in shape.get("rules") or ():
        for key in _keys(rule):
            deletes = _deletes(rule) or elements.get(key, {}).get("deleteReplication", False)
            elements[key] = {"deleteReplication": deletes}
    return elements


def join(elements: Elements) -> dict[str, Any]:
    """The fewest rules that either of two groupings yields, in a stable order."""
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
    """Cover pairs by groups of destinations and filters, in the shorter of two ways, in a stable order."""
    pairs = [(_place(key), filter_of(key)) for key in sorted(keys)]
    by_filter = [(where, what) for what, where in _grouped((prefix, place) for place, prefix in pairs)]
    by_destination = _grouped(pairs)
    chosen = min(by_filter, by_destination, key=lambda groups: sum(len(w) + len(f) for w, f in groups))
    return [PairGroup(f"{where[0]}:{what[0]}", where, what) for where, what in sorted(chosen)]


def _packed(pairs: list[tuple[str, str]]) -> list[_Rule]:
    # A rule without filters replicates everything, so "everything" cannot share a rule with a filter.
    everything = tuple(destination for destination, prefix in pairs if not prefix)
    filtered = [(destination, prefix) for destination, prefix in pairs if prefix]
    by_filter = [(where, what) for what, where in _grouped((prefix, place) for place, prefix in filtered)]
    by_destination = _grouped(filtered)
    fewest = min(_chunked(by_filter), _chunked(by_destination), key=len)
    return ([(everything, ())] if everything else []) + sorted(fewest)


def _grouped(pairs: Iterable[tuple[str, str]]) -> list[_Rule]:
    """The left sides that have identical sets of right sides, each with that set."""
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
    places = [destination_of(destination) for destination in destinations]
    rule: dict[str, Any] = {"destinations": [{"region": region, "registryId": account} for account, region in places]}
    if filters:
        rule["repositoryFilters"] = [{"filter": f, "filterType": "PREFIX_MATCH"} for f in filters]
    if deletes:
        rule["deleteReplication"] = {"enabled": True}
    return rule


def validate(shape: Shape, registry: RegistryName, path: str) -> list[Violation]:
    """Destinations that AWS refuses, and pairs that two rules disagree about."""
    rules = shape.get("rules") or ()
    places = {place for rule in rules for place in _places(rule)}
    if len(places) > MAX_DESTINATIONS:
        # The pairs of so many are not even listed: there may be a quarter of a million.
        what = over_quota("replication destinations", len(places), MAX_DESTINATIONS)
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
    """Rules after packing and unique destinations."""
    destinations = {destination_of(key) for key in elements}
    return [
        Quota("replication rules", len(join(elements)["rules"]), MAX_RULES),
        Quota("replication destinations", len(destinations), MAX_DESTINATIONS),
    ]


def warnings(plan: Plan, registry: RegistryName, _context: Mapping[str, Elements]) -> list[Warning]:
    """Deletions that begin to be copied, and destinations whose own policy must allow this account."""
    found = [
        Warning(
            "DELETE_REPLICATION_ENABLED",
            change.key,
            f"deletions will be copied: images of {filter_of(change.key) or 'every repository'} that are deleted"
            f" here are deleted at {change.key.partition(':')[0]} too",
        )
        for change in plan.changes
        if (change.after or {}).get("deleteReplication") and not (change.before or {}).get("deleteReplication")
    ]
    new = {destination_of(change.key) for change in plan.changes if change.before is None}
    return found + [
        Warning(
            "DESTINATION_POLICY_REQUIRED",
            f"{account}/{region}",
            f"the registry policy of {account} in {region} must allow ecr:ReplicateImage and ecr:CreateRepository"
            f" to arn:{registry.partition}:iam::{registry.account}:root; AWS does not check it before images fail",
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
    unit=_place,
    grouped=grouped_pairs,
    names=lambda key, _: {"destination": _place(key)},
)
