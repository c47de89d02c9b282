"""Stored operations as messages: what each method says of one that runs, and what one ends with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ecrkeeper.v1 import registry_pb2, registry_settings_service_pb2, role_pb2, role_service_pb2
from google.longrunning import operations_pb2
from google.protobuf import empty_pb2
from google.protobuf.message import Message

from ecrkeeper_server.api.messages import registry as registry_message
from ecrkeeper_server.api.messages import resource as render
from ecrkeeper_server.api.messages.status import status_of_json
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.settings.codec import from_aws
from ecrkeeper_server.store import declarations, resources
from ecrkeeper_server.store.database import Database, Tx
from ecrkeeper_server.store.operations import callers
from ecrkeeper_server.store.rows import Declaration, Method, Operation, Resource


async def operation_message(
    db: Database, partition: str, row: Operation, *, readable: bool = True
) -> operations_pb2.Operation:
    """The operation, with its response if it is done; one that may not be read has a name and nothing else."""
    kind = _KINDS.get(row.method, _UNKNOWN)
    message = operations_pb2.Operation(name=f"operations/{row.id}", done=row.done)
    message.metadata.Pack(_with_history(kind.metadata(row), row))
    if row.error is not None:
        message.error.CopyFrom(status_of_json(row.error))
    elif row.done:
        message.response.Pack(await kind.response(db, partition, row) if readable else kind.unread(row))
    return message


def _with_history(message: Message, row: Operation) -> Message:
    """The metadata with when the operation began and ended, and who asked for it."""
    # That of a method of a newer replica has no such fields.
    if not isinstance(message, empty_pb2.Empty):
        history: Any = message
        history.create_time.CopyFrom(render.timestamp(row.create_time))
        if row.done_time is not None:
            history.end_time.CopyFrom(render.timestamp(row.done_time))
        history.principals.extend(callers(row))
    return message


async def _registry(db: Database, _partition: str, row: Operation) -> Message:
    def read(tx: Tx) -> tuple[Resource | None, list[Declaration]]:
        return resources.get(tx, row.target), declarations.of_registry(tx, RegistryName.parse(row.target))

    found, declared = await db.read(read)
    return registry_message.registry(found, declared) if found is not None else empty_pb2.Empty()


async def _role(db: Database, partition: str, row: Operation) -> Message:
    found = await db.read(lambda tx: resources.get(tx, row.target))
    return render.role(found, partition) if found is not None else empty_pb2.Empty()


async def _backfill(_db: Database, _partition: str, row: Operation) -> Message:
    return render.backfill(RegistryName.parse(row.target), row.response or {})


async def _nothing(_db: Database, _partition: str, _row: Operation) -> Message:
    return empty_pb2.Empty()


def _unread_backfill(row: Operation) -> Message:
    name = render.backfill(RegistryName.parse(row.target), row.response).name if row.response else ""
    return registry_pb2.ReplicationBackfill(name=name)


def _deletion(row: Operation) -> Message:
    kind = role_service_pb2.DeleteServiceLinkedRoleMetadata
    message = kind(
        service_linked_role=row.target,
        phase=render.number(kind, "Phase", row.metadata.get("phase", "PREFLIGHT")),
        deletion_task_id=row.metadata.get("deletion_task_id", ""),
    )
    for usage in row.metadata.get("usage", []):
        state = render.number(role_pb2.RegionUsage, "State", usage["state"])
        message.usage.append(role_pb2.RegionUsage(**{**usage, "state": state}))
    return message


def _begun(row: Operation) -> Message:
    message = registry_settings_service_pb2.StartReplicationBackfillMetadata(registry=row.target)
    from_aws(row.metadata.get("destination", {}), message.replication_backfill.destination)
    if "backfill" in row.metadata:
        found = render.backfill(RegistryName.parse(row.target), row.metadata["backfill"])
        message.replication_backfill.CopyFrom(found)
    return message


@dataclass(frozen=True, slots=True)
class _Kind:
    """How the operations of a method are shown; `unread` is a response of the right type that says what it is of."""

    metadata: Callable[[Operation], Message]
    response: Callable[[Database, str, Operation], Awaitable[Message]]
    unread: Callable[[Operation], Message]


# Of a replica that is newer than this one.
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
