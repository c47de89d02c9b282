"""Limits on the texts of stored errors and conditions.

Texts can name owners and elements, and a registry can have thousands of both. Answers show no more of an error than
is stored.
"""

from __future__ import annotations

from msgspec import Struct

_MESSAGE, _DETAILS, _VALUE, _SUBJECT, _DESCRIPTION = 1_000, 50, 512, 256, 400
# The characters of all owners' messages in one registry, and their details.
_OF_OWNERS, _DETAILS_OF_OWNERS = 120_000, 1_000
_LEAST = 100


class TextLimits(Struct, frozen=True):
    """The maximum characters of texts, and the maximum number of details."""

    message: int = _MESSAGE
    value: int = _VALUE
    subject: int = _SUBJECT
    description: int = _DESCRIPTION
    details: int = _DETAILS


def of_owners(count: int) -> TextLimits:
    """Return the limits of each owner's error if a registry has so many owners."""
    message = min(_MESSAGE, max(_LEAST, _OF_OWNERS // count))
    return TextLimits(
        message, min(_VALUE, message), min(_SUBJECT, message), min(_DESCRIPTION, message),
        min(_DETAILS, _DETAILS_OF_OWNERS // count),
    )  # fmt: skip


def cut(text: str, characters: int = _MESSAGE) -> str:
    """Return a text, or its beginning and an ellipsis."""
    return text if len(text) <= characters else text[: characters - 1] + "…"
