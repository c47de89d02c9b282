"""A cache of results of texts, bounded by their length."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import ParamSpec, TypeVar, cast

from cachetools import LRUCache, cached

P = ParamSpec("P")
T = TypeVar("T")

_CHARACTERS = 4_000_000


def text_cache(function: Callable[P, T]) -> Callable[P, T]:
    """Cache the results of a function whose first argument is a text.

    Callers must not change the results.

    The cached texts have at most 4 million characters, twice those of the most templates.
    """

    @cached(LRUCache(_CHARACTERS, getsizeof=lambda kept: kept[1]), key=lambda *args: args, lock=Lock())
    def with_length(*args: P.args, **kwargs: P.kwargs) -> tuple[T, int]:
        return function(*args, **kwargs), len(cast(str, args[0])) + 1

    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        return with_length(*args, **kwargs)[0]

    return call
