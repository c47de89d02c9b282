"""Since when drift and an error exist, and how often the error occurred; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ecrkeeper_server.store.rows import Resource

Drift = Iterable[Mapping[str, Any]]


def keep_first_times(state: dict[str, Any], before: Mapping[str, Any], now: int) -> None:
    """Note when each difference and the error of a new state were first seen, `now` unless the state before had them.

    The times of what stays are kept, so an attempt that finds the same as before leaves the same state.
    """
    if "drift" in state:
        state["drift"] = dated(state["drift"], before.get("drift", ()), now)
    error = state.get("error")
    if error is not None:
        old = before.get("error")
        since = old.get("since", now) if old is not None and _error(old) == _error(error) else now
        state["error"] = {**error, "since": since}


def dated(drift: Drift, before: Drift, now: int | None) -> list[dict[str, Any]]:
    """Return differences with when each was first seen: `now`, unless it was among those before."""
    known = {_difference(each): each.get("since", now) for each in before}
    return [{**each, "since": known.get(_difference(each), now)} for each in drift]


def attempts_of(state: Mapping[str, Any], row: Resource) -> int:
    """How many attempts in a row ended with the error of a new state; 0 without one."""
    error, before = state.get("error"), row.state.get("error")
    if error is None:
        return 0
    return row.attempts + 1 if before is not None and _error(before) == _error(error) else 1


def _difference(drift: Mapping[str, Any]) -> tuple[str, str, str]:
    return drift["setting"], drift["key"], drift["kind"]


def _error(error: Mapping[str, Any]) -> tuple[str, str, str]:
    """What makes two errors the same one: not the text, which may hold ids of a single request."""
    metadata = error.get("metadata", {})
    return error["reason"], metadata.get("operation", ""), metadata.get("aws_code", "")
