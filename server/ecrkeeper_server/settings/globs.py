"""Wildcards, matched in time proportional to pattern times text."""

from __future__ import annotations


def matches(pattern: str, text: str, *, single: bool = False) -> bool:
    """Whether the whole text matches a pattern in which `*` stands for any text.

    With `single`, `?` stands for one character, as in IAM policies.
    """
    p = t = 0
    star, mark = -1, 0
    while t < len(text):
        if p < len(pattern) and pattern[p] == "*":
            star, mark = p, t
            p += 1
        elif p < len(pattern) and (pattern[p] == text[t] or (single and pattern[p] == "?")):
            p, t = p + 1, t + 1
        elif star >= 0:
            mark += 1
            p, t = star + 1, mark
        else:
            return False
    return pattern[p:].strip("*") == ""
