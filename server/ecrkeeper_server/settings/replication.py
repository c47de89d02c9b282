"""Replication: an element is one pair of repository filter and destination.

Facts: `PutReplicationConfiguration` in the ECR API reference; "Private image
replication" and "Amazon ECR service quotas" in the ECR user guide.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ecrkeeper_server.errors import Violation
from ecrkeeper_server.names import RegistryName, partition_of, shown
from ecrkeeper_server.settings.document import Document
from ecrkeeper_server.settings.elements import FEW, Elements, Keys, Value
from ecrkeeper_server.settings.filters import MAX_FILTERS
from ecrkeeper_server.settings.pair_keys import Lefts, PairKeys, Product, both_groupings, parted
from ecrkeeper_server.settings.pair_products import Cover, adding, cheapest, dividing, rights_by_left
from ecrkeeper_server.settings.pairs import FewPairs, PairElements, pairs_grouping
from ecrkeeper_server.settings.replication_warnings import warnings
from ecrkeeper_server.settings.setting import Quota, Read, Shape, over_quota
from ecrkeeper_server.turns import Steps, finish

MAX_RULES = 25
MAX_DESTINATIONS = 25

_Rule = tuple[tuple[str, ...], tuple[str, ...]]
_KEPT = {deletes: {"deleteReplication": deletes} for deletes in (False, True)}


def _account_and_region(place: str) -> tuple[str, str]:
    account, _, region = place.partition("/")
    return account, region


def destinations(keys: Iterable[str]) -> set[RegistryName]:
    """Return the registries that elements replicate to."""
    return {RegistryName(*_account_and_region(place)) for place in PairKeys.of(keys).lefts}


def filters_by_destination(keys: PairKeys) -> Steps[dict[RegistryName, frozenset[str]]]:
    """Return the filters for each registry that elements replicate to, in steps."""
    by_place = yield from dividing(keys)
    return {RegistryName(*_account_and_region(place)): filters for place, filters in by_place.items()}


def _deletes(rule: Mapping[str, Any]) -> bool:
    return bool((rule.get("deleteReplication") or {}).get("enabled", False))


def _products(rule: Mapping[str, Any]) -> Iterator[_Rule]:
    """Yield products of left and right sides that cover the pairs of a rule.

    A destination with a colon is parted at the colon, as its keys are.
    """
    filters = tuple(f.get("filter", "") for f in rule.get("repositoryFilters") or ()) or ("",)
    places = _destinations(rule)
    yield tuple(place for place in places if ":" not in place), filters
    for left, rest in (parted(place) for place in places if ":" in place):
        yield (left,), tuple(f"{rest}:{text}" for text in filters)


def _destinations(rule: Mapping[str, Any]) -> list[str]:
    """Return the destinations of a rule without duplicates."""
    return list(
        dict.fromkeys(f"{d.get('registryId', '')}/{d.get('region', '')}" for d in rule.get("destinations") or ())
    )


def split(shape: Shape) -> Elements:
    """Return every pair.

    If two rules name a pair, deletions are replicated if either rule says so.
    """
    products = [
        (places, filters, _KEPT[_deletes(rule)])
        for rule in shape.get("rules") or ()
        for places, filters in _products(rule)
    ]
    if sum(len(places) * len(filters) for places, filters, _ in products) > FEW:
        return PairElements.union(products, _either)
    few = FewPairs()
    for places, filters, kept in products:
        for key in [f"{place}:{text}" for place in places for text in filters]:
            few[key] = _either(few.get(key, kept), kept)
    return few


def _either(one: Value, other: Value) -> Value:
    return _KEPT[one["deleteReplication"] or other["deleteReplication"]]


def join(elements: Elements) -> dict[str, Any]:
    """Return the fewest rules that two ways of grouping yield, in a stable order."""
    return finish(joining(elements))


def joining(elements: Elements) -> Steps[dict[str, Any]]:
    """Return the same in steps."""
    deleting = yield from _by_deletion(elements)
    rules = []
    for deletes in sorted(deleting):
        for places, filters in (yield from _packing(deleting[deletes].rows)):
            rules.append(_rule(places, filters, deletes))
            yield
    return {"rules": rules}


def _by_deletion(elements: Elements) -> Steps[dict[bool, PairKeys]]:
    """Return the keys of elements by whether deletions are replicated, in steps."""
    if isinstance(elements, PairElements):
        groups = yield from pairs_grouping([elements])
        return {value["deleteReplication"]: keys for keys, (value,) in groups if value}
    by_deletion: dict[bool, list[str]] = {}
    for key, value in elements.items():
        by_deletion.setdefault(value["deleteReplication"], []).append(key)
    return {deletes: PairKeys.of(keys) for deletes, keys in by_deletion.items()}


def _packing(rows: Mapping[str, Lefts]) -> Steps[Cover]:
    """Return the destinations and filters of the fewest rules for some rows, in steps.

    They have a stable order. A rule without filters replicates everything, so the empty filter has a rule of its own.
    """
    everything, filtered = _without_empty(rows)
    cover = yield from cheapest(filtered, _rules_of)
    rules: Cover = [(tuple(sorted(everything)), ())] if everything else []
    for destinations, filters in cover:
        rules += [(destinations, filters[at : at + MAX_FILTERS]) for at in range(0, len(filters), MAX_FILTERS)]
        yield
    return rules


def _counting(rows: Mapping[str, Lefts], seen: set[str]) -> Steps[int]:
    """Return the number of these rules in steps, and add the destinations to `seen`.

    A check of a quota needs no rules, which would be sorted.
    """
    everything, filtered = _without_empty(rows)
    by_filters, by_destinations = yield from both_groupings(filtered)
    seen.update(everything, *(product.lefts for product in by_destinations))
    first, second = (yield from adding(by_filters, _rules_of)), (yield from adding(by_destinations, _rules_of))
    return bool(everything) + min(first, second)


def _rules_of(product: Product) -> int:
    return -(-product.rights // MAX_FILTERS)


def _without_empty(rows: Mapping[str, Lefts]) -> tuple[Lefts, Mapping[str, Lefts]]:
    """Return the destinations of the empty filter, and the rows of all others."""
    if "" not in rows:
        return frozenset(), rows
    return rows[""], {text: places for text, places in rows.items() if text}


def _rule(destinations: tuple[str, ...], filters: tuple[str, ...], deletes: bool) -> dict[str, Any]:
    places = [_account_and_region(destination) for destination in destinations]
    rule: dict[str, Any] = {"destinations": [{"region": region, "registryId": account} for account, region in places]}
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
        description = over_quota("replication destinations", len(destinations), MAX_DESTINATIONS)
        return [Violation(path, description, "QUOTA_EXCEEDED")]
    violations = []
    for i, rule in enumerate(rules):
        for j, destination in enumerate(rule.get("destinations") or ()):
            violations += _validate_destination(destination, registry, f"{path}.rules[{i}].destinations[{j}]")
    return [*violations, *_contradicting(rules, path)]


def _contradicting(rules: Sequence[Mapping[str, Any]], path: str) -> Iterator[Violation]:
    """Yield a violation for each rule that contradicts an earlier one."""
    if len(set(map(_deletes, rules))) < len(_KEPT):
        return
    declared_deletes = dict.fromkeys(_KEPT, PairKeys({}))
    for i, rule in enumerate(rules):
        deletes, keys = _deletes(rule), PairKeys.product(_products(rule))
        opposite = keys & declared_deletes[not deletes]
        declared_deletes[deletes] = declared_deletes[deletes] | (keys - opposite)
        if opposite:
            more = f" and {len(opposite) - 1} more" if len(opposite) > 1 else ""
            description = f"another rule says the opposite for the pair {shown(opposite.first)}{more}"
            yield Violation(f"{path}.rules[{i}].delete_replication", description)


def _validate_destination(destination: Mapping[str, Any], registry: RegistryName, at: str) -> list[Violation]:
    region = destination.get("region", "")
    partition = partition_of(region)
    if partition is None:
        return [Violation(f"{at}.region", f"must be an AWS Region such as `us-east-1`, got {shown(region)}")]
    if partition != registry.partition:
        description = f"{region} is in partition {partition}; replication stays within {registry.partition}"
        return [Violation(f"{at}.region", description)]
    if (destination.get("registryId"), region) == (registry.account, registry.region):
        return [Violation(at, "must not be the source registry itself; name another Region or account")]
    return []


def quota(elements: Elements) -> list[Quota]:
    """Return the use of rules after packing, and of destinations."""
    return finish(measuring(elements))


def measuring(elements: Elements) -> Steps[list[Quota]]:
    """Return the same in steps."""
    rules, places = 0, set[str]()
    for keys in (yield from _by_deletion(elements)).values():
        rules += yield from _counting(keys.rows, places)
    return _quotas(rules, len(places))


def _quotas(rules: int, places: int) -> list[Quota]:
    return [
        Quota("replication rules", rules, MAX_RULES),
        Quota("replication destinations", places, MAX_DESTINATIONS),
    ]


def _by_destination(keys: Keys) -> list[tuple[str, Keys]]:
    return [
        (place, PairKeys(dict.fromkeys(filters, frozenset((place,)))))
        for place, filters in rights_by_left(PairKeys.of(keys)).items()
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
    fits=min(MAX_RULES, MAX_DESTINATIONS),
    measure=measuring,
    pack=joining,
    units=_by_destination,
    paired=True,
    names=lambda key, _: {"destination": parted(key)[0]},
)
