"""The drift of an attempt to attribute, and its likely causes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from itertools import islice

from ecrkeeper_server.engine.attempt import Attempt, AttemptResult
from ecrkeeper_server.events.targets import is_about, is_about_role
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.settings import collection
from ecrkeeper_server.settings.table import SETTINGS
from ecrkeeper_server.store import attributions, cloud_events, findings
from ecrkeeper_server.store.attributions import Attribution
from ecrkeeper_server.store.causes import StoredCause
from ecrkeeper_server.store.clock import MICROSECONDS
from ecrkeeper_server.store.cloud_events import CloudEvent
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.named_causes import NamedCause, name_causes
from ecrkeeper_server.store.rows import Resource
from ecrkeeper_server.store.states import State
from ecrkeeper_server.store.stored_drift import StoredDrift
from ecrkeeper_server.turns import STEP, Steps, sorting

_ELEMENTS = 100
# CloudTrail's clock and the database's may differ a little.
CLOCK_SKEW = 2 * MICROSECONDS
LIKELY, CONFIRMED = "LIKELY", "CONFIRMED"


def finding_unattributed(attempt: Attempt, result: AttemptResult) -> Steps[list[Attribution]]:
    """Return the drift that no earlier attempt found by setting, in steps.

    Only elements that were in place before can drift.
    """
    row, before = attempt.claimed, State(attempt.claimed.stored_state)
    if row.observe_time is None or not result.observed:
        return []
    removed = yield from result.state.finding_new_removals(before, attempt.now)
    found = () if result.state.has_same_drift(before) else (yield from result.state.finding_new_drift(before))
    new_keys: dict[str, set[str]] = {}
    for at, each in enumerate((*removed, *(yield from _in_place_before(row, found)))):
        if at % STEP == STEP - 1:
            yield
        new_keys.setdefault(each.setting, set()).add(each.key)
    unattributed: list[Attribution] = []
    for setting, keys in new_keys.items():
        yield
        some = (yield from sorting(keys))[:_ELEMENTS]
        times = (row.observe_time, attempt.now, attempt.now)
        unattributed.append(Attribution(row.name, setting, some, *times, attempt.reconcile_id))
    return unattributed


def _in_place_before(row: Resource, drift: Sequence[StoredDrift]) -> Steps[Sequence[StoredDrift]]:
    """Return the drift of elements that were as desired at the last observation."""
    if not drift:
        return ()
    if row.kind != RegistryName.kind:
        return drift if row.observed_generation == row.generation and row.role_state.observed else ()
    state = row.registry_state
    observed = state.observed
    settled = state.settled if any(each.kind != "UNEXPECTED" for each in drift) else {}

    def was_in_place(each: StoredDrift) -> bool:
        if each.kind == "UNEXPECTED":
            return each.setting in observed
        elements = settled.get(each.setting, {})
        return each.key in elements and bool(elements[each.key] == each.desired)

    in_place: list[StoredDrift] = []
    remaining = iter(drift)
    while some := list(islice(remaining, STEP)):
        yield
        in_place += filter(was_in_place, some)
    return in_place


def request(tx: Tx, unattributed: Sequence[Attribution], *, attribute: bool = True) -> None:
    """Request the causes of drift of attempts, by CloudTrail if `attribute`.

    A call that an event has already reported is the likely cause.
    """
    if not attribute:
        attribute_by_events(tx, unattributed)
    elif unattributed:
        attributions.request(tx, unattributed)
        attribute_pending(tx, {each.name for each in unattributed})


def attribute_by_events(tx: Tx, unattributed: Sequence[Attribution]) -> None:
    """Record the newest calls reported by events as the likely causes.

    A call after the attempt that found the drift cannot have caused it.
    """
    ranges = [cloud_events.Range(each.name, each.setting, each.since, each.until + CLOCK_SKEW) for each in unattributed]
    store(tx, [
        NamedCause(each, elements, event.cause(LIKELY))
        for each, events in zip(unattributed, cloud_events.newest(tx, ranges), strict=True)
        for elements, event in newest_by_element(each, events)
    ])  # fmt: skip


def attribute_pending(tx: Tx, names: Collection[str]) -> None:
    """Record the likely causes of drift that was found before its events arrived."""
    attribute_by_events(tx, attributions.pending(tx, names))


def store(tx: Tx, causes: Sequence[NamedCause]) -> list[NamedCause]:
    """Store causes that are newer than the known ones; return those.

    The same cause replaces itself only if it becomes confirmed.
    """
    by_resource: dict[str, list[NamedCause]] = {}
    for each in causes:
        by_resource.setdefault(each.attribution.name, []).append(each)
    new: list[NamedCause] = []
    findings.change_all(tx, {name: partial(_with_causes, causes=each, new=new) for name, each in by_resource.items()})
    name_causes(tx, new)
    return new


def _with_causes(known: findings.Findings, causes: Sequence[NamedCause], new: list[NamedCause]) -> findings.Findings:
    """Return the findings with newer causes, which are added to `new`."""
    for each in causes:
        attribution = each.attribution
        before = known.cause(
            attribution.setting, next(iter(each.elements or attribution.elements)), attribution.found_at
        )
        if before is None or _replaces(each.cause, before):
            known = known.with_cause(attribution.setting, each.elements, attribution.found_at, each.cause)
            new.append(each)
    return known


def _replaces(cause: StoredCause, before: StoredCause) -> bool:
    if cause.event_id == before.event_id:
        return cause.confidence != before.confidence and cause.confidence == CONFIRMED
    return cause.event_time > before.event_time


def newest_by_element(
    attribution: Attribution, events: Sequence[CloudEvent]
) -> list[tuple[Sequence[str] | None, CloudEvent]]:
    """Return the newest event that may have changed each element.

    A document has one event for all its elements.
    """
    if not isinstance(SETTINGS.get(attribution.setting), collection.Collection):
        matching = [each for each in events if _is_about(attribution, "", each)]
        return [(None, matching[0])] if matching else []
    by_event: dict[str, list[str]] = {}
    for key in attribution.elements:
        newest = next((each for each in events if _is_about(attribution, key, each)), None)
        if newest is not None:
            by_event.setdefault(newest.event_id, []).append(key)
    return [(by_event[each.event_id], each) for each in events if each.event_id in by_event]


def _is_about(attribution: Attribution, key: str, event: CloudEvent) -> bool:
    if attribution.setting in SETTINGS:
        return is_about(attribution.setting, key, event.hint)
    return is_about_role(attribution.name.rpartition("/")[2], event.hint)
