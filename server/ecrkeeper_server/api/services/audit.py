"""AuditService."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from ecrkeeper.v1 import audit_pb2
from ecrkeeper.v1 import audit_service_pb2 as pb
from ecrkeeper.v1.audit_service_pb2_grpc import AuditServiceServicer
from msgspec.structs import replace

from ecrkeeper_server.api.layers.layer import Context
from ecrkeeper_server.api.messages import differences, fields
from ecrkeeper_server.api.messages.answer import Answer
from ecrkeeper_server.api.messages.serializing import answered
from ecrkeeper_server.api.services.audit_tail import BATCH, AuditTail
from ecrkeeper_server.api.services.context import Dependencies
from ecrkeeper_server.api.services.filters import Fields, enum_choice, equal_to, matcher
from ecrkeeper_server.api.services.pages import everything, scan, showing
from ecrkeeper_server.errors import InvalidArgument, NotFound, Violation
from ecrkeeper_server.names import parse_audit_event
from ecrkeeper_server.settings.elements import cost
from ecrkeeper_server.store import audit, audit_pages, audit_stream
from ecrkeeper_server.store.audit import AuditEvent, Selection
from ecrkeeper_server.store.audit_stream import Cursor, cursor_of
from ecrkeeper_server.store.large_rows import size_of
from ecrkeeper_server.store.long_json import LongJson
from ecrkeeper_server.turns import Steps, work

_PLAIN = (
    "account", "call_id", "method", "principal", "reconcile_id", "region", "request_id", "resource",
    "aws_request_id",
)  # fmt: skip


def _field(name: str) -> Callable[[AuditEvent], list[str]]:
    return lambda row: [getattr(row, name)]


_FIELDS: Fields = {
    **{name: _field(name) for name in _PLAIN},
    "kind": enum_choice(audit_pb2.AuditEvent.Kind, _field("kind")),
    "outcome": enum_choice(audit_pb2.AuditEvent.Outcome, _field("outcome")),
    "owner": lambda row: row.owners,
}
# 0001-01-01 and 9999-12-31, the range of a Timestamp, in seconds.
_FIRST, _LAST = -62_135_596_800, 253_402_300_799
_QUIET_SECONDS = 30.0


class Audit(AuditServiceServicer):
    """The audit trail."""

    def __init__(self, deps: Dependencies) -> None:
        self._deps = deps
        self._tail = AuditTail(deps.db, deps.changes, deps.turns, _answer, _answer_steps)

    async def GetAuditEvent(self, request: pb.GetAuditEventRequest, context: Context) -> audit_pb2.AuditEvent:
        """Return one event."""
        number = parse_audit_event(request.name)
        row = await self._deps.db.read(lambda tx: audit.get(tx, number))
        if row is None:
            raise NotFound("AuditEvent", request.name, "events expire after `audit_retention_days`")
        return await _message(row)

    async def ListAuditEvents(self, request: pb.ListAuditEventsRequest, context: Context) -> pb.ListAuditEventsResponse:
        """List events."""
        meets, page = matcher(request.filter, _FIELDS), await self._deps.page(request, [0, 0])
        selection = _selection(request)

        async def fetch(after: list[int], limit: int) -> list[AuditEvent]:
            behind = (after[0], after[1]) if after != [0, 0] else None
            return await self._deps.db.read_then_parse(
                lambda tx: audit_pages.reading_page(tx, selection, behind, limit)
            )

        async def show(rows: Sequence[AuditEvent]) -> list[audit_pb2.AuditEvent | None]:
            complete = await self._with_changes(rows)
            existing = [row for row in complete if row is not None]
            messages = iter(await work().run(showing(existing, _steps, _cost)))
            return [None if row is None else next(messages) for row in complete]

        events, token = await scan(
            fetch, page, meets, lambda row: [row.create_time, row.id], everything, show, maximum=BATCH, weigh=size_of
        )
        return pb.ListAuditEventsResponse(audit_events=events, next_page_token=token)

    async def _with_changes(self, rows: Sequence[AuditEvent]) -> list[AuditEvent | None]:
        """Return events with long changes; None for one that was deleted since."""
        long = [row for row in rows if row.changes is None]
        if not long:
            return list(rows)
        await work().hold(sum(map(size_of, long)))
        ids = [row.id for row in long]
        changes = await self._deps.db.read_in_turns(lambda tx: audit_pages.reading_changes(tx, ids))
        return await work().run(_completing(rows, changes))

    async def WatchAuditEvents(  # type: ignore[override]  # an Answer has the bytes of the message
        self, request: pb.WatchAuditEventsRequest, context: Context
    ) -> AsyncIterator[pb.WatchAuditEventsResponse | Answer[pb.WatchAuditEventsResponse]]:
        """Stream events."""
        meets, selection = matcher(request.filter, _FIELDS), _selection(request)
        clock = asyncio.get_running_loop().time
        cursor = await self._begin(request, selection)
        yield pb.WatchAuditEventsResponse(resume_token=_token(cursor))
        sent_at = clock()
        async with aclosing(self._tail.after(cursor, selection)) as parts:  # type: ignore[type-var]
            async for events, cursor in parts:
                for event in events:
                    if meets(event.row):
                        yield await event.answer()
                        sent_at = clock()
                if clock() - sent_at >= _QUIET_SECONDS:
                    yield pb.WatchAuditEventsResponse(resume_token=_token(cursor))
                    sent_at = clock()

    async def _begin(self, request: pb.WatchAuditEventsRequest, selection: Selection) -> Cursor:
        present = await self._deps.db.read(audit_stream.now)
        if request.resume_token:
            cursor = _cursor(request.resume_token)
            if cursor > await self._deps.db.read(audit_stream.newest_possible):
                raise _bad_token("belongs to another database; begin with `start_time`")
            return cursor
        if selection.start is None:
            return present
        start = selection.start
        return min(present, await self._deps.db.read_in_turns(lambda tx: audit_stream.beginning(tx, start)))


def _selection(request: Any) -> Selection:
    """Return the part of a query that the database evaluates."""
    errors: list[Violation] = []
    start, end = (_micros(request, name, errors) for name in ("start_time", "end_time"))
    if errors:
        raise InvalidArgument(errors)
    return Selection(start, end, equal_to(request.filter, _FIELDS, "account"))


def _micros(request: Any, name: str, errors: list[Violation]) -> int | None:
    if name not in request.DESCRIPTOR.fields_by_name or not request.HasField(name):
        return None
    time = getattr(request, name)
    if not (_FIRST <= time.seconds <= _LAST and 0 <= time.nanos < 10**9):
        errors.append(Violation(name, f"must be from year 1 to 9999, got {time.seconds} s and {time.nanos} ns"))
        return None
    return int(time.seconds * 1_000_000 + time.nanos // 1000)


def _token(cursor: Cursor) -> str:
    return base64.urlsafe_b64encode(json.dumps(cursor).encode()).decode()


def _cursor(token: str) -> Cursor:
    try:
        txid, number = json.loads(base64.urlsafe_b64decode(token.encode("ascii")))
    except (TypeError, ValueError, binascii.Error, UnicodeError, RecursionError):
        txid, number = None, None
    if not all(type(part) is int and 0 <= part < 2**63 for part in (txid, number)):
        raise _bad_token("is not a token of this stream; pass `resume_token` unchanged")
    return txid, number


def _bad_token(description: str) -> InvalidArgument:
    return InvalidArgument([Violation("resume_token", description)])


async def _parsed(row: AuditEvent) -> AuditEvent:
    return await work().run(row.parsing()) if isinstance(row.changes, LongJson) else row


async def _message(row: AuditEvent) -> audit_pb2.AuditEvent:
    row = await _parsed(row)
    return await work().charged(_steps(row), _cost(row))


async def _answer(row: AuditEvent) -> Answer[pb.WatchAuditEventsResponse]:
    row = await _parsed(row)
    return await answered(await work().charged(_answer_steps(row), _cost(row)))


def _cost(row: AuditEvent) -> int:
    changes = row.json_changes
    return len(changes) + cost(changes)


def _completing(rows: Sequence[AuditEvent], changes: Mapping[int, LongJson]) -> Steps[list[AuditEvent | None]]:
    """Return events with their changes, parsed in steps."""
    complete: list[AuditEvent | None] = []
    for row in rows:
        if row.changes is not None:
            complete.append(row)
        elif row.id in changes:
            yield
            complete.append((yield from replace(row, changes=changes[row.id]).parsing()))
        else:
            complete.append(None)
    return complete


def _steps(row: AuditEvent) -> Steps[audit_pb2.AuditEvent]:
    message = _without_changes(row)
    yield from differences.adding_stored_changes(message.changes, row.stored_changes)
    return message


def _answer_steps(row: AuditEvent) -> Steps[pb.WatchAuditEventsResponse]:
    row = yield from row.parsing()
    # The changes are added in place: a message copies the one that it is made of.
    answer = pb.WatchAuditEventsResponse(audit_event=_without_changes(row), resume_token=_token(cursor_of(row)))
    yield from differences.adding_stored_changes(answer.audit_event.changes, row.stored_changes)
    return answer


def _without_changes(row: AuditEvent) -> audit_pb2.AuditEvent:
    return audit_pb2.AuditEvent(
        name=f"auditEvents/{row.id}",
        kind=fields.number(audit_pb2.AuditEvent, "Kind", row.kind),
        create_time=fields.timestamp(row.create_time),
        complete_time=fields.timestamp(row.complete_time),
        principal=row.principal,
        method=row.method,
        resource=row.resource,
        account=row.account,
        region=row.region,
        owners=row.owners,
        request_id=row.request_id,
        call_id=row.call_id,
        reconcile_id=row.reconcile_id,
        generation=row.generation,
        reason=row.reason,
        omitted_changes=row.omitted,
        outcome=fields.number(audit_pb2.AuditEvent, "Outcome", row.outcome),
        aws_error_code=row.aws_error_code,
        aws_request_id=row.aws_request_id,
        cause=None if row.stored_cause is None else differences.cause(row.stored_cause),
    )
