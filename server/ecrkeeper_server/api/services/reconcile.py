"""Reconciles a registry or a role on request."""

from __future__ import annotations

from collections.abc import Callable

from google.longrunning import operations_pb2
from google.protobuf.message import Message

from ecrkeeper_server.api.layers.telemetry import caller_of
from ecrkeeper_server.api.services.context import Dependencies
from ecrkeeper_server.declarations.audit_records import record
from ecrkeeper_server.declarations.idempotency import find_response, save_response
from ecrkeeper_server.errors import FailedPrecondition, NotFound
from ecrkeeper_server.names import RegistryName, RoleName
from ecrkeeper_server.store import operations, resources
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.rows import Operation
from ecrkeeper_server.store.specs import Mode


async def reconcile(
    deps: Dependencies, request: Message, name: RegistryName | RoleName, missing: Callable[[], NotFound]
) -> operations_pb2.Operation:
    """Start an operation that ends with the resource's next attempt.

    Raise what `missing` returns if the resource is not stored.
    """
    caller = caller_of(request)

    def store(tx: Tx) -> Operation | None:
        known = find_response(tx, caller)
        if known is not None:
            return operations.get(tx, known)
        row = resources.get(tx, str(name), lock=True)
        if row is None:
            raise missing()
        if row.mode is Mode.PAUSED:
            raise FailedPrecondition(f"{name} is paused; set another mode first", reason="PAUSED")
        operation = operations.reconcile(tx, caller.method, row, caller=caller.principal)
        save_response(tx, caller, operation.id)
        record(tx, caller, name, generation=row.generation)
        return operation

    return await deps.begin(store)
