"""Digests of what a page shows: a stream sends its snapshot only if it differs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from google.protobuf.message import Message

from ecrkeeper_server.api.messages.serializing import serializing
from ecrkeeper_server.console.conditions import Cell
from ecrkeeper_server.turns import Steps

_CHARACTERS = 24
# Bytes of a step.
_BYTES = 500_000
# Every attempt changes these.
_TIMES = ("observe_time", "next_reconcile_time")


def digest_of(resource: Message) -> Steps[str]:
    """Return a digest of a resource without the times of its attempts, in steps."""
    content = yield from serializing(resource, deterministic=True, omitted=_TIMES)
    digest = hashlib.sha256()
    for start in range(0, len(content), _BYTES):
        yield
        digest.update(content[start : start + _BYTES])
    return digest.hexdigest()[:_CHARACTERS]


def digest_of_cells(cells: Iterable[Cell]) -> str:
    """Return a digest of cells, in any order."""
    lines = "\n".join(
        f"{each.name} {each.state.word} {each.state.reason}" for each in sorted(cells, key=lambda each: each.name)
    )
    return hashlib.sha256(lines.encode()).hexdigest()[:_CHARACTERS]
