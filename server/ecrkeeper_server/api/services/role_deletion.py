"""RoleService: deletion of roles, and their usage by Regions."""

from __future__ import annotations

from ecrkeeper.v1 import common_pb2
from ecrkeeper.v1 import role_service_pb2 as pb
from google.longrunning import operations_pb2
from google.protobuf import empty_pb2
from msgspec.structs import replace

from ecrkeeper_server.api.layers.layer import Context
from ecrkeeper_server.api.layers.telemetry import caller_of
from ecrkeeper_server.api.messages import role as role_message
from ecrkeeper_server.api.services.context import Dependencies
from ecrkeeper_server.api.services.role_release import releasable, release
from ecrkeeper_server.declarations.audit_records import record
from ecrkeeper_server.declarations.idempotency import Caller, check_etag, find_response, save_response
from ecrkeeper_server.ecr.apply import change
from ecrkeeper_server.ecr.usage import usage_of
from ecrkeeper_server.errors import FailedPrecondition, NotFound
from ecrkeeper_server.names import RoleName
from ecrkeeper_server.roles.catalogue import ROLES
from ecrkeeper_server.roles.usage import RegionUsage, blockers
from ecrkeeper_server.settings.elements import Change
from ecrkeeper_server.store import operations, resources
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.operation_metadata import DeletionMetadata, DeletionPhase
from ecrkeeper_server.store.rows import Operation, Resource
from ecrkeeper_server.store.specs import Mode, RoleRemoval


class RoleDeletion:
    """Delete roles, and check which Regions use them."""

    def __init__(self, deps: Dependencies) -> None:
        self._deps = deps

    async def DeleteServiceLinkedRole(
        self, request: pb.DeleteServiceLinkedRoleRequest, context: Context
    ) -> operations_pb2.Operation:
        """Delete a role."""
        name = RoleName.parse(request.name)
        caller = caller_of(request)
        if request.deletion_policy == common_pb2.ABANDON:
            return await self._released(name, caller, request)

        def store(tx: Tx) -> Operation | None:
            known = find_response(tx, caller)
            if known is not None:
                return operations.get(tx, known)
            row = _deletable(resources.get(tx, str(name), lock=True), name, request)
            running = operations.pending(tx, str(name), caller.method)
            if running:
                operations.join(tx, running[0], caller.principal)
                save_response(tx, caller, running[0].id)
                changes = _force(tx, row) if request.force_delete_adopted else []
                record(tx, caller, name, generation=row.generation, changes=changes)
                return running[0]
            begun_deletion = RoleRemoval(request.force_delete_adopted)
            row = resources.set_spec(tx, row.name, replace(row.role_spec, deletion=begun_deletion).to_json())
            begun = DeletionMetadata.of(DeletionPhase.PREFLIGHT)
            operation = operations.create(tx, caller.method, row, begun, caller=caller.principal)
            save_response(tx, caller, operation.id)
            changes = [change("service_linked_role", "deletion", None, begun_deletion.to_json())]
            record(tx, caller, name, generation=row.generation, changes=changes)
            return operation

        if request.validate_only:
            return await self._tried_deletion(name, request)
        return await self._deps.begin(store)

    async def _released(
        self, name: RoleName, caller: Caller, request: pb.DeleteServiceLinkedRoleRequest
    ) -> operations_pb2.Operation:
        if not request.validate_only:
            return await self._deps.begin(lambda tx: release(tx, caller, name, request))
        await self._deps.db.read(lambda tx: releasable(resources.get(tx, str(name)), name, request.etag))
        operation = operations_pb2.Operation(done=True)
        operation.metadata.Pack(
            pb.DeleteServiceLinkedRoleMetadata(
                service_linked_role=str(name), phase=pb.DeleteServiceLinkedRoleMetadata.DONE
            )
        )
        operation.response.Pack(empty_pb2.Empty())
        return operation

    async def _tried_deletion(
        self, name: RoleName, request: pb.DeleteServiceLinkedRoleRequest
    ) -> operations_pb2.Operation:
        row = await self._deps.db.read(lambda tx: resources.get(tx, str(name)))
        _deletable(row, name, request)
        usage = await self._usage(name)
        kind = ROLES[name.role]
        reasons = blockers(kind.id, usage)
        if reasons:
            raise FailedPrecondition(f"{kind.role_name} is still in use", reason="ROLE_IN_USE", preconditions=reasons)
        metadata = pb.DeleteServiceLinkedRoleMetadata(service_linked_role=str(name))
        metadata.usage.extend(map(role_message.region_usage, usage))
        call = metadata.plan.calls.add(service="iam", operation="DeleteServiceLinkedRole")
        call.request.update({"RoleName": kind.role_name})
        operation = operations_pb2.Operation(done=True)
        operation.metadata.Pack(metadata)
        operation.response.Pack(empty_pb2.Empty())
        return operation

    async def CheckServiceLinkedRoleUsage(
        self, request: pb.CheckServiceLinkedRoleUsageRequest, context: Context
    ) -> pb.CheckServiceLinkedRoleUsageResponse:
        """Return the Regions that use a role."""
        name = RoleName.parse(request.name)
        usage = await self._usage(name)
        return pb.CheckServiceLinkedRoleUsageResponse(
            usage=map(role_message.region_usage, usage), deletable=not blockers(name.role, usage)
        )

    async def _usage(self, name: RoleName) -> list[RegionUsage]:
        deps = self._deps
        return await usage_of(deps.db, deps.aws, name.account, deps.home_region, ROLES[name.role])


def _deletable(row: Resource | None, name: RoleName, request: pb.DeleteServiceLinkedRoleRequest) -> Resource:
    if row is None:
        raise NotFound("ServiceLinkedRole", str(name), "declare it first, which adopts the role")
    check_etag(str(name), request.etag, row.etag)
    mode = row.mode
    if mode is not Mode.ENFORCE:
        raise FailedPrecondition(
            f"the mode of {name} is {mode}; set ENFORCE before you delete it", reason="NOT_ENFORCED"
        )
    if row.role_state.provenance == "ADOPTED" and not request.force_delete_adopted:
        raise FailedPrecondition(
            f"{name} existed before it was declared; set force_delete_adopted to delete it anyway",
            reason="ROLE_ADOPTED",
        )
    return row


def _force(tx: Tx, row: Resource) -> list[Change]:
    """Let a running deletion delete an adopted role as well; return the changes."""
    before, after = row.role_spec.deletion or RoleRemoval(), RoleRemoval(forced=True)
    if before.forced:
        return []
    resources.patch(tx, row.name, spec=replace(row.role_spec, deletion=after).to_json())
    return [change("service_linked_role", "deletion", before.to_json(), after.to_json())]
