"""Groups of equal replication pairs: a set of filters to a set of destinations."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import Any, TypeVar

from ecrkeeper.v1 import common_pb2

from ecrkeeper_server.settings.setting import PairGroup
from ecrkeeper_server.settings.table import SETTINGS

T = TypeVar("T")


def grouped(
    items: Iterable[T], place: Callable[[T], tuple[str, str]], alike: Callable[[T], tuple[Any, ...]]
) -> Iterator[tuple[T, PairGroup | None]]:
    """Yield the first item of each group with the group, or an item without one.

    `place` returns the setting and the key of an item, `alike` a JSON value that is equal for all
    items of a group.
    """
    for setting, found in groupby(items, key=lambda item: place(item)[0]):
        known = SETTINGS.get(setting)
        if known is None or known.grouped is None:
            yield from ((item, None) for item in found)
            continue
        kinds: dict[str, dict[str, T]] = {}
        for item in found:
            kinds.setdefault(json.dumps(alike(item), sort_keys=True), {})[place(item)[1]] = item
        for by_key in kinds.values():
            for group in known.grouped(by_key):
                yield by_key[group.key], group


def pairs(group: PairGroup | None) -> common_pb2.ReplicationPairs | None:
    """Return a group as a message; None stays unset."""
    if group is None:
        return None
    return common_pb2.ReplicationPairs(destinations=group.destinations, filters=group.filters)
