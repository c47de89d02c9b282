"""Errors of malformed policy documents."""

from __future__ import annotations


class Malformed(Exception):
    """The document is not what AWS accepts; the text is for developers, AWS gives no reason."""


def require(holds: bool, otherwise: str) -> None:
    """Raise Malformed unless the condition holds."""
    if not holds:
        raise Malformed(otherwise)
