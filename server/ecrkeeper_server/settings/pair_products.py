"""Cover pairs by products of left and right sides, in steps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import chain, islice

from ecrkeeper_server.settings.pair_keys import Lefts, PairKeys, Product, both_groupings, in_order
from ecrkeeper_server.turns import STEP, Steps, finish, sorting

Cover = list[tuple[tuple[str, ...], tuple[str, ...]]]
"""Products of left and right sides."""


def products(keys: PairKeys) -> Cover:
    """Cover pairs by products, in a stable order."""
    return finish(covering(keys))


def covering(keys: PairKeys) -> Steps[Cover]:
    """Return the same in steps."""
    return (yield from cheapest(keys.rows, lambda product: len(product.lefts) + product.rights))


def cheapest(rows: Mapping[str, Lefts], cost: Callable[[Product], int]) -> Steps[Cover]:
    """Cover the pairs of rows by the cheaper grouping, in steps and in a stable order."""
    by_right, by_left = yield from both_groupings(rows)
    right, left = (yield from adding(by_right, cost)), (yield from adding(by_left, cost))
    return (yield from _ordering(by_right if right <= left else by_left))


def adding(products: Iterable[Product], cost: Callable[[Product], int]) -> Steps[int]:
    """Return the sum of the costs of products, in steps."""
    total = 0
    remaining = iter(products)
    while some := list(islice(remaining, STEP)):
        total += sum(map(cost, some))
        yield
    return total


def rights_by_left(keys: PairKeys) -> dict[str, frozenset[str]]:
    """Return the right sides of each left side, in the order of the keys.

    Equal sets are one object.
    """
    return finish(dividing(keys))


def dividing(keys: PairKeys) -> Steps[dict[str, frozenset[str]]]:
    """Return the same in steps."""
    _, by_left = yield from both_groupings(keys.rows)
    of_left: dict[str, frozenset[str]] = {}
    for product in by_left:
        of_left |= dict.fromkeys(product.lefts, frozenset(chain.from_iterable(product.parts)))
        yield
    return {left: of_left[left] for left in in_order(of_left)}


def _ordering(products: Iterable[Product]) -> Steps[Cover]:
    """Sort products and both sides of each, in steps."""
    cover = []
    processed = 0
    for product in products:
        rights = list(chain.from_iterable(product.parts))
        cover.append((tuple((yield from sorting(product.lefts))), tuple((yield from sorting(rights)))))
        processed += len(product.lefts) + product.rights
        if processed >= STEP:
            yield
            processed = 0
    return (yield from sorting(cover))
