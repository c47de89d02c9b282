"""RoleService: releasing a role, which stays in AWS."""

from __future__ import annotations

from ecrkeeper.v1 import role_service_pb2 as pb

from ecrkeeper_server.declarations.audit_records import record
from ecrkeeper_server.declarations.idempotency import Caller, check_etag, find_response, save_response
from ecrkeeper_server.ecr.apply import change
from ecrkeeper_server.errors import FailedPrecondition, NotFound
from ecrkeeper_server.names import RoleName
from ecrkeeper_server.store import operations, resources
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.operation_metadata import DeletionMetadata, DeletionPhase
from ecrkeeper_server.store.rows import Operation, Resource
from ecrkeeper_server.store.state_parts import StoredError


def release(tx: Tx, caller: Caller, name: RoleName, request: pb.DeleteServiceLinkedRoleRequest) -> Operation | None:
    """Delete the record of a role without a call to AWS; return a finished operation.

    Other operations on the role end with `ABANDONED`.
    """
    known = find_response(tx, caller)
    if known is not None:
        return operations.get(tx, known)
    row = releasable(resources.get(tx, str(name), lock=True), name, request.etag)
    reason = "ABANDONED"
    text = f"{name} was released with deletion_policy ABANDON"
    for pending in operations.pending(tx, row.name):
        operations.end(tx, pending, error=StoredError(code="ABORTED", reason=reason, message=text))
    operation = operations.create(
        tx, caller.method, row, DeletionMetadata.of(DeletionPhase.DONE), caller=caller.principal
    )
    operations.end(tx, operation, response={})
    resources.remove(tx, row.name)
    save_response(tx, caller, operation.id)
    changes = [change("service_linked_role", "deletion_policy", None, "ABANDON")]
    record(tx, caller, name, generation=row.generation, changes=changes)
    return operations.get(tx, operation.id)


def releasable(row: Resource | None, name: RoleName, etag: str) -> Resource:
    """Reject an unknown role, and one that IAM or an attempt may be about to delete."""
    if row is None:
        raise NotFound("ServiceLinkedRole", str(name))
    check_etag(str(name), etag, row.etag)
    if row.deleting:
        deletion = row.role_state.deletion
        begun = deletion is not None and deletion.started is not None
        if begun or row.lease_token is not None:
            raise FailedPrecondition(f"{name} is being deleted; wait for its operation", reason="ROLE_DELETING")
    return row
