"""Derive the start times of drift and errors, and count attempts; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

from msgspec.structs import replace

from ecrkeeper_server.settings.element_sets import union
from ecrkeeper_server.settings.elements import Keys
from ecrkeeper_server.store.rows import Resource
from ecrkeeper_server.store.state_parts import StoredError
from ecrkeeper_server.store.states import State
from ecrkeeper_server.store.stored_drift import StoredDrift
from ecrkeeper_server.turns import Steps

S = TypeVar("S", bound=State)


def adding_first_times(state: S, before: State, now: int) -> Steps[S]:
    """Return a new state with the start times of drift and error, in steps.

    That is `now` for new ones. Others keep their times, so an attempt that finds
    no change leaves an equal state.
    Drift that was remediated now has a time only if an earlier attempt observed it.
    """
    if state.remediated_at == now:
        remediated = yield from dating(state.removed_at(now), before.each_drift(), None)
        yield
        state = yield from state.changing_remediated(remediated)
    if state.drifted:
        drift = yield from dating(state.each_drift(), before.each_drift(), now)
        yield
        state = yield from state.changing_drift(drift)
    error = state.error
    if error is None:
        return state
    old = before.error
    since = old.since if old is not None and _same(old, error) else None
    return state.changed(error=replace(error, since=now if since is None else since))


def dating(drift: Iterable[StoredDrift], before: Iterable[StoredDrift], now: int | None) -> Steps[list[StoredDrift]]:
    """Return differences with the times at which they were first observed, in steps.

    Differences that are not in the state before get `now`.
    """
    rows: list[StoredDrift] = []
    for each in drift:
        rows.append(each)
        if len(rows) % _AT_ONCE == 0:
            yield
    dated: list[StoredDrift] = []
    if any(each.pairs is not None for each in rows):
        known = _by_time(before)
        for each in rows:
            yield
            dated += _dated_parts(each, known, now)
        return dated
    yield
    since: dict[_Identity, int] = {}
    for at, each in enumerate(before):
        if at % _AT_ONCE == _AT_ONCE - 1:
            yield
        if each.since is not None:
            since[each.identity] = each.since
    # To free all of them at the end would take milliseconds.
    rows.reverse()
    while rows:
        each = rows.pop()
        dated.append(replace(each, since=since.get(each.identity, now)))
        if len(dated) % _AT_ONCE == 0:
            yield
    return dated


_Kind = tuple[str, str]
_Identity = tuple[str, str, str]
# Differences of a step.
_AT_ONCE = 500


def _by_time(before: Iterable[StoredDrift]) -> dict[_Kind, dict[int | None, Keys]]:
    """Return the elements that differed, by setting and kind, and by their time.

    Release 0.1.0 stored each pair by itself, so there can be thousands.
    """
    by_kind: dict[_Kind, dict[int | None, list[Keys]]] = {}
    for old in before:
        by_kind.setdefault((old.setting, old.kind), {}).setdefault(old.since, []).append(old.keys)
    return {kind: {since: union(keys) for since, keys in times.items()} for kind, times in by_kind.items()}


def _dated_parts(
    drift: StoredDrift, before: Mapping[_Kind, Mapping[int | None, Keys]], now: int | None
) -> Iterator[StoredDrift]:
    """Yield the parts of a difference, by the times at which they were first observed."""
    remaining = drift.keys
    for since, keys in before.get((drift.setting, drift.kind), {}).items():
        part = remaining & keys
        remaining = remaining - part
        yield from (replace(each, since=now if since is None else since) for each in drift.among(part))
    yield from (replace(each, since=now) for each in drift.among(remaining))


def attempts_of(state: State, row: Resource) -> int:
    """Return the number of consecutive attempts with the error of a new state."""
    error, earlier = state.error, State(row.stored_state).error
    if error is None:
        return 0
    return row.attempts + 1 if earlier is not None and _same(earlier, error) else 1


def _same(one: StoredError, other: StoredError) -> bool:
    return one.identity == other.identity
