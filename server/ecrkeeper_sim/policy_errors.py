"""Errors of malformed policy documents."""

from __future__ import annotations


class Malformed(Exception):
    """The document is invalid.

    The text is for developers, because AWS gives no reason.
    """


def require(holds: bool, otherwise: str) -> None:
    """Raise Malformed unless the condition holds."""
    if not holds:
        raise Malformed(otherwise)
