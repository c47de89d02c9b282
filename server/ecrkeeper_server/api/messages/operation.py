"""Stored operations as messages, with each method's metadata and response."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ecrkeeper.v1 import registry_pb2, registry_settings_service_pb2, role_pb2, role_service_pb2
from google.longrunning import operations_pb2
from google.protobuf import empty_pb2
from google.protobuf.message import Message
from msgspec import Struct

from ecrkeeper_server.api.messages import backfill as backfill_message
from ecrkeeper_server.api.messages import fields
from ecrkeeper_server.api.messages import registry as registry_message
from ecrkeeper_server.api.messages import role as role_message
from ecrkeeper_server.api.messages.status import status_of_stored
from ecrkeeper_server.declarations.final_role import FinalRole
from ecrkeeper_server.declarations.summaries import RegistrySummary
from ecrkeeper_server.names import BackfillName, RegistryName
from ecrkeeper_server.settings.codec import from_aws
from ecrkeeper_server.store.backfills import Backfill, BackfillMetadata
from ecrkeeper_server.store.operation_metadata import DeletionMetadata
from ecrkeeper_server.store.operations import callers
from ecrkeeper_server.store.rows import Method, Operation

_PRINCIPALS = 100


def operation_message(partition: str, row: Operation, *, readable: bool = True) -> operations_pb2.Operation:
    """Return the operation with its response.

    A caller who may not read that gets only its name.
    """
    kind = _KINDS.get(row.method, _UNKNOWN)
    message = operations_pb2.Operation(name=f"operations/{row.id}", done=row.done)
    message.metadata.Pack(_with_history(kind.metadata(row), row))
    error = row.stored_error
    if error is not None:
        message.error.CopyFrom(status_of_stored(error))
    elif row.done:
        # An operation of 0.1.0 has no stored response.
        message.response.Pack(kind.response(partition, row) if readable and row.response else kind.unread(row))
    return message


def _with_history(message: Message, row: Operation) -> Message:
    """Return the metadata with the operation's times and requesting principals."""
    # The metadata of a method that only a newer replica knows lacks these fields.
    if not isinstance(message, empty_pb2.Empty):
        history: Any = message
        history.create_time.CopyFrom(fields.timestamp(row.create_time))
        if row.done_time is not None:
            history.end_time.CopyFrom(fields.timestamp(row.done_time))
        history.principals.extend(callers(row)[:_PRINCIPALS])
    return message


def _registry(_partition: str, row: Operation) -> Message:
    return registry_message.basic(RegistrySummary.from_json(row.response or {}))


def _role(partition: str, row: Operation) -> Message:
    return role_message.role(FinalRole.from_json(row.response or {}).resource, partition)


def _backfill(_partition: str, row: Operation) -> Message:
    return backfill_message.backfill(RegistryName.parse(row.target), Backfill(row.response or {}))


def _nothing(_partition: str, _row: Operation) -> Message:
    return empty_pb2.Empty()


def _unread_backfill(row: Operation) -> Message:
    if not row.response:
        return registry_pb2.ReplicationBackfill()
    name = BackfillName(RegistryName.parse(row.target), Backfill(row.response).id)
    return registry_pb2.ReplicationBackfill(name=str(name))


def _deletion(row: Operation) -> Message:
    kind, metadata = role_service_pb2.DeleteServiceLinkedRoleMetadata, DeletionMetadata(row.metadata)
    return kind(
        service_linked_role=row.target,
        phase=fields.number(kind, "Phase", metadata.phase),
        deletion_task_id=metadata.task,
        usage=map(role_message.region_usage, metadata.usage),
    )


def _begun(row: Operation) -> Message:
    message = registry_settings_service_pb2.StartReplicationBackfillMetadata(registry=row.target)
    metadata = BackfillMetadata(row.metadata)
    from_aws(metadata.destination, message.replication_backfill.destination)
    if (known := metadata.backfill) is not None:
        message.replication_backfill.CopyFrom(backfill_message.backfill(RegistryName.parse(row.target), known))
    return message


class _Kind(Struct, frozen=True):
    """The presentation of a method's operations.

    `unread` is a response with only a name.
    """

    metadata: Callable[[Operation], Message]
    response: Callable[[str, Operation], Message]
    unread: Callable[[Operation], Message]


# A method of a newer replica.
_UNKNOWN = _Kind(lambda _: empty_pb2.Empty(), _nothing, lambda _: empty_pb2.Empty())
_KINDS: Mapping[str, _Kind] = {
    Method.RECONCILE_REGISTRY: _Kind(
        lambda row: registry_settings_service_pb2.ReconcileRegistryMetadata(
            registry=row.target, generation=row.generation
        ),
        _registry,
        lambda row: registry_pb2.Registry(name=row.target),
    ),
    Method.RECONCILE_ROLE: _Kind(
        lambda row: role_service_pb2.ReconcileServiceLinkedRoleMetadata(
            service_linked_role=row.target, generation=row.generation
        ),
        _role,
        lambda row: role_pb2.ServiceLinkedRole(name=row.target),
    ),
    Method.DELETE_ROLE: _Kind(_deletion, _nothing, lambda _: empty_pb2.Empty()),
    Method.START_BACKFILL: _Kind(_begun, _backfill, _unread_backfill),
}
