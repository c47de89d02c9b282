"""The fields that every reconciled resource has in its message."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ecrkeeper.v1 import common_pb2

from ecrkeeper_server.api.messages.differences import drift
from ecrkeeper_server.api.messages.fields import number, timestamp
from ecrkeeper_server.api.messages.status import status_of_stored
from ecrkeeper_server.store.declaration_pages import ListedDeclaration
from ecrkeeper_server.store.findings import Findings, with_causes
from ecrkeeper_server.store.listing import Listed
from ecrkeeper_server.store.rows import RegistryStatus, Resource
from ecrkeeper_server.store.state_parts import Condition, StoredError
from ecrkeeper_server.store.states import State


def common(message: Any, row: Resource) -> None:
    """Set the fields that every reconciled resource has."""
    message.name, message.uid, message.etag = row.name, row.uid, row.etag
    message.generation, message.observed_generation = row.generation, row.observed_generation
    message.create_time.CopyFrom(timestamp(row.create_time))
    message.update_time.CopyFrom(timestamp(row.update_time))
    message.reconciling = reconciling(row)
    state = State(row.stored_state)
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
