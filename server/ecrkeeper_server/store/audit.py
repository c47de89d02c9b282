"""Queries on the audit trail: record, read one event, purge."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Self

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import BigInteger, ColumnElement, delete, func, insert, select

from ecrkeeper_server.json_object import Json
from ecrkeeper_server.settings.elements import Change, ChangeKind, apart
from ecrkeeper_server.settings.stored_elements import pairs_json, pairs_of
from ecrkeeper_server.store.causes import StoredCause
from ecrkeeper_server.store.clock import DAY
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.dialect import Dialect
from ecrkeeper_server.store.json_columns import json_rows, json_text, writing_json
from ecrkeeper_server.store.long_json import LongJson, reading, value_of
from ecrkeeper_server.store.rows import FromRow
from ecrkeeper_server.store.tables import audit_events
from ecrkeeper_server.turns import Steps

CHANGED = "auditEvents"
"""The name that listeners receive when there are new events."""

PURGED_AT_ONCE = 1000
# Limits an event's changes, in characters of JSON: a page of events must fit into an answer.
CHANGES_LIMIT = 200_000
# Changes of a step.
_AT_ONCE = 50


# Settings and keys that releases before 0.2.0 recorded with another name.
_RENAMED = {("registry", "foreign_elements"): "unmanaged_elements"}


class StoredChange(Change, frozen=True):
    """A change of an event: of one element, or of pairs of which `key` is the first."""

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Parse a stored change; translate the words of 0.1.0."""
        setting, key, kind = stored["setting"], stored["key"], ChangeKind(stored["kind"])
        key = _RENAMED.get((setting, key), key)
        return cls(setting, key, kind, stored["before"], stored["after"], pairs_of(stored))

    def to_json(self) -> Json:
        """Return the stored form."""
        return {
            "setting": self.setting,
            "key": self.key,
            "kind": str(self.kind),
            "before": self.before,
            "after": self.after,
            **({} if self.pairs is None else pairs_json(self.pairs)),
        }


class BoundedChanges(Struct, frozen=True):
    """The stored form of the changes that fit, and the number of the others."""

    changes: Any
    omitted: int


class AuditEvent(FromRow, Struct, frozen=True):
    """A call that was accepted, or a write to AWS.

    `changes` are element by element, and not parsed yet if they are long. Some reads leave long ones out, as None,
    and return their `size` in bytes of JSON.
    """

    id: int
    txid: int
    kind: str
    create_time: int
    complete_time: int | None
    principal: str
    method: str
    resource: str
    account: str
    region: str
    owners: list[str]
    request_id: str
    call_id: str
    reconcile_id: str
    generation: int
    reason: str
    changes: list[Json] | LongJson | None
    omitted: int
    outcome: str
    aws_error_code: str
    aws_request_id: str
    cause: Json | None = None
    size: int = 0

    @property
    def stored_cause(self) -> StoredCause | None:
        """The cause of the drift that an AWS write reverted."""
        return StoredCause.from_json(self.cause) if self.cause else None

    @property
    def stored_changes(self) -> Iterator[StoredChange]:
        """The changes, converted one by one: an event may have thousands."""
        return map(StoredChange.from_json, self.json_changes)

    @property
    def json_changes(self) -> list[Json]:
        """The changes as JSON.

        Long ones are parsed at once unless `parsing` did so before.
        """
        if self.changes is None:
            raise AssertionError(f"the changes of event {self.id} are not read")
        stored: Any = self.changes
        value: Any = value_of(stored)
        changes: list[Json] = value
        return changes

    def parsing(self) -> Steps[AuditEvent]:
        """Return the event with its changes parsed, in steps.

        The event itself keeps the text: many events of a stream are in memory after they were rendered.
        """
        if not isinstance(self.changes, LongJson):
            return self
        return replace(self, changes=(yield from reading(self.changes.stored)))


class NewEvent(Struct, frozen=True, kw_only=True):
    """An event to record; see the columns of the table."""

    kind: str
    method: str
    resource: str
    account: str = ""
    region: str = ""
    principal: str = ""
    owners: Sequence[str] = ()
    request_id: str = ""
    call_id: str = ""
    reconcile_id: str = ""
    generation: int = 0
    reason: str = ""
    changes: Sequence[Change] | BoundedChanges = ()
    outcome: str = "SUCCEEDED"
    aws_error_code: str = ""
    aws_request_id: str = ""


_COLUMNS = (*NewEvent.__struct_fields__, "omitted")


