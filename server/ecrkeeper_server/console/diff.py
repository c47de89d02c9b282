"""Two values side by side, line by line; pure, no I/O."""

from __future__ import annotations

import difflib

from msgspec import Struct

# Comparing takes time in the square of the lines.
_MAX_LINES = 400


class Line(Struct, frozen=True):
    """A line of a value, and whether the other value lacks it."""

    text: str
    changed: bool = False


class Sides(Struct, frozen=True):
    """The lines of two values; None for a value that is missing."""

    left: list[Line] | None
    right: list[Line] | None
    same: bool = False


def sides(left: str | None, right: str | None) -> Sides:
    """Compare two texts; one may be missing."""
    if left is None or right is None:
        return Sides(_lines(left), _lines(right))
    before, after = left.splitlines(), right.splitlines()
    if before == after:
        return Sides(_lines(left), _lines(right), same=True)
    if len(before) + len(after) > _MAX_LINES:
        return Sides(_lines(left), _lines(right))
    matching = difflib.SequenceMatcher(None, before, after, autojunk=False)
    first, second = [False] * len(before), [False] * len(after)
    for kind, i, j, m, n in matching.get_opcodes():
        if kind != "equal":
            first[i:j] = [True] * (j - i)
            second[m:n] = [True] * (n - m)
    return Sides(list(map(Line, before, first)), list(map(Line, after, second)))


def _lines(text: str | None) -> list[Line] | None:
    return None if text is None else [Line(each) for each in text.splitlines()]
