"""Conversion of rows to messages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from ecrkeeper.v1 import common_pb2, registry_pb2
from google.protobuf import struct_pb2, timestamp_pb2

from ecrkeeper_server.api.messages.answer import Answer
from ecrkeeper_server.api.messages.groups import grouped, grouping
from ecrkeeper_server.api.messages.json_values import value_of
from ecrkeeper_server.api.messages.sizes import RESOURCE_BYTES, fit, fitting
from ecrkeeper_server.api.messages.status import status_of_stored
from ecrkeeper_server.declarations.takeover import Takeover
from ecrkeeper_server.settings.codec import filling_settings
from ecrkeeper_server.settings.element_sets import NO_KEYS
from ecrkeeper_server.settings.elements import Change, ChangeKind, keys_of
from ecrkeeper_server.settings.stored_elements import pairs_of
from ecrkeeper_server.settings.table import splitting_all
from ecrkeeper_server.store.causes import StoredCause
from ecrkeeper_server.store.declaration_pages import ListedDeclaration
from ecrkeeper_server.store.declarations import Stored, decoded
from ecrkeeper_server.store.findings import Findings, with_causes
from ecrkeeper_server.store.listing import Listed
from ecrkeeper_server.store.rows import Declaration, RegistryStatus, Resource, Revision
from ecrkeeper_server.store.state_parts import Condition, StoredDrift, StoredError
from ecrkeeper_server.store.states import State
from ecrkeeper_server.turns import Steps, finish

# Number of cached messages, and the maximum size of their rows: some 20 MB in total.
_CACHED, _CACHED_BYTES = 1024, 12_000


# A longer value is omitted if the same answer, or another call, has it.
_LONG_BYTES = 2_048
# Fields of a declaration that may be cut.
_CUTTABLE = ("drift", "takeovers", "settings.*")
# Settings and keys in changes that releases before 0.2.0 recorded with another name.
_RENAMED = {("registry", "foreign_elements"): "unmanaged_elements"}


def timestamp(micros: int | None) -> Any:
    """Return microseconds as a Timestamp; None stays unset."""
    if micros is None:
        return None
    return timestamp_pb2.Timestamp(seconds=micros // 1_000_000, nanos=micros % 1_000_000 * 1000)


def adding(items: Any, made: Iterable[Any], at_once: int = 4) -> Steps[None]:
    """Add messages to a list in steps of so many messages, which are made meanwhile."""
    for at, each in enumerate(made):
        if at % at_once == at_once - 1:
            yield
        items.append(each)


def value(plain: Any) -> struct_pb2.Value | None:
    """Return a JSON value as a Value; None stays unset."""
    return None if plain is None else value_of(plain)


@lru_cache(maxsize=1024)
def number(message: Any, enum: str, name: str | None) -> Any:
    """Return the number of a name in an enum of a message or module; 0 without a name."""
    return getattr(message, enum).Value(name) if name else 0


def common(message: Any, row: Resource) -> None:
    """Set the fields that every reconciled resource has."""
    message.name, message.uid, message.etag = row.name, row.uid, row.etag
    message.generation, message.observed_generation = row.generation, row.observed_generation
    message.create_time.CopyFrom(timestamp(row.create_time))
    message.update_time.CopyFrom(timestamp(row.update_time))
    message.reconciling = reconciling(row)
    state = State(row.state)
    status_fields(message, [*state.conditions, *Findings.from_json(row.events).conditions()], state.error)
    _add_attempts(message, row, state.error)
    add_next(message, row)
    message.drift.extend(drift(with_causes(row.events, state.drift)))


def reconciling(row: Resource) -> bool:
    """Return whether AWS does not yet match the desired state."""
    return row.observed_generation < row.generation or row.deleting


def status_fields(message: Any, conditions: Iterable[Condition], error: StoredError | None) -> None:
    """Set the conditions and the error of a resource, or of a declaration.

    `State.of_owner` has those of a declaration.
    """
    for condition in conditions:
        message.conditions.add(
            type=condition.type,
            status=number(common_pb2.Condition, "Status", condition.status),
            reason=condition.reason,
            message=condition.message,
            last_transition_time=timestamp(condition.since),
        )
    if error is not None:
        message.last_error.CopyFrom(status_of_stored(error))


def _add_attempts(message: Any, row: Resource, error: StoredError | None) -> None:
    if error is None:
        return
    message.last_error_attempts.CopyFrom(
        common_pb2.ErrorAttempts(
            first_time=timestamp(error.since),
            last_time=timestamp(row.failed_at),
            attempt_count=row.attempts,
        )
    )


def add_next(message: Any, row: Resource | RegistryStatus | Listed | ListedDeclaration) -> None:
    """Add the time of the next reconcile, if any."""
    if row.due_at is not None:
        message.next_reconcile_time.CopyFrom(timestamp(max(0, row.due_at)))


def drift(rows: Iterable[StoredDrift], *, complete: bool = False) -> Iterable[common_pb2.Drift]:
    """Return drift, with equal replication pairs as one.

    Omit long values unless `complete` is set.
    """
    found: list[common_pb2.Drift] = []
    finish(adding_drift(found, rows, complete=complete))
    return found


def adding_drift(items: Any, rows: Iterable[StoredDrift], *, complete: bool = False) -> Steps[None]:
    """Add drift to a list in steps; see `drift`."""
    found = yield from grouping(
        rows,
        lambda row: (row.setting, row.keys),
        lambda row: (
            row.kind,
            row.desired,
            row.observed,
            row.since,
            list(row.owners or ()),
            row.omitted_owners,
            None if row.cause is None else row.cause.to_json(),
        ),
    )
    yield from adding(items, (_drift(row, *group, complete=complete) for row, group in found))


def _drift(
    row: StoredDrift, key: str, pairs: common_pb2.ReplicationPairs | None, *, complete: bool
) -> common_pb2.Drift:
    desired, observed, omitted = _short_values(row.desired, row.observed, complete=complete)
    return common_pb2.Drift(
        setting=row.setting,
        key=key,
        kind=number(common_pb2.Drift, "Kind", row.kind),
        desired=desired,
        observed=observed,
        since=timestamp(row.since),
        owners=row.owners or (),
        omitted_owners=row.omitted_owners,
        cause=cause(row.cause) if row.cause else None,
        pairs=pairs,
        values_omitted=omitted,
    )


def cause(stored: StoredCause) -> common_pb2.Cause:
    """Return the message of a cause of drift."""
    return common_pb2.Cause(
        principal=stored.principal,
        session=stored.session,
        source_ip=stored.source_ip,
        user_agent=stored.user_agent,
        event_id=stored.event_id,
        event_time=timestamp(stored.event_time),
        confidence=number(common_pb2.Cause, "Confidence", stored.confidence),
        invoked_by=stored.invoked_by,
        installation=stored.installation,
    )


def changes(recorded: Iterable[Change], *, complete: bool = False) -> Iterable[common_pb2.ElementChange]:
    """Return changes of elements, with equal replication pairs as one.

    Omit long values unless `complete` is set.
    """
    found: list[common_pb2.ElementChange] = []
    finish(adding_changes(found, recorded, complete=complete))
    return found


def adding_changes(items: Any, recorded: Iterable[Change], *, complete: bool = False) -> Steps[None]:
    """Add changes to a list in steps; see `changes`."""
    found = yield from grouping(
        recorded, lambda each: (each.setting, each.keys), lambda each: (str(each.kind), each.before, each.after)
    )
    yield from adding(items, (_change(change, *group, complete=complete) for change, group in found))


def _change(
    change: Change, key: str, pairs: common_pb2.ReplicationPairs | None, *, complete: bool
) -> common_pb2.ElementChange:
    before, after, omitted = _short_values(change.before, change.after, complete=complete)
    return common_pb2.ElementChange(
        setting=change.setting,
        key=key,
        kind=number(common_pb2.ElementChange, "Kind", str(change.kind)),
        before=before,
        after=after,
        pairs=pairs,
        values_omitted=omitted,
    )


def short_value(plain: Any) -> tuple[struct_pb2.Value | None, bool]:
    """Return a value and False, or None and True if it is long."""
    message = value(plain)
    return (None, True) if message is not None and message.ByteSize() > _LONG_BYTES else (message, False)


def _short_values(one: Any, other: Any, *, complete: bool) -> tuple[Any, Any, bool]:
    if complete:
        return value(one), value(other), False
    (first, omitted), (second, omitted_too) = short_value(one), short_value(other)
    return first, second, omitted or omitted_too


def adding_stored_changes(items: Any, rows: Iterable[Mapping[str, Any]]) -> Steps[None]:
    """Add the changes of an audit event to a list; translate the words of 0.1.0."""
    found = (
        Change(**{**row, "kind": ChangeKind(row["kind"]), "key": _key(row), "pairs": pairs_of(row)}) for row in rows
    )
    # No other element has these values.
    return adding_changes(items, found, complete=True)


def _key(row: Mapping[str, Any]) -> str:
    key: str = row["key"]
    return _RENAMED.get((row["setting"], key), key)


def settings(declared: Declaration, row: Resource | RegistryStatus) -> registry_pb2.RegistrySettings:
    """Return one owner's declaration, with its status in the registry."""
    return finish(settings_steps(declared, row))


