"""Patterns of accounts as ranges of numbers, which a database finds by index."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

from msgspec import Struct

from ecrkeeper_server.access.patterns import Pattern

_DIGITS = 12


class Range(Struct, frozen=True):
    """The accounts from the first to the last one, both included."""

    first: str
    last: str

    @property
    def is_every(self) -> bool:
        """Whether all accounts are in the range."""
        return (self.first, self.last) == ("0" * _DIGITS, "9" * _DIGITS)


class AccountRanges(Struct, frozen=True):
    """Ranges that do not overlap, in order, and patterns that are no range."""

    ranges: tuple[Range, ...] = ()
    others: tuple[Pattern, ...] = ()

    @classmethod
    def of(cls, patterns: Iterable[Pattern]) -> Self:
        """Return the accounts that match at least one pattern."""
        ranges: list[Range] = []
        others: list[Pattern] = []
        for pattern in patterns:
            head, star, tail = pattern.text.partition("*")
            if tail.strip("*"):
                others.append(pattern)
            elif _is_number(head) and (len(head) <= _DIGITS if star else len(head) == _DIGITS):
                ranges.append(Range(head.ljust(_DIGITS, "0"), head.ljust(_DIGITS, "9")))
        merged = _merged(ranges)
        return cls(merged, () if any(each.is_every for each in merged) else tuple(dict.fromkeys(others)))


def _is_number(head: str) -> bool:
    return not head or (head.isascii() and head.isdecimal())


def _merged(ranges: Iterable[Range]) -> tuple[Range, ...]:
    merged: list[Range] = []
    for each in sorted(ranges, key=lambda each: each.first):
        if merged and int(each.first) <= int(merged[-1].last) + 1:
            merged[-1] = Range(merged[-1].first, max(merged[-1].last, each.last))
        else:
            merged.append(each)
    return tuple(merged)
