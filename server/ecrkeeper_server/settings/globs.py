"""Match wildcards in time proportional to pattern times text."""

from __future__ import annotations


def matches(pattern: str, text: str, *, single: bool = False) -> bool:
    """Return whether a pattern matches the whole text.

    `*` stands for any text. With `single`, `?` stands for one character, as in IAM policies.
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
    """Return patterns for the rest of a text that begins with `text` and matches.

    The whole text then matches the IAM pattern. Empty if no text can.
    """
    head = pattern[: len(text)]
    if "*" not in head and "?" not in head:
        return (pattern[len(text) :],) if head == text else ()
    positions = _past_stars(pattern, {0})
    for char in text:
        going = {position + 1 for position in positions if pattern[position : position + 1] in (char, "?")}
        staying = {position for position in positions if pattern[position : position + 1] == "*"}
        positions = _past_stars(pattern, going | staying)
    # A rest that may begin with any text covers those at all earlier positions and right behind
    # its star.
    star = max((position for position in positions if pattern[position : position + 1] == "*"), default=None)
    if star is not None:
        positions = {position for position in positions if position == star or position > star + 1}
    return tuple(pattern[position:] for position in sorted(positions))


def _past_stars(pattern: str, positions: set[int]) -> set[int]:
    """Return the positions, and those behind stars, since a star may match nothing."""
    reached = set(positions)
    for position in positions:
        while pattern[position : position + 1] == "*":
            position += 1  # noqa: PLW2901
            reached.add(position)
    return reached
