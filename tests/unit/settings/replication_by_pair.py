"""The oracle: replication as a plain dict of pairs, as release 0.1.0 had it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ecrkeeper_server.settings.elements import Change
from ecrkeeper_server.settings.plan import Drift

_Rule = tuple[tuple[str, ...], tuple[str, ...]]
_MAX_FILTERS = 100


def _places(rule: Mapping[str, Any]) -> list[str]:
    return list(
        dict.fromkeys(f"{d.get('registryId', '')}/{d.get('region', '')}" for d in rule.get("destinations") or ())
    )


def split(shape: Mapping[str, Any]) -> dict[str, Any]:
    """Return every pair."""
    elements: dict[str, Any] = {}
    for rule in shape.get("rules") or ():
        filters = [f.get("filter", "") for f in rule.get("repositoryFilters") or ()] or [""]
        for key in [f"{place}:{text}" for place in _places(rule) for text in filters]:
            deletes = bool((rule.get("deleteReplication") or {}).get("enabled", False))
            before = elements.get(key, {}).get("deleteReplication", False)
            elements[key] = {"deleteReplication": deletes or before}
    return elements


def join(elements: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fewest rules that either of two groupings yields."""
    rules = []
    for deletes in (False, True):
        pairs = [
            (key.partition(":")[0], key.partition(":")[2])
            for key, value in sorted(elements.items())
            if value["deleteReplication"] is deletes
        ]
        rules += [_rule(destinations, filters, deletes) for destinations, filters in _packed(pairs)]
    return {"rules": rules}


def _packed(pairs: list[tuple[str, str]]) -> list[_Rule]:
    unfiltered = tuple(destination for destination, prefix in pairs if not prefix)
    filtered = [(destination, prefix) for destination, prefix in pairs if prefix]
    by_filter = [
        (destinations, prefixes) for prefixes, destinations in _grouped((prefix, place) for place, prefix in filtered)
    ]
    fewest = min(_chunked(by_filter), _chunked(_grouped(filtered)), key=len)
    return ([(unfiltered, ())] if unfiltered else []) + sorted(fewest)


def cover(keys: Iterable[str]) -> list[_Rule]:
    """Return the products of the grouping with fewer sides, in order."""
    pairs = [(key.partition(":")[0], key.partition(":")[2]) for key in keys]
    by_right = [(lefts, rights) for rights, lefts in _grouped((right, left) for left, right in pairs)]
    groupings = sorted(by_right), sorted(_grouped(pairs))
    return min(groupings, key=lambda products: sum(len(lefts) + len(rights) for lefts, rights in products))


def _grouped(pairs: Iterable[tuple[str, str]]) -> list[_Rule]:
    rights: dict[str, list[str]] = {}
    for left, right in pairs:
        rights.setdefault(left, []).append(right)
    groups: dict[tuple[str, ...], list[str]] = {}
    for left in sorted(rights):
        groups.setdefault(tuple(sorted(rights[left])), []).append(left)
    return [(tuple(lefts), right) for right, lefts in groups.items()]


def _chunked(rules: list[_Rule]) -> list[_Rule]:
    return [
        (destinations, filters[start : start + _MAX_FILTERS])
        for destinations, filters in rules
        for start in range(0, len(filters), _MAX_FILTERS)
    ]


def _rule(destinations: tuple[str, ...], filters: tuple[str, ...], deletes: bool) -> dict[str, Any]:
    places = [destination.split("/", 1) for destination in destinations]
    rule: dict[str, Any] = {"destinations": [{"region": region, "registryId": account} for account, region in places]}
    if filters:
        rule["repositoryFilters"] = [{"filter": f, "filterType": "PREFIX_MATCH"} for f in filters]
    if deletes:
        rule["deleteReplication"] = {"enabled": True}
    return rule


def each(groups: Iterable[Change | Drift]) -> dict[str, tuple[Any, ...]]:
    """Return the kind and the values of each element that changes or differs, by key."""
    pairs: dict[str, tuple[Any, ...]] = {}
    for group in groups:
        values = (group.before, group.after) if isinstance(group, Change) else (group.desired, group.observed)
        for key in group.keys:
            assert key not in pairs, "no element is in two groups"
            pairs[key] = (group.kind, *values)
    return pairs
