"""Hashable forms of JSON values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def frozen(value: Any) -> Any:
    """Return a hashable form of a JSON value; equal values have equal forms."""
    if isinstance(value, Mapping):
        return ("{", *sorted((name, frozen(each)) for name, each in value.items()))
    if isinstance(value, list | tuple):
        return ("[", *map(frozen, value))
    # In Python True equals 1.
    return (type(value), value) if isinstance(value, bool | int | float) else value
