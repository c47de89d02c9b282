"""Pack elements `{group}{separator}{filter}` into rules of limited size."""

from __future__ import annotations

from collections.abc import Iterable

MAX_FILTERS = 100


def packed(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, list[str]]]:
    """Return rules `(group, filters)` in a stable order.

    An empty filter matches everything, so it gets a rule of its own.
    """
    groups: dict[str, list[str]] = {}
    for group, text in sorted(pairs):
        groups.setdefault(group, []).append(text)
    rules: list[tuple[str, list[str]]] = []
    for group, texts in groups.items():
        if "" in texts:
            rules.append((group, []))
        named = [text for text in texts if text]
        rules += [(group, named[start : start + MAX_FILTERS]) for start in range(0, len(named), MAX_FILTERS)]
    return rules
