"""Filters from what a user types; pure, no I/O."""

from __future__ import annotations

import re

from ecrkeeper_server.names import is_account, partition_of

_OPERATORS = re.compile(r"[=:()\"]|\b(?:AND|OR|NOT)\b")
_WORD = re.compile(r"[A-Za-z0-9_.-]+")


def filter_of(text: str, word: str) -> str:
    """Return the AIP-160 filter for a search.

    Words are accounts, Regions, reasons, or values of the field `word`; a text with operators is a
    filter already.
    """
    if not text or _OPERATORS.search(text):
        return text
    return " AND ".join(_restriction(each, word) for each in text.split())


def _restriction(text: str, word: str) -> str:
    if is_account(text):
        return f"account = {text}"
    if partition_of(text) is not None:
        return f'region = "{text}"'
    if text.isupper():
        return f"reason = {text}"
    return f'{word} = "{text}"' if _WORD.fullmatch(text) else text


def conjunction(first: str, second: str) -> str:
    """Combine two filters with AND; either may be empty."""
    if first and second:
        return f"({first}) AND ({second})"
    return first or second
