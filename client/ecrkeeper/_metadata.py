"""Metadata that a client sends with each call besides the token."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

Metadata: TypeAlias = Mapping[str, str] | Callable[[], Mapping[str, str]]
Pairs: TypeAlias = tuple[tuple[str, str], ...]

_NAME = re.compile(r"[a-z0-9_.-]+")
# gRPC and the client set these themselves.
_RESERVED = ("authorization", "user-agent", "content-type", "te")


def pairs_of(metadata: Metadata | None) -> Pairs:
    """Return the pairs of one call; ValueError for those that cannot be sent."""
    pairs = metadata() if callable(metadata) else metadata or {}
    for name, value in pairs.items():
        if not _NAME.fullmatch(name) or name in _RESERVED or name.startswith("grpc-") or name.endswith("-bin"):
            raise ValueError(
                f"metadata {name!r}: a name has small letters, digits and '_.-', does not end in -bin, and is no name "
                "that the client or gRPC sets"
            )
        if not isinstance(value, str) or not (value.isascii() and value.isprintable()):
            raise ValueError(f"metadata {name}: a value has printable ASCII characters only, got {value!r:.100}")
    return tuple(pairs.items())
