"""Digests of what a page shows: a stream sends its snapshot only if it differs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from google.protobuf.message import Message

from ecrkeeper_server.console.conditions import state_of

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


def digest_of_states(resources: Iterable[Any]) -> str:
    """Return a digest of the states of resources, in any order."""
    states = {each.name: state_of(each) for each in resources}
    lines = "\n".join(
        f"{name} {state.word} {state.reason}" for name, state in sorted(states.items(), key=lambda each: each[0])
    )
    return hashlib.sha256(lines.encode()).hexdigest()[:_CHARACTERS]