def settings_steps(declared: Declaration, row: Resource | RegistryStatus) -> Steps[registry_pb2.RegistrySettings]:
    """Return the same in steps."""
    message = registry_pb2.RegistrySettings(
        name=str(declared.name),
        uid=declared.uid,
        etag=declared.etag,
        generation=declared.generation,
        observed_generation=declared.observed_generation,
        create_time=timestamp(declared.create_time),
        update_time=timestamp(declared.update_time),
        reconciling=declared.observed_generation < declared.generation,
        deletion_policy=number(common_pb2, "DeletionPolicy", declared.deletion_policy),
        allow_replacement=declared.allow_replacement,
        managed_by=declared.managed_by or "",
        apply_group=declared.apply_group or "",
    )
    yield from filling_settings(message.settings, declared.settings)
    state = State(row.state)
    own = state.of_owner(declared.owner)
    status_fields(message, own.conditions, own.error)
    add_next(message, row)
    if state.drifted:
        elements = yield from splitting_all(declared.settings)
        mine = {name: keys_of(found) for name, found in elements.items()}
        own_drift: list[StoredDrift] = []
        for each in state.drift:
            yield
            own_drift += each.among(mine.get(each.setting, NO_KEYS))
        yield from adding_drift(message.drift, with_causes(row.events, own_drift))
    yield
    # Most declarations are short, and the longest ones take a millisecond to measure.
    if message.ByteSize() > RESOURCE_BYTES:
        yield from fitting(message, RESOURCE_BYTES, _CUTTABLE)
    return message


