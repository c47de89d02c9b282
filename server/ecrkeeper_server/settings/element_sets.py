"""Operations on whole collections of elements, plain ones and pairs alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from itertools import islice
from typing import TypeVar

from msgspec.structs import replace

from ecrkeeper_server.settings.elements import Change, Elements, Keys, Value, alike, any_paired, gather, keys_of
from ecrkeeper_server.settings.pair_keys import PairKeys
from ecrkeeper_server.settings.pairs import PairElements
from ecrkeeper_server.settings.plan import Drift

NO_KEYS: Keys = frozenset()


def union(sets: Iterable[Keys]) -> Keys:
    """Return the keys that are in any of the sets.

    The cost follows the sum of their sizes.
    """
    nonempty = [keys for keys in sets if keys]
    return nonempty[0] if len(nonempty) == 1 else keys_of(gather((keys, True) for keys in nonempty))


def first_keys(keys: Keys, maximum: int) -> list[str]:
    """Return the first keys in order."""
    return list(islice(keys if isinstance(keys, PairKeys) else sorted(keys), maximum))


def brief(keys: Keys, maximum: int = 5) -> str:
    """Name the first keys, and how many more there are."""
    return ", ".join(first_keys(keys, maximum)) + (f" and {len(keys) - maximum} more" if len(keys) > maximum else "")


def only(elements: Elements, keys: Iterable[str]) -> Elements:
    """Return the elements that have these keys."""
    if any_paired(elements, keys):
        return PairElements.of(elements).only(keys)
    wanted = keys if isinstance(keys, Set) else frozenset(keys)
    return {key: value for key, value in elements.items() if key in wanted}


def values_among(elements: Elements, keys: Keys) -> Iterator[Value]:
    """Yield every value of these elements at least once.

    Filters with the same destinations share theirs, so each combination of destinations is read once.
    """
    if not any_paired(elements, keys):
        yield from (value for key, value in elements.items() if key in keys)
        return
    rows, wanted = PairElements.of(elements).rows, PairKeys.of(keys).rows
    combinations = {}
    for right in min(rows, wanted, key=len):
        row, lefts = rows.get(right), wanted.get(right)
        if row and lefts:
            combinations[id(row), id(lefts)] = row, lefts
    for row, lefts in combinations.values():
        yield from row.values() if row.keys() <= lefts else (value for left, value in row.items() if left in lefts)


def of_same_rights(elements: Elements, keys: Keys) -> Elements:
    """Return the pairs that have the right sides of some keys."""
    rows, wanted = PairElements.of(elements).rows, PairKeys.of(keys).rows
    if len(rows) <= len(wanted):
        return PairElements(rows)
    return PairElements({right: rows[right] for right in wanted if right in rows})


def without(elements: Elements, keys: Iterable[str]) -> Elements:
    """Return the elements that have other keys."""
    if any_paired(elements, keys):
        return PairElements.of(elements).without(keys)
    if not elements:
        return elements
    # By type first: `isinstance` asks the metaclass of an abstract class, and every reconcile comes here often.
    excluded = keys if type(keys) is frozenset or isinstance(keys, Set) else frozenset(keys)
    return {key: value for key, value in elements.items() if key not in excluded}


def merged(one: Elements, other: Elements) -> Elements:
    """Return the elements of both; where both have a key, the value of the other one."""
    if any_paired(one, other):
        return PairElements.of(one).merged(other)
    if not one or not other:
        return one or other
    return {**one, **other}


def differing(one: Elements, other: Elements) -> Keys:
    """Return the keys whose values differ, or that one collection lacks."""
    if any_paired(one, other):
        return union(keys for keys, (first, second) in alike(one, other) if first != second)
    return frozenset(key for key in one.keys() | other.keys() if one.get(key) != other.get(key))


def after(elements: Elements, key: str | None, limit: int) -> list[tuple[str, Value]]:
    """Return the first elements behind a key, in the order of the keys.

    Without a key, return the first elements of all.
    """
    if isinstance(elements, PairElements):
        return elements.after(key or "", limit)
    return [(each, elements[each]) for each in sorted(elements) if key is None or each > key][:limit]


_Group = TypeVar("_Group", Change, Drift)


def restricted(groups: Iterable[_Group], keys: Keys) -> Iterator[_Group]:
    """Yield the changes, or the differences, of these elements only."""
    for group in groups:
        if group.pairs is None:
            if group.key in keys:
                yield group
        elif remaining := group.pairs & keys:
            yield group if len(remaining) == len(group.pairs) else replace(group, key=remaining.first, pairs=remaining)


def excluding(groups: Iterable[_Group], keys: Keys) -> Iterator[_Group]:
    """Yield the changes, or the differences, of all other elements."""
    for group in groups:
        if group.pairs is None:
            if group.key not in keys:
                yield group
        elif remaining := group.pairs - keys:
            yield group if len(remaining) == len(group.pairs) else replace(group, key=remaining.first, pairs=remaining)


def changed_keys(groups: Iterable[Change | Drift]) -> Keys:
    """Return the keys of all elements in changes or differences."""
    listed = list(groups)
    alone = frozenset(each.key for each in listed if each.pairs is None)
    return union([alone, *(each.pairs for each in listed if each.pairs is not None)])
