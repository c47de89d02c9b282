"""The cost of settings in elements, before anything is done with them; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ecrkeeper_server.settings.elements import Elements
from ecrkeeper_server.settings.pairs import PairElements

# A text takes about as long to validate and to compare as one element for so many characters.
_CHARACTERS = 100


def cost(shape: Any) -> int:
    """Return the items of all lists, and one element more for each 100 characters of a text."""
    found = 0
    unseen = [shape]
    while unseen:
        value = unseen.pop()
        if isinstance(value, Mapping):
            unseen += value.values()
        elif isinstance(value, list):
            found += len(value)
            unseen += value
        elif isinstance(value, str):
            found += len(value) // _CHARACTERS
    return found


def size_of(elements: Elements) -> int:
    """Return the size of composed elements; pairs count by their filters, not one by one."""
    return len(elements.rows) if isinstance(elements, PairElements) else len(elements)


def cost_of_all(shapes: Iterable[Any]) -> int:
    """Return the cost of several settings or declarations together."""
    return sum(map(cost, shapes))