def with_takeovers(
    message: registry_pb2.RegistrySettings, takeovers: Iterable[Takeover]
) -> registry_pb2.RegistrySettings:
    """Return a declaration with the elements that it takes over; cut it until it fits."""
    items = grouped(takeovers, lambda each: (each.setting, each.keys), lambda each: (each.owner, each.value))
    for each, (key, pairs) in items:
        shown, omitted = short_value(each.value)
        message.takeovers.add(
            owner=each.owner, setting=each.setting, key=key, value=shown, value_omitted=omitted, pairs=pairs
        )
    if message.takeovers:
        fit(message, RESOURCE_BYTES, _CUTTABLE)
    return message


def is_long(row: Stored) -> bool:
    """Return whether a stored row is too long for the cache."""
    return sum(len(column) for column in row if isinstance(column, str)) > _CACHED_BYTES


def with_plan(message: registry_pb2.RegistrySettings, plan: common_pb2.Plan) -> Steps[registry_pb2.RegistrySettings]:
    """Return a declaration with a plan; cut both until they fit, in steps."""
    message.plan.CopyFrom(plan)
    yield
    yield from fitting(message, RESOURCE_BYTES, _CUTTABLE)
    return message


@lru_cache(maxsize=_CACHED)
def short(row: Stored) -> Answer[registry_pb2.RegistrySettings]:
    """Return the declaration of a stored row that is not long, as an answer.

    Callers that poll a declaration mostly get the same row as before.
    """
    # Without the message, which takes more memory and which gRPC does not need.
    return Answer(registry_pb2.RegistrySettings, settings(*decoded(row)).SerializeToString())


def revision_steps(row: Revision, diff: Iterable[Change]) -> Steps[registry_pb2.RegistrySettingsRevision]:
    """Return one revision with its changes, in steps."""
    message = registry_pb2.RegistrySettingsRevision(
        revision=row.revision,
        create_time=timestamp(row.create_time),
        principal=row.principal,
        request_id=row.request_id,
        reason=row.reason,
        method=row.method,
        deletion_policy=number(common_pb2, "DeletionPolicy", row.deletion_policy),
        allow_replacement=row.allow_replacement,
    )
    yield from adding_changes(message.changes, diff)
    if row.settings is not None:
        yield from filling_settings(message.settings, row.settings)
    yield from fitting(message, RESOURCE_BYTES, ("changes", "settings.*"))
    return message
