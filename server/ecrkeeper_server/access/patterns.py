"""Patterns of the policy file, in which `*` matches any text.

Without backtracking.
"""

from __future__ import annotations

from typing import Self


class Pattern:
    """One compiled pattern; `text` is its source."""

    __slots__ = ("_first", "_last", "_middle", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        first, *rest = text.split("*")
        self._first = first
        self._middle = tuple(part for part in rest[:-1] if part)
        # None for a pattern without a wildcard, which matches only equal text.
        self._last = rest[-1] if rest else None

    @classmethod
    def every(cls) -> Self:
        """Return the pattern that matches everything."""
        return cls("*")

    @property
    def is_every(self) -> bool:
        """Whether it matches everything, including an absent value."""
        return self.text == "*"

    def matches(self, text: str) -> bool:
        """Return whether the pattern matches the whole text."""
        if self._last is None:
            return text == self._first
        end = len(text) - len(self._last)
        at = len(self._first)
        if at > end or not text.startswith(self._first) or not text.endswith(self._last):
            return False
        # The leftmost position of each part leaves the longest rest for the next one, so no retry
        # is necessary.
        for part in self._middle:
            position = text.find(part, at, end)
            if position < 0:
                return False
            at = position + len(part)
        return True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pattern) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f"Pattern({self.text!r})"