class Selection(Struct, frozen=True):
    """The filter on a time range, in microseconds, and an account; None matches all."""

    start: int | None = None
    end: int | None = None
    account: str | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the conditions on a row."""
        conditions: list[ColumnElement[bool]] = []
        if self.start is not None:
            conditions.append(audit_events.c.create_time >= self.start)
        if self.end is not None:
            conditions.append(audit_events.c.create_time < self.end)
        if self.account is not None:
            conditions.append(audit_events.c.account == self.account)
        return conditions

    def has(self, event: AuditEvent) -> bool:
        """Return whether an event meets the conditions."""
        begun = self.start is None or event.create_time >= self.start
        ended = self.end is not None and event.create_time >= self.end
        return begun and not ended and self.account in (None, event.account)


def writing(events: Iterable[NewEvent]) -> Steps[list[NewEvent]]:
    """Return events with changes as they are stored, in steps.

    The transaction then need not make them.
    """
    written: list[NewEvent] = []
    for event in events:
        changes = event.changes
        if not isinstance(changes, BoundedChanges):
            kept: list[Json] = []
            used = omitted = 0
            for start in range(0, len(changes), _AT_ONCE):
                yield
                used, more = _keep(changes[start : start + _AT_ONCE], kept, used)
                omitted += more
            changes = BoundedChanges((yield from writing_json(kept)), omitted)
        written.append(replace(event, changes=changes))
    return written


def add(tx: Tx, events: Sequence[NewEvent]) -> None:
    """Add events without returning their ids."""
    if events:
        tx.insert_rows(audit_events, [_values(event) for event in events], _stamp)
        tx.changed.add(CHANGED)


def record(tx: Tx, events: Sequence[NewEvent]) -> list[int]:
    """Add events with one statement; return their ids in order."""
    if len(events) == 1:
        tx.changed.add(CHANGED)
        number: int = tx.conn.execute(_insert_one(tx.dialect), _values(events[0])).scalar_one()
        return [number]
    if not events:
        return []
    tx.changed.add(CHANGED)
    added = tx.conn.execute(_insert_all(tx.dialect), json_rows(map(_numbered, range(len(events)), events)))
    # The rows are numbered in order, but may be returned in another one.
    return sorted(row.id for row in added)


# Building the statement would take longer than running it.
@lru_cache(maxsize=64)
def _insert_one(dialect: Dialect) -> Any:
    return insert(audit_events).values(_stamp(dialect)).returning(audit_events.c.id)


@lru_cache(maxsize=64)
def _insert_all(dialect: Dialect) -> Any:
    events = dialect.json_table({"at": BigInteger(), **{name: audit_events.c[name].type for name in _COLUMNS}})
    stamp = _stamp(dialect)
    rows = select(*(events.c[name] for name in _COLUMNS), *stamp.values()).order_by(events.c.at)
    return insert(audit_events).from_select([*_COLUMNS, *stamp], rows).returning(audit_events.c.id)


def _numbered(at: int, event: NewEvent) -> dict[str, Any]:
    values = _values(event)
    return {**values, "at": at, "owners": json_text(values["owners"]), "changes": json_text(values["changes"])}


def _stamp(dialect: Dialect) -> dict[str, ColumnElement[int]]:
    return {"txid": dialect.transaction_id(audit_events.c.txid), "create_time": dialect.now()}


def _values(event: NewEvent) -> dict[str, Any]:
    changes: Any = event.changes
    if isinstance(changes, BoundedChanges):
        stored, omitted = changes.changes, changes.omitted
    else:
        stored = list[Json]()
        _, omitted = _keep(changes, stored)
    members = {name: getattr(event, name) for name in event.__struct_fields__}
    return {**members, "owners": list(event.owners), "changes": stored, "omitted": omitted}


def _keep(changes: Iterable[Change], kept: list[Json], used: int = 0) -> tuple[int, int]:
    """Add the stored form of changes that fit.

    Return the characters that are used then, and the number of the other changes.
    """
    omitted = 0
    for change in changes:
        if used > CHANGES_LIMIT:
            omitted += len(change.keys)
            continue
        for key, pairs in apart(change.keys):
            row = StoredChange(change.setting, key, change.kind, change.before, change.after, pairs).to_json()
            used += len(json.dumps(row))
            if used > CHANGES_LIMIT:
                omitted += 1 if pairs is None else len(pairs)
            else:
                kept.append(row)
    return used, omitted


def get(tx: Tx, event: int) -> AuditEvent | None:
    """Return one event."""
    row = tx.conn.execute(select(audit_events).where(audit_events.c.id == event)).one_or_none()
    return AuditEvent.of(row) if row else None


def purge(tx: Tx, days: int) -> int:
    """Delete some of the oldest events that exceed the retention; return the number.

    The newest row stays: SQLite derives transaction numbers from it.
    """
    oldest = select(audit_events.c.id, audit_events.c.create_time).order_by(
        audit_events.c.create_time, audit_events.c.id
    )
    some = oldest.limit(PURGED_AT_ONCE).subquery()
    newest = select(func.max(audit_events.c.txid)).scalar_subquery()
    old = select(some.c.id).where(some.c.create_time < tx.now() - days * DAY)
    gone = tx.conn.execute(
        delete(audit_events)
        .where(audit_events.c.id.in_(old), audit_events.c.txid < newest)
        .returning(audit_events.c.id)
    )
    return len(gone.all())
