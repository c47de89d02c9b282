"""Digests of what a page shows: a stream sends its snapshot only if it differs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from google.protobuf.message import Message

from ecrkeeper_server.console.conditions import Cell

_CHARACTERS = 24
# Every attempt changes these.
_TIMES = ("observe_time", "next_reconcile_time")


def digest_of(resource: Message) -> str:
    """Return a digest of a resource without the times of its attempts."""
    content = type(resource)()
    content.CopyFrom(resource)
    for field in _TIMES:
        content.ClearField(field)
    return hashlib.sha256(content.SerializeToString(deterministic=True)).hexdigest()[:_CHARACTERS]


def digest_of_cells(cells: Iterable[Cell]) -> str:
    """Return a digest of cells, in any order."""
    lines = "\n".join(
        f"{each.name} {each.state.word} {each.state.reason}" for each in sorted(cells, key=lambda each: each.name)
    )
    return hashlib.sha256(lines.encode()).hexdigest()[:_CHARACTERS]
