"""The state of a resource in one word, from its conditions; pure, no I/O."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Any

from ecrkeeper.v1 import common_pb2
from msgspec import Struct
from msgspec.structs import replace


class State(Struct, frozen=True):
    """A state: its word, its symbol, its class in the style sheet, and the reason."""

    word: str
    symbol: str
    style: str
    reason: str = ""


class Cell(Struct, frozen=True):
    """A resource of the map: far smaller than the resource."""

    name: str
    state: State


_STATES = {
    "blocked": State("Blocked", "✕", "bad"),
    "degraded": State("Degraded", "!", "warn"),
    "contested": State("Contested", "⇄", "warn"),
    "differs": State("Out of sync", "≠", "warn"),
    "reconciling": State("Reconciling", "…", "busy"),
    "paused": State("Paused", "‖", "quiet"),
    "ready": State("Ready", "✓", "good"),
    "unknown": State("Unknown", "?", "quiet"),
}
_BAD_WHEN_TRUE = {"Blocked", "Degraded", "Contested", "ReplicationFailing", "CacheFailing"}
_GOOD_WHEN_TRUE = {"Ready", "Synced"}
_STYLES = {
    "bad": {"FAILED", "HALTED", "OUT_OF_SYNC", "BROKEN", "DOES_NOT_ARRIVE", "GONE", "MISSING"},
    "warn": {
        "CONDITIONAL", "ARRIVES_IF_REPOSITORY_EXISTS", "AWAITING_APPROVAL", "PAUSED", "SKIPPED", "HELD", "ROLLING_BACK",
        "REMOVING", "CHANGED", "UNEXPECTED", "IN_USE", "SUSPENDED", "DELETING", "OBSERVE",
    },
    "good": {"IN_SYNC", "OK", "SUCCEEDED", "ARRIVES", "ACTIVE", "FREE", "DONE", "COMPLETE"},
    "busy": {"RUNNING", "PLANNING", "QUEUED", "BAKING", "PENDING"},
}  # fmt: skip


def state_of(resource: Any) -> State:
    """Return the state of a registry or a role: the worst of its conditions."""
    by_type = {each.type: each for each in resource.conditions}
    ready = by_type.get("Ready")
    return _state(_chosen(resource, by_type), "" if ready is None else ready.reason)


# Streams keep the states of their cells, which are few different ones.
@lru_cache(maxsize=1024)
def _state(key: str, reason: str) -> State:
    return replace(_STATES[key], reason=reason)


def cell_of(resource: Any) -> Cell:
    """Return the cell of a resource."""
    return Cell(resource.name, state_of(resource))


def _chosen(resource: Any, by_type: dict[str, Any]) -> str:
    true = {kind for kind, each in by_type.items() if each.status == common_pb2.Condition.TRUE}
    if resource.mode == common_pb2.PAUSED:
        return "paused"
    for kind in ("Blocked", "Degraded", "Contested"):
        if kind in true:
            return kind.lower()
    if resource.reconciling:
        return "reconciling"
    if "Ready" in true:
        return "ready"
    return "differs" if "Synced" in by_type else "unknown"


def condition_class(condition: Any) -> str:
    """Return the class of a condition in the style sheet."""
    holds = condition.status == common_pb2.Condition.TRUE
    if condition.type in _GOOD_WHEN_TRUE:
        return "good" if holds else "warn"
    return "bad" if holds and condition.type in _BAD_WHEN_TRUE else "quiet"


def state_class(word: str) -> str:
    """Return the class of an enum's value in the style sheet."""
    return next((style for style, words in _STYLES.items() if word in words), "quiet")


def element_id(section: str, setting: str, key: str) -> str:
    """Return the id of an element in a section of a page."""
    return "e-" + hashlib.sha256(f"{section} {setting} {key}".encode()).hexdigest()[:16]


def cell_id(name: str) -> str:
    """Return the id of a resource's cell."""
    return "c-" + "-".join(name.split("/")[1::2])
