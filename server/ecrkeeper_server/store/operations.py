"""Queries on long-running operations and answered requests."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Column, ColumnElement, Select, Text, and_, delete, insert, select, update

from ecrkeeper_server.errors import AlreadyExists, Unavailable
from ecrkeeper_server.store import resources
from ecrkeeper_server.store.audit import PURGED_AT_ONCE
from ecrkeeper_server.store.clock import DAY
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.dialect import Dialect
from ecrkeeper_server.store.json_columns import json_rows
from ecrkeeper_server.store.large_rows import reading_rows
from ecrkeeper_server.store.operation_bounds import has_room, may_begin, too_many_pending, too_many_principals
from ecrkeeper_server.store.operation_metadata import OperationMetadata
from ecrkeeper_server.store.rows import Method, Operation, Request, Resource
from ecrkeeper_server.store.state_parts import StoredError
from ecrkeeper_server.store.tables import operations, requests
from ecrkeeper_server.store.uids import new_uid
from ecrkeeper_server.turns import Steps

_NO_METADATA = OperationMetadata({})


def create(
    tx: Tx, method: str, target: Resource, metadata: OperationMetadata = _NO_METADATA, *, caller: str = ""
) -> Operation:
    """Begin an operation for `caller` that an attempt on `target` ends."""
    row = tx.conn.execute(
        insert(operations)
        .values(
            id=str(uuid.uuid4()),
            method=method,
            target=target.name,
            requested=target.requested,
            generation=target.generation,
            metadata=metadata.with_callers([caller] if caller else ()).to_json(),
            done=False,
            create_time=tx.now(),
        )
        .returning(operations)
    ).one()
    return Operation.of(row)


def create_all(tx: Tx, method: str, targets: Sequence[Resource], *, caller: str = "") -> None:
    """Begin an operation for `caller` on each of the targets.

    Leave out those on which it has begun too many.
    """
    waiting = pending_of(tx, [each.name for each in targets]) if targets else {}
    values = (
        {"method": method, "target": each.name, "requested": each.requested, "generation": each.generation}
        for each in targets
        if may_begin(waiting.get(each.name, ()), caller)
    )
    more = {"metadata": _NO_METADATA.with_callers([caller] if caller else ()).to_json(), "done": False}
    tx.insert_rows(operations, [{"id": new_uid(), **each, **more} for each in values], _created)


def _created(dialect: Dialect) -> dict[str, ColumnElement[int]]:
    return {"create_time": dialect.now()}


def join(tx: Tx, operation: Operation, caller: str) -> None:
    """Add a principal to a running operation.

    Raises ResourceExhausted if it has too many.
    """
    if not has_room(operation, caller):
        raise too_many_principals(operation)
    metadata = OperationMetadata(operation.metadata)
    if caller and caller not in metadata.callers:
        joined = metadata.with_callers([*metadata.callers, caller])
        tx.conn.execute(update(operations).where(operations.c.id == operation.id).values(metadata=joined.to_json()))


def is_for(operation: Operation, caller: str) -> bool:
    """Return whether a principal requested an operation; never for anonymous ones."""
    return bool(caller) and caller in callers(operation)


def callers(operation: Operation) -> list[str]:
    """Return the principals that requested an operation, the first one first."""
    return list(OperationMetadata(operation.metadata).callers)


def reconcile(tx: Tx, method: str, target: Resource, *, caller: str = "") -> Operation:
    """Return an operation of the next attempt on a locked resource, new or waiting.

    Raises ResourceExhausted if the caller began too many that wait.
    """
    waiting = pending(tx, target.name, method)
    shared = [each for each in waiting if each.requested == target.requested and not _begun(target, each)]
    for operation in shared:
        if has_room(operation, caller):
            resources.enqueue_now(tx, target.name)
            join(tx, operation, caller)
            return operation
    if not may_begin(waiting, caller):
        raise too_many_pending(target.name)
    if shared:
        # Each has all the principals that it may have; one more operation waits for the same attempt.
        resources.enqueue_now(tx, target.name)
        row = target
    else:
        row = resources.request(tx, target.name)
    return create(tx, method, row, OperationMetadata.requested_during(row.lease_token), caller=caller)


def _begun(target: Resource, operation: Operation) -> bool:
    """Return whether the attempt that an operation waits for may have begun."""
    # Without a lease no attempt runs. With the same lease, the running attempt began before.
    return target.lease_token is not None and target.lease_token != OperationMetadata(operation.metadata).lease


def get(tx: Tx, operation: str) -> Operation | None:
    """Return one operation."""
    row = tx.conn.execute(select(operations).where(operations.c.id == operation)).one_or_none()
    return Operation.of(row) if row else None


def pending(tx: Tx, target: str, method: str | None = None) -> list[Operation]:
    """Return the unfinished operations on a resource, oldest first."""
    query = select(operations).where(operations.c.target == target, operations.c.done.is_(False))
    if method is not None:
        query = query.where(operations.c.method == method)
    return [Operation.of(row) for row in tx.conn.execute(query.order_by(operations.c.create_time))]


def pending_of(tx: Tx, targets: Iterable[str]) -> dict[str, list[Operation]]:
    """Return the unfinished operations on each of some resources, oldest first."""
    by_target: dict[str, list[Operation]] = {}
    for row in tx.conn.execute(_pending_of(tx.dialect), json_rows({"target": each} for each in targets)):
        by_target.setdefault(row.target, []).append(Operation.of(row))
    return by_target


@lru_cache(maxsize=64)
def _pending_of(dialect: Dialect) -> Select[Any]:
    targets = dialect.json_table({"target": Text()})
    wanted = and_(operations.c.target == targets.c.target, operations.c.done.is_(False))
    return select(operations).join_from(targets, operations, wanted).order_by(operations.c.create_time)


def of_target(tx: Tx, target: str, method: str) -> list[Operation]:
    """Return all stored operations of a method on a resource, newest first."""
    query = select(operations).where(operations.c.target == target, operations.c.method == method)
    return [Operation.of(row) for row in tx.conn.execute(query.order_by(operations.c.create_time.desc()))]


def reading_page(tx: Tx, after: str, limit: int) -> Steps[Steps[list[Operation]]]:
    """Read operations by id, after `after`, and return the steps that parse them."""

    def page(query: Select[Any]) -> Select[Any]:
        return query.where(operations.c.id > after).order_by(operations.c.id).limit(limit)

    return reading_rows(tx, operations, page, Operation)


def progress(tx: Tx, operation: Operation, metadata: OperationMetadata) -> None:
    """Store the progress of an operation, and keep principals added since the read."""
    present = get(tx, operation.id)
    if present is not None:
        metadata = metadata.with_callers(callers(present))
    tx.conn.execute(update(operations).where(operations.c.id == operation.id).values(metadata=metadata.to_json()))
    tx.changes(f"operations/{operation.id}")


def end(
    tx: Tx,
    operation: Operation,
    *,
    error: StoredError | None = None,
    response: dict[str, Any] | None = None,
    metadata: OperationMetadata | None = None,
) -> None:
    """End an operation, once, with an error or a response."""
    tx.conn.execute(
        update(operations)
        .where(operations.c.id == operation.id, operations.c.done.is_(False))
        .values(
            done=True,
            error=None if error is None else error.to_json(),
            response=response,
            done_time=tx.now(),
            **({} if metadata is None else {"metadata": metadata.to_json()}),
        )
    )
    tx.changes(f"operations/{operation.id}")


def remove(tx: Tx, operation: str) -> None:
    """Delete an operation."""
    tx.conn.execute(delete(operations).where(operations.c.id == operation))


def find_response(tx: Tx, request_id: str, method: str, fingerprint: str) -> Request | None:
    """Return the first call with this request id, or None.

    Raises AlreadyExists if that was another call.
    """
    if not request_id:
        return None
    row = tx.conn.execute(select(requests).where(requests.c.request_id == request_id.lower())).one_or_none()
    return repeated(Request.of(row) if row else None, method, fingerprint)


def repeated(first: Request | None, method: str, fingerprint: str) -> Request | None:
    """Return the first call with a request id.

    Raises AlreadyExists if it was another call than this one.
    """
    if first is not None and (first.method, first.fingerprint) != (method, fingerprint):
        raise AlreadyExists(
            f"request_id {first.request_id} was used before by a {first.method} call with other content; "
            "use a new UUID for each new call",
            reason="REQUEST_ID_REUSED",
        )
    return first


def save_response(tx: Tx, request_id: str, method: str, fingerprint: str, result: str) -> None:
    """Store the response of a call for its retries, for a day."""
    if not request_id:
        return
    values = {"method": method, "fingerprint": fingerprint, "result": result, "create_time": tx.now()}
    change = tx.dialect.insert_or_ignore(requests).values(request_id=request_id.lower(), **values)
    stored = tx.conn.execute(change.returning(requests.c.request_id)).first()
    if stored is None:
        # Two concurrent calls have one id, and the other one was first.
        find_response(tx, request_id, method, fingerprint)
        raise Unavailable("a call with this request_id is still running; retry", reason="REQUEST_RUNNING")


# ECR forgets backfills after 90 days; they are kept longer here.
_KEPT_LONGER = Method.START_BACKFILL


def purge(tx: Tx) -> bool:
    """Delete some old rows.

    Operations are kept for a week, backfills for a year, and requests for a day. Return whether there may be more:
    SQLite has one writer, and all other writes wait for this one.
    """
    ended, called, day = operations.c.done_time, requests.c.create_time, tx.now() - DAY
    week, year = tx.now() - 7 * DAY, tx.now() - 365 * DAY
    old = (
        (operations.c.id, ended, and_(ended < week, operations.c.method != _KEPT_LONGER)),
        (operations.c.id, ended, ended < year),
        (requests.c.request_id, called, called < day),
    )
    # Only until a statement is full: the next purge goes on.
    return any(_purged(tx, *each) == PURGED_AT_ONCE for each in old)


def _purged(tx: Tx, key: Column[str], time: Column[int], old: ColumnElement[bool]) -> int:
    some = select(key).where(old).order_by(time).limit(PURGED_AT_ONCE)
    return len(tx.conn.execute(delete(key.table).where(key.in_(some.scalar_subquery())).returning(key)).all())
