"""Checks and escapes of text with invisible or control characters; pure, no I/O."""

from __future__ import annotations

import re

# Printable for Python, but invisible in fonts and terminals (Default_Ignorable_Code_Point, and the
# blank Braille pattern).
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
# All control characters except tabs and line ends.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def is_plain(text: str) -> bool:
    """Return whether every character is visible.

    Control characters, line ends, direction marks, unusual blanks and lone surrogates are not.
    """
    return text.isprintable() and (text.isascii() or _INVISIBLE.search(text) is None)


def is_plain_name(text: str, maximum: int) -> bool:
    """Return whether the text is a valid principal or group name.

    A name has 1 to `maximum` plain characters, and no blank at either end.
    """
    return 0 < len(text) <= maximum and is_plain(text) and text == text.strip()


def escaped(text: str) -> str:
    """Return the text with escapes such as `\\x00` for characters that are not plain."""
    if is_plain(text):
        return text
    return "".join(each if is_plain(each) else each.encode("unicode_escape").decode("ascii") for each in text)


def control_in(text: str) -> str:
    """Return the first control character of a multi-line text, such as U+0000, or ''."""
    match = _CONTROL.search(text)
    return "" if match is None else f"U+{ord(match[0]):04X}"


def shown(text: str) -> str:
    """Return the text quoted for an error message, shortened to a readable length."""
    return escaped(repr(text if len(text) <= 80 else text[:77] + "..."))
