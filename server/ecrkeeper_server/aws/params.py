"""The size of a call's parameters."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from ecrkeeper_server.turns import MANY


def counted(params: Any) -> int:
    """Return the number of values in parameters, at most `MANY`."""
    return sum(1 for _ in islice(_values(params), MANY))


def _values(params: Any) -> Iterator[Any]:
    for each in params.values() if isinstance(params, dict) else params:
        if isinstance(each, dict | list):
            yield from _values(each)
        else:
            yield each
