"""RegistrySettingsService: deleting the record of a registry without declarations."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from ecrkeeper.v1 import common_pb2
from ecrkeeper.v1 import registry_settings_service_pb2 as pb
from google.protobuf import empty_pb2

from ecrkeeper_server.api.layers.layer import Context
from ecrkeeper_server.api.layers.telemetry import caller_of
from ecrkeeper_server.api.services.context import Dependencies
from ecrkeeper_server.declarations.audit_records import record
from ecrkeeper_server.declarations.idempotency import check_etag, find_response, save_response
from ecrkeeper_server.ecr.apply import change
from ecrkeeper_server.errors import FailedPrecondition, NotFound, PreconditionViolation
from ecrkeeper_server.names import RegistryName, SettingsName
from ecrkeeper_server.settings.ownership import owned_elements
from ecrkeeper_server.store import declarations, operations, resources
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.rows import Operation, Resource
from ecrkeeper_server.store.states import RegistryState

# Maximum number of violations; the message has the number of all elements.
_NAMED = 20


class RegistryDeletion:
    """Delete records of registries."""

    def __init__(self, deps: Dependencies) -> None:
        self._deps = deps

    async def DeleteRegistry(self, request: pb.DeleteRegistryRequest, context: Context) -> empty_pb2.Empty:
        """Delete the record of a registry, without any call to AWS."""
        name, caller = RegistryName.parse(request.name), caller_of(request)

        def check(tx: Tx, *, lock: bool) -> Resource | None:
            row = resources.get(tx, str(name), lock=lock)
            if row is None and not request.allow_missing:
                raise NotFound("Registry", str(name))
            check_etag(str(name), request.etag if row is not None else "", "" if row is None else row.etag)
            if row is not None:
                check_undeclared(name, declarations.owners(tx, name))
                check_idle(name, operations.pending(tx, str(name)))
                if request.deletion_policy != common_pb2.ABANDON:
                    check_removed(row)
            return row

        def delete(tx: Tx) -> None:
            if find_response(tx, caller) is not None:
                return
            row = check(tx, lock=True)
            save_response(tx, caller, str(name))
            if row is None:
                return
            resources.remove(tx, row.name)
            changes = [change("registry", "registry", {"mode": str(row.mode)}, None)]
            record(tx, caller, name, generation=row.generation, changes=changes)

        if request.validate_only:
            await self._deps.db.read(lambda tx: check(tx, lock=False))
        else:
            await self._deps.db.write(delete)
        return empty_pb2.Empty()


def check_undeclared(name: RegistryName, owners: Sequence[str]) -> None:
    """Reject the deletion while owners declare settings; each owner is a violation."""
    if owners:
        raise FailedPrecondition(
            f"{name} is declared by {', '.join(owners)}; delete those declarations first",
            reason="REGISTRY_DECLARED",
            preconditions=[
                PreconditionViolation("REGISTRY_DECLARED", str(SettingsName(name, owner)), f"{owner} declares it")
                for owner in owners
            ],
        )


def check_idle(name: RegistryName, pending: Sequence[Operation]) -> None:
    """Reject the deletion while operations run, which would never end without it."""
    if pending:
        running = ", ".join(f"operations/{operation.id}" for operation in pending)
        raise FailedPrecondition(
            f"operations on {name} are running: {running}; wait for them", reason="OPERATION_RUNNING"
        )


def check_removed(row: Resource) -> None:
    """Reject the deletion while AWS holds elements that ecrkeeper is to remove.

    Without the registry, ecrkeeper would never remove them.
    """
    # Of a long state, only this is parsed.
    applied = RegistryState(row.members("applied")).applied
    remaining = owned_elements(applied, row.registry_spec.abandoned, {})
    if any(remaining.values()):
        named = (f"{setting}/{key}" for setting, elements in remaining.items() for key in elements)
        count = sum(map(len, remaining.values()))
        raise FailedPrecondition(
            f"{count} elements of {row.name} are still to be removed from AWS; wait for the removal, or set"
            " deletion_policy to ABANDON to keep them there",
            reason="REMOVAL_PENDING",
            preconditions=[
                PreconditionViolation("REMOVAL_PENDING", element, "is still to be removed from AWS")
                for element in islice(named, _NAMED)
            ],
        )
