"""Two values side by side, line by line; pure, no I/O."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator
from itertools import groupby, takewhile

from msgspec import Struct

# The lines of two values that are compared.
_MAX_LINES = 400
# Pairs of equal lines that a comparison looks at, in less than 2 ms. They may be as many as the cube of the lines.
_MAX_PAIRS = 10_000


Range = tuple[int, int]


class Run(Struct, frozen=True):
    """Consecutive lines of a value, and whether the other value lacks them."""

    text: str
    changed: bool = False


class Sides(Struct, frozen=True):
    """The lines of two values; None for a value that is missing."""

    left: list[Run] | None
    right: list[Run] | None
    same: bool = False


def sides(left: str | None, right: str | None) -> Sides:
    """Compare two texts; one may be missing."""
    if left is None or right is None:
        return Sides(_whole(left), _whole(right))
    left_lines, right_lines = left.splitlines(), right.splitlines()
    if left_lines == right_lines:
        whole = _whole(left)
        return Sides(whole, whole, same=True)
    if len(left_lines) + len(right_lines) > _MAX_LINES:
        return Sides(_whole(left), _whole(right))
    left_changed, right_changed = _changed(left_lines, right_lines)
    return Sides(_runs(left_lines, left_changed), _runs(right_lines, right_changed))


def _whole(text: str | None) -> list[Run] | None:
    if text is None:
        return None
    return [Run("\n".join(text.splitlines()))] if text else []


def _runs(lines: list[str], changed: list[bool]) -> list[Run]:
    runs = groupby(zip(lines, changed, strict=True), key=lambda each: each[1])
    return [Run("\n".join(line for line, _ in run), is_changed) for is_changed, run in runs]


def _changed(left: list[str], right: list[str]) -> tuple[list[bool], list[bool]]:
    """Return for each line of two texts whether the other one lacks it."""
    left_changed, right_changed = [False] * len(left), [False] * len(right)
    for (i, j), (m, n) in _differing(left, right):
        left_changed[i:j] = _missing(left[i:j], right[m:n])
        right_changed[m:n] = _missing(right[m:n], left[i:j])
    return left_changed, right_changed


def _differing(left: list[str], right: list[str]) -> Iterator[tuple[Range, Range]]:
    """Yield the ranges of lines between those that both texts have in the same order.

    Ranges that are not compared line by line, because that takes too long, may have lines in common.
    """
    begin = _common(left, right)
    end = _common(left[begin:][::-1], right[begin:][::-1])
    matcher, counts = difflib.SequenceMatcher(None, left, right, autojunk=False), Counter(right)
    looked_at = 0
    ranges = [((begin, len(left) - end), (begin, len(right) - end))]
    while ranges:
        (i, j), (m, n) = ranges.pop()
        looked_at += 3 * (j - i) + sum(map(counts.__getitem__, left[i:j]))
        match = matcher.find_longest_match(i, j, m, n) if looked_at <= _MAX_PAIRS else None
        if match is not None and match.size:
            ranges += [((i, match.a), (m, match.b)), ((match.a + match.size, j), (match.b + match.size, n))]
        elif i < j or m < n:
            yield (i, j), (m, n)


def _common(left: list[str], right: list[str]) -> int:
    """Return the number of lines that two texts begin with."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(left, right, strict=False)))


def _missing(lines: list[str], others: list[str]) -> list[bool]:
    """Return for each line whether no equal one is left among the others."""
    if set(others).isdisjoint(lines):
        return [True] * len(lines)
    remaining = Counter(others)
    missing = []
    for line in lines:
        missing.append(not remaining[line])
        remaining[line] -= remaining[line] > 0
    return missing
