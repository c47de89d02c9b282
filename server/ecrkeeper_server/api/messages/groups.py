"""Groups of equal replication pairs: a set of filters to a set of destinations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import Any, TypeVar

import orjson
from ecrkeeper.v1 import common_pb2

from ecrkeeper_server.settings.element_sets import union
from ecrkeeper_server.settings.elements import Keys
from ecrkeeper_server.settings.pair_keys import PairKeys
from ecrkeeper_server.settings.table import SETTINGS

T = TypeVar("T")
Group = tuple[str, common_pb2.ReplicationPairs | None]
"""The first key of a group, and its pairs; None where an element stands alone."""


def grouped(
    items: Iterable[T], place: Callable[[T], tuple[str, Keys]], alike: Callable[[T], tuple[Any, ...]]
) -> Iterator[tuple[T, Group]]:
    """Yield one item of each group with the group.

    `place` returns the setting and the keys of an item, `alike` a JSON value that is equal for all
    items of a group.
    """
    for setting, found in groupby(items, key=lambda item: place(item)[0]):
        if setting in SETTINGS and SETTINGS[setting].paired:
            yield from _in_pairs(list(found), lambda item: place(item)[1], alike)
        else:
            yield from ((item, (key, None)) for item in found for key in place(item)[1])


def _in_pairs(
    items: list[T], keys_of: Callable[[T], Keys], alike: Callable[[T], tuple[Any, ...]]
) -> Iterator[tuple[T, Group]]:
    kinds: dict[bytes, list[T]] = {}
    for item in items:
        kinds.setdefault(orjson.dumps(alike(item), option=orjson.OPT_SORT_KEYS), []).append(item)
    for same in kinds.values():
        for destinations, filters in PairKeys.of(union(map(keys_of, same))).products():
            pairs = common_pb2.ReplicationPairs(destinations=destinations, filters=filters)
            yield same[0], (f"{destinations[0]}:{filters[0]}", pairs)
