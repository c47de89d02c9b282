"""Label values of a limited number."""

from __future__ import annotations

from collections.abc import Iterable

_DISTINCT = 200


class Bounded:
    """Values of a label from an open set: the first 200 unchanged, then `OTHER`."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._known = set(known)

    def __call__(self, value: str) -> str:
        """Return the label for a value."""
        if value in self._known:
            return value
        if len(self._known) >= _DISTINCT or not value or len(value) > 64 or not value.isascii():
            return "OTHER"
        self._known.add(value)
        return value
