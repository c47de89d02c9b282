"""Groups of equal replication pairs: a set of filters to a set of destinations."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import groupby
from typing import Any, TypeVar

import orjson
from ecrkeeper.v1 import common_pb2

from ecrkeeper_server.settings.elements import Keys
from ecrkeeper_server.settings.pair_keys import PairKeys
from ecrkeeper_server.settings.pair_products import covering
from ecrkeeper_server.settings.table import SETTINGS
from ecrkeeper_server.turns import Steps

# Items of a step.
_AT_ONCE = 100

T = TypeVar("T")
Group = tuple[str, common_pb2.ReplicationPairs | None]
"""The first key of a group, and its pairs; None where an element stands alone."""


def grouping(
    items: Iterable[T], place: Callable[[T], tuple[str, Keys]], alike: Callable[[T], tuple[Any, ...]]
) -> Steps[list[tuple[T, Group]]]:
    """Return one item of each group with the group, in steps.

    `place` returns the setting and the keys of an item, `alike` a JSON value that is equal for all
    items of a group.
    """
    result: list[tuple[T, Group]] = []
    for setting, run in groupby(items, key=lambda item: place(item)[0]):
        if setting in SETTINGS and SETTINGS[setting].paired:
            result += yield from _in_pairs(run, lambda item: place(item)[1], alike)
            continue
        for at, item in enumerate(run):
            if at % _AT_ONCE == _AT_ONCE - 1:
                yield
            result += [(item, (key, None)) for key in place(item)[1]]
    return result


def _in_pairs(
    items: Iterable[T], keys_of: Callable[[T], Keys], alike: Callable[[T], tuple[Any, ...]]
) -> Steps[list[tuple[T, Group]]]:
    kinds: dict[bytes, list[T]] = {}
    for at, item in enumerate(items):
        if at % _AT_ONCE == _AT_ONCE - 1:
            yield
        kinds.setdefault(orjson.dumps(alike(item), option=orjson.OPT_SORT_KEYS), []).append(item)
    result: list[tuple[T, Group]] = []
    for same in kinds.values():
        united = yield from PairKeys.uniting(map(keys_of, same))
        yield
        for destinations, filters in (yield from covering(united)):
            yield
            pairs = common_pb2.ReplicationPairs(destinations=destinations, filters=filters)
            result.append((same[0], (f"{destinations[0]}:{filters[0]}", pairs)))
    return result
