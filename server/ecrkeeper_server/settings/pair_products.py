"""Cover pairs by products of left and right sides, in steps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import chain

from ecrkeeper_server.settings.pair_keys import Group, Lefts, PairKeys, grouping, in_order
from ecrkeeper_server.turns import STEP, Steps, finish, sorting

Cover = list[tuple[tuple[str, ...], tuple[str, ...]]]
"""Products of left and right sides."""


def products(keys: PairKeys) -> Cover:
    """Cover pairs by products, in a stable order."""
    return finish(covering(keys))


def covering(keys: PairKeys) -> Steps[Cover]:
    """Return the same in steps."""
    return (yield from cheapest(keys.rows, lambda group: len(group.lefts) + group.rights))


def cheapest(rows: Mapping[str, Lefts], cost: Callable[[Group], int]) -> Steps[Cover]:
    """Cover the pairs of rows by the cheaper grouping, in steps and in a stable order."""
    groupings = yield from grouping(rows)
    return (yield from _ordering(min(groupings, key=lambda groups: sum(map(cost, groups)))))


def rights_by_left(keys: PairKeys) -> dict[str, frozenset[str]]:
    """Return the right sides of each left side, in the order of the keys.

    Equal sets are one object.
    """
    return finish(dividing(keys))


def dividing(keys: PairKeys) -> Steps[dict[str, frozenset[str]]]:
    """Return the same in steps."""
    _, by_left = yield from grouping(keys.rows)
    of_left: dict[str, frozenset[str]] = {}
    for group in by_left:
        of_left |= dict.fromkeys(group.lefts, frozenset(chain.from_iterable(group.parts)))
        yield
    return {left: of_left[left] for left in in_order(of_left)}


def _ordering(groups: Iterable[Group]) -> Steps[Cover]:
    """Sort products and both sides of each, in steps."""
    cover = []
    processed = 0
    for group in groups:
        rights = list(chain.from_iterable(group.parts))
        cover.append((tuple((yield from sorting(group.lefts))), tuple((yield from sorting(rights)))))
        processed += len(group.lefts) + group.rights
        if processed >= STEP:
            yield
            processed = 0
    return (yield from sorting(cover))
