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
    left_lines, right_lines = left.splitlines(), right.splitlines()
    if left_lines == right_lines:
        return Sides(_lines(left), _lines(right), same=True)
    if len(left_lines) + len(right_lines) > _MAX_LINES:
        return Sides(_lines(left), _lines(right))
    matching = difflib.SequenceMatcher(None, left_lines, right_lines, autojunk=False)
    left_changed, right_changed = [False] * len(left_lines), [False] * len(right_lines)
    for kind, i, j, m, n in matching.get_opcodes():
        if kind != "equal":
            left_changed[i:j] = [True] * (j - i)
            right_changed[m:n] = [True] * (n - m)
    return Sides(list(map(Line, left_lines, left_changed)), list(map(Line, right_lines, right_changed)))


def _lines(text: str | None) -> list[Line] | None:
    return None if text is None else [Line(each) for each in text.splitlines()]
