"""Messages of drift and of changes of elements."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ecrkeeper.v1 import common_pb2
from google.protobuf import struct_pb2

from ecrkeeper_server.api.messages.fields import adding, number, timestamp, value
from ecrkeeper_server.api.messages.groups import grouping
from ecrkeeper_server.settings.elements import Change
from ecrkeeper_server.store.audit import StoredChange
from ecrkeeper_server.store.causes import StoredCause
from ecrkeeper_server.store.stored_drift import StoredDrift
from ecrkeeper_server.turns import Steps, finish

# A longer value is omitted if the same answer, or another call, has it.
_LONG_BYTES = 2_048


def drift(rows: Iterable[StoredDrift], *, complete: bool = False) -> Iterable[common_pb2.Drift]:
    """Return drift, with equal replication pairs as one.

    Omit long values unless `complete` is set.
    """
    items: list[common_pb2.Drift] = []
    finish(adding_drift(items, rows, complete=complete))
    return items


def adding_drift(items: Any, rows: Iterable[StoredDrift], *, complete: bool = False) -> Steps[None]:
    """Add drift to a list in steps; see `drift`."""
    groups = yield from grouping(
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
    yield from adding(items, (_drift(row, *group, complete=complete) for row, group in groups))


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
    items: list[common_pb2.ElementChange] = []
    finish(adding_changes(items, recorded, complete=complete))
    return items


def adding_changes(items: Any, recorded: Iterable[Change], *, complete: bool = False) -> Steps[None]:
    """Add changes to a list in steps; see `changes`."""
    groups = yield from grouping(
        recorded, lambda each: (each.setting, each.keys), lambda each: (str(each.kind), each.before, each.after)
    )
    yield from adding(items, (_change(change, *group, complete=complete) for change, group in groups))


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


def adding_stored_changes(items: Any, stored: Iterable[StoredChange]) -> Steps[None]:
    """Add the changes of an audit event to a list."""
    # No other element has these values.
    return adding_changes(items, stored, complete=True)
