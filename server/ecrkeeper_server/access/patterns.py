"""Patterns of the policy file: text in which `*` stands for any text; matched without backtracking."""

from __future__ import annotations

from typing import Self


class Pattern:
    """One pattern, taken apart once; `text` is as it was given."""

    __slots__ = ("_first", "_last", "_middle", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        first, *rest = text.split("*")
        self._first = first
        self._middle = tuple(part for part in rest[:-1] if part)
        # None for a pattern without a wildcard, which only equal text matches.
        self._last = rest[-1] if rest else None

    @classmethod
    def every(cls) -> Self:
        """Return the pattern that everything matches."""
        return cls("*")

    @property
    def is_every(self) -> bool:
        """Whether it matches everything, the absent included."""
        return self.text == "*"

    def matches(self, text: str) -> bool:
        """Return whether the whole text matches."""
        if self._last is None:
            return text == self._first
        end = len(text) - len(self._last)
        at = len(self._first)
        if at > end or not text.startswith(self._first) or not text.endswith(self._last):
            return False
        # The leftmost place of each part leaves the most room for the next: there is nothing to try again.
        for part in self._middle:
            found = text.find(part, at, end)
            if found < 0:
                return False
            at = found + len(part)
        return True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pattern) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f"Pattern({self.text!r})"
