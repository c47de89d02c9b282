"""Derive the start times of drift and errors, and count attempts; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from ecrkeeper_server.store.rows import Resource
from ecrkeeper_server.store.state_parts import StoredDrift, StoredError
from ecrkeeper_server.store.states import State

S = TypeVar("S", bound=State)


def with_first_times(state: S, before: State, now: int) -> S:
    """Return a new state with the first observation times of drift and error.

    That is `now` for new ones. Others keep their times, so an attempt that finds
    no change leaves an equal state.
    Drift that was remediated now has a time only if an earlier attempt observed it.
    """
    remediation = state.remediation
    if remediation is not None and remediation.time == now:
        state = state.changed(remediation=replace(remediation, drift=dated(remediation.drift, before.drift, None)))
    if state.drifted:
        state = state.changed(drift=dated(state.drift, before.drift, now))
    error = state.error
    if error is None:
        return state
    old = before.error
    since = old.since if old is not None and _same(old, error) else None
    return state.changed(error=replace(error, since=now if since is None else since))


def dated(drift: Iterable[StoredDrift], before: Iterable[StoredDrift], now: int | None) -> list[StoredDrift]:
    """Return differences with the times at which they were first observed.

    Differences that are not in the state before get `now`.
    """
    rows, earlier = list(drift), list(before)
    if any(each.pairs is not None for each in rows):
        return [part for each in rows for part in _dated_parts(each, earlier, now)]
    since = {each.identity: each.since for each in earlier if each.since is not None}
    return [replace(each, since=since.get(each.identity, now)) for each in rows]


def _dated_parts(drift: StoredDrift, before: Sequence[StoredDrift], now: int | None) -> Iterator[StoredDrift]:
    """Yield a difference by when its elements were first seen to differ."""
    left = drift.keys
    for old in before:
        if (old.setting, old.kind) == (drift.setting, drift.kind):
            part = left & old.keys
            left = left - part
            yield from (replace(each, since=now if old.since is None else old.since) for each in drift.among(part))
    yield from (replace(each, since=now) for each in drift.among(left))


def attempts_of(state: State, row: Resource) -> int:
    """Return the number of consecutive attempts with the error of a new state."""
    error, earlier = state.error, State(row.state).error
    if error is None:
        return 0
    return row.attempts + 1 if earlier is not None and _same(earlier, error) else 1


def _same(one: StoredError, other: StoredError) -> bool:
    return one.identity == other.identity
