"""Cover many pairs by products in steps.

`PairKeys.products` does the same for few pairs at once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from itertools import chain, islice

from ecrkeeper_server.settings.pair_keys import Lefts, PairKeys, in_order
from ecrkeeper_server.turns import STEP, Steps, sorting

Cover = list[tuple[tuple[str, ...], tuple[str, ...]]]
"""Products of left and right sides."""

# Sets of a step, which may have dozens of left sides each.
_SETS = STEP // 20


def covering(keys: PairKeys) -> Steps[Cover]:
    """Return `keys.products()` in steps."""
    if len(keys.rows) < _SETS:
        return keys.products()
    rights = yield from _alike(keys.rows)
    lefts = yield from _alike((yield from _by_left(rights)))
    by_right = yield from _ordering(rights.items())
    by_left = yield from _ordering((alike, right_set) for right_set, alike in lefts.items())
    return min(by_right, by_left, key=lambda cover: sum(map(len, chain.from_iterable(cover))))


def _alike(sets: Mapping[str, frozenset[str]]) -> Steps[dict[frozenset[str], list[str]]]:
    """Group names by their sets, in steps."""
    names: dict[frozenset[str], list[str]] = {}
    items = iter(sets.items())
    while some := list(islice(items, STEP)):
        for name, each in some:
            names.setdefault(each, []).append(name)
        yield
    return names


def _by_left(classes: Mapping[Lefts, Iterable[str]]) -> Steps[dict[str, frozenset[str]]]:
    """Return the right sides of each left side in steps; equal sets are one object."""
    left_sets: dict[str, list[Lefts]] = {}
    unlisted = iter(classes)
    while some := list(islice(unlisted, _SETS)):
        for lefts in some:
            for left in lefts:
                left_sets.setdefault(left, []).append(lefts)
        yield
    pool: dict[frozenset[Lefts], frozenset[str]] = {}
    right_sets = {}
    for left in in_order(left_sets):
        yield
        groups = frozenset(left_sets[left])
        if groups not in pool:
            pool[groups] = frozenset(chain.from_iterable(classes[each] for each in groups))
        right_sets[left] = pool[groups]
    return right_sets


def _ordering(products: Iterable[tuple[Collection[str], Collection[str]]]) -> Steps[Cover]:
    """Sort products and both sides of each, in steps."""
    cover = []
    processed = 0
    for lefts, rights in products:
        cover.append((tuple((yield from sorting(lefts))), tuple((yield from sorting(rights)))))
        processed += len(lefts) + len(rights)
        if processed >= STEP:
            yield
            processed = 0
    return (yield from sorting(cover))
