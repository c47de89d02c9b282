"""Wildcards, matched in time proportional to pattern times text."""

from __future__ import annotations


def matches(pattern: str, text: str, *, single: bool = False) -> bool:
    """Return whether the whole text matches a pattern in which `*` stands for any text.

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


def rests(pattern: str, text: str) -> tuple[str, ...]:
    """Patterns for what may follow a text so that the whole matches an IAM pattern; none if nothing may."""
    head = pattern[: len(text)]
    if "*" not in head and "?" not in head:
        return (pattern[len(text) :],) if head == text else ()
    places = _past_stars(pattern, {0})
    for char in text:
        going = {place + 1 for place in places if pattern[place : place + 1] in (char, "?")}
        staying = {place for place in places if pattern[place : place + 1] == "*"}
        places = _past_stars(pattern, going | staying)
    # What may begin with any text includes every earlier place, and the one right behind its star.
    star = max((place for place in places if pattern[place : place + 1] == "*"), default=None)
    if star is not None:
        places = {place for place in places if place == star or place > star + 1}
    return tuple(pattern[place:] for place in sorted(places))


def _past_stars(pattern: str, places: set[int]) -> set[int]:
    """The places and those right behind stars, for which no text is enough."""
    found = set(places)
    for place in places:
        while pattern[place : place + 1] == "*":
            place += 1  # noqa: PLW2901
            found.add(place)
    return found
