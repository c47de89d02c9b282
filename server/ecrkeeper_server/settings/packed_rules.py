"""Count the replication rules of many pairs, without making the rules.

A check of a quota needs their number only. A filter with other destinations than all others is a class of its own, so
that the work follows the filters and, for each class, its destinations.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import islice

from ecrkeeper_server.settings.filters import MAX_FILTERS
from ecrkeeper_server.settings.pair_keys import Lefts
from ecrkeeper_server.turns import STEP, Steps


def counting(rows: Mapping[str, Lefts], places: set[str]) -> Steps[int]:
    """Return the number of rules of filters with their destinations, in steps.

    It is that of the grouping with fewer rules, by filters or by destinations. Add the destinations to `places`.
    """
    classes: Counter[Lefts] = Counter()
    values = iter(rows.values())
    while some := list(islice(values, STEP)):
        classes.update(some)
        yield
    everything = rows.get("")
    if everything is not None:
        # A rule without filters is one of its own.
        places.update(everything)
        classes[everything] -= 1
        classes = +classes
    return (everything is not None) + min(_rules(classes.values()), (yield from _by_place(classes, places)))


def _by_place(classes: Mapping[Lefts, int], places: set[str]) -> Steps[int]:
    """Return the number of rules if destinations with the same filters share them."""
    of_place: dict[str, list[Lefts]] = {}
    processed = 0
    for lefts in classes:
        for place in lefts:
            of_place.setdefault(place, []).append(lefts)
        processed += 1 + len(lefts)
        if processed >= STEP:
            yield
            processed = 0
    places.update(of_place)
    groups: set[frozenset[Lefts]] = set()
    for each in of_place.values():
        groups.add(frozenset(each))
        processed += len(each)
        if processed >= STEP:
            yield
            processed = 0
    sizes = []
    for group in groups:
        sizes.append(sum(map(classes.__getitem__, group)))
        processed += len(group)
        if processed >= STEP:
            yield
            processed = 0
    return _rules(sizes)


def _rules(sizes: Iterable[int]) -> int:
    """Return the rules of groups with so many filters; a rule has a maximum."""
    return sum([-(-size // MAX_FILTERS) for size in sizes])
