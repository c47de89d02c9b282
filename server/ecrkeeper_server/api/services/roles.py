"""RoleService."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

from ecrkeeper.v1 import registry_pb2, role_pb2
from ecrkeeper.v1 import role_service_pb2 as pb
from google.longrunning import operations_pb2
from msgspec.structs import replace

from ecrkeeper_server.api.layers.layer import Context
from ecrkeeper_server.api.layers.telemetry import caller_of
from ecrkeeper_server.api.messages import fields
from ecrkeeper_server.api.messages import role as role_message
from ecrkeeper_server.api.messages.answer import Answer
from ecrkeeper_server.api.messages.plan import role_plan
from ecrkeeper_server.api.messages.refreshed import refreshed_role
from ecrkeeper_server.api.services.context import Dependencies, list_resources, now_micros, resource_fields
from ecrkeeper_server.api.services.filters import enum_choice
from ecrkeeper_server.api.services.reconcile import reconcile
from ecrkeeper_server.api.services.rendered_events import RenderedEvents
from ecrkeeper_server.api.services.watch_stream import watched
from ecrkeeper_server.declarations.audit_records import record, spec_changes
from ecrkeeper_server.declarations.idempotency import find_response, save_response
from ecrkeeper_server.declarations.plan_digest import check_plan, check_planned_on
from ecrkeeper_server.declarations.resource_spec import change_spec
from ecrkeeper_server.declarations.role_spec import PATHS, check_write, requested_spec
from ecrkeeper_server.ecr.observe import observe_role
from ecrkeeper_server.errors import InvalidArgument, NotFound, Violation
from ecrkeeper_server.names import RoleName, parse_account, shown
from ecrkeeper_server.roles.catalogue import ROLES
from ecrkeeper_server.settings.cache_rules import CACHE_RULES, NOT_OFFERED
from ecrkeeper_server.settings.codec import masked_paths
from ecrkeeper_server.store import resources
from ecrkeeper_server.store.database import Tx
from ecrkeeper_server.store.rows import Declaration, Resource
from ecrkeeper_server.turns import Steps

_FIELDS = resource_fields(
    "role",
    {
        "state": enum_choice(
            role_pb2.ServiceLinkedRole.State,
            lambda row: [role_message.role_state(row) or "STATE_UNSPECIFIED"],
            unspecified=True,
        ),
        "provenance": enum_choice(
            role_pb2.ServiceLinkedRole.Provenance,
            lambda row: [row.role_state.provenance or "PROVENANCE_UNSPECIFIED"],
            unspecified=True,
        ),
    },
)


class Roles:
    """The service-linked roles."""

    def __init__(self, deps: Dependencies) -> None:
        self._deps = deps
        self._rendered = RenderedEvents(deps.turns, self._current)

    async def _get(self, name: RoleName) -> Resource | None:
        return await self._deps.db.read(lambda tx: resources.get(tx, str(name)))

    async def GetServiceLinkedRole(
        self, request: pb.GetServiceLinkedRoleRequest, context: Context
    ) -> role_pb2.ServiceLinkedRole:
        """Return one role."""
        name = RoleName.parse(request.name)
        row = await self._get(name)
        if request.refresh:
            observed = await observe_role(self._deps.aws, name.account, self._deps.home_region, ROLES[name.role])
            row = replace(row or Resource.new(name, {}, now_micros()), observe_time=now_micros())
            return refreshed_role(row, observed, self._deps.partition)
        if row is None:
            raise NotFound("ServiceLinkedRole", str(name), "it is not declared; set `refresh` to observe IAM")
        return role_message.role(row, self._deps.partition)

    async def ListServiceLinkedRoles(
        self, request: pb.ListServiceLinkedRolesRequest, context: Context
    ) -> pb.ListServiceLinkedRolesResponse:
        """List roles."""

        async def show(rows: Sequence[Resource]) -> list[role_pb2.ServiceLinkedRole]:
            return [role_message.role(row, self._deps.partition) for row in rows]

        roles, token = await list_resources(self._deps, RoleName.kind, request, _FIELDS, show)
        return pb.ListServiceLinkedRolesResponse(service_linked_roles=roles, next_page_token=token)

    async def CreateServiceLinkedRole(
        self, request: pb.CreateServiceLinkedRoleRequest, context: Context
    ) -> role_pb2.ServiceLinkedRole:
        """Declare a role."""
        account = parse_account(request.parent)
        name = RoleName.of(account, request.service_linked_role_id, "service_linked_role_id")
        return await self._write(name, request.service_linked_role, set(PATHS), request, create=True, update=False)

    async def UpdateServiceLinkedRole(
        self, request: pb.UpdateServiceLinkedRoleRequest, context: Context
    ) -> role_pb2.ServiceLinkedRole:
        """Update a role."""
        name = RoleName.parse(request.service_linked_role.name, "service_linked_role.name")
        paths = masked_paths(request.update_mask, request.service_linked_role, PATHS)
        return await self._write(
            name, request.service_linked_role, paths, request, create=request.allow_missing, update=True
        )

    async def _write(
        self,
        name: RoleName,
        requested: role_pb2.ServiceLinkedRole,
        paths: set[str],
        request: Any,
        *,
        create: bool,
        update: bool,
    ) -> role_pb2.ServiceLinkedRole:
        caller, planned_on = caller_of(request), None
        digest = getattr(request, "plan_digest", "")

        def change(tx: Tx) -> Resource:
            present = resources.get(tx, str(name), lock=True)
            if find_response(tx, caller) is not None:
                if present is None:
                    raise NotFound(
                        "ServiceLinkedRole",
                        str(name),
                        "an earlier call with this request_id succeeded; the role was deleted since",
                    )
                return present
            if planned_on is not None:
                check_planned_on(str(name), planned_on, "" if present is None else present.etag, "role")
            check_write(name, present, requested.etag, create=create, update=update)
            spec = requested_spec(requested, paths, present)
            if present is not None:
                return change_spec(tx, caller, name, present, spec)
            row = resources.create(tx, name, spec.to_json(), due=True)
            save_response(tx, caller, str(name))
            record(tx, caller, name, generation=row.generation, changes=spec_changes(None, spec))
            return row

        if request.validate_only:
            return (await self._planned(name, requested, paths, digest, create=create, update=update))[1]
        if digest and await self._deps.db.read(lambda tx: find_response(tx, caller)) is None:
            planned_on = (await self._planned(name, requested, paths, digest, create=create, update=update))[0]
        row = await self._deps.db.write(change)
        self._deps.wake()
        return role_message.role(row, self._deps.partition)

    async def _planned(
        self,
        name: RoleName,
        requested: role_pb2.ServiceLinkedRole,
        paths: set[str],
        digest: str,
        *,
        create: bool,
        update: bool,
    ) -> tuple[str, role_pb2.ServiceLinkedRole]:
        """Return the etag of the role, and the role with its plan.

        A digest must be that of the plan.
        """
        present = await self._get(name)
        check_write(name, present, requested.etag, create=create, update=update)
        row, kind = present or Resource.new(name, {}, now_micros()), ROLES[name.role]
        row = replace(row, spec=requested_spec(requested, paths, present).to_json())
        observed = await observe_role(self._deps.aws, name.account, self._deps.home_region, kind)
        message = role_message.role(row, self._deps.partition)
        message.plan.CopyFrom(role_plan(kind, row, observed))
        if digest:
            check_plan(str(name), digest, message.plan.digest, "role")
        return row.etag, message

    async def ReconcileServiceLinkedRole(
        self, request: pb.ReconcileServiceLinkedRoleRequest, context: Context
    ) -> operations_pb2.Operation:
        """Reconcile a role at once."""
        name = RoleName.parse(request.name)
        return await reconcile(
            self._deps, request, name, lambda: NotFound("ServiceLinkedRole", str(name), "it is not declared")
        )

    async def WatchServiceLinkedRoles(
        self, request: pb.WatchServiceLinkedRolesRequest, context: Context
    ) -> AsyncIterator[pb.WatchServiceLinkedRolesResponse | Answer[pb.WatchServiceLinkedRolesResponse]]:
        """Stream roles."""
        account = parse_account(request.parent, wildcard=True)
        async for step in watched(self._deps, RoleName.kind, account, request.filter, _FIELDS):
            if step.row is not None:
                yield await self._rendered.of(step, registry_pb2.BASIC)
                continue
            answer = pb.WatchServiceLinkedRolesResponse(
                kind=fields.number(pb.WatchServiceLinkedRolesResponse, "Kind", step.kind)
            )
            if step.name:
                answer.service_linked_role.name = step.name
            yield answer

    def _current(
        self, row: Resource, _declared: Sequence[Declaration], _view: int
    ) -> Steps[pb.WatchServiceLinkedRolesResponse]:
        yield
        return pb.WatchServiceLinkedRolesResponse(
            kind=pb.WatchServiceLinkedRolesResponse.CURRENT,
            service_linked_role=role_message.role(row, self._deps.partition),
        )

    async def ListSupportedRegions(
        self, request: pb.ListSupportedRegionsRequest, context: Context
    ) -> pb.ListSupportedRegionsResponse:
        """List the Regions that ECR has."""
        known = self._deps.aws.partitions()
        if request.partition and request.partition not in known:
            text = f"unknown partition {shown(request.partition)}; known partitions are {', '.join(known)}"
            raise InvalidArgument([Violation("partition", text)])
        response = pb.ListSupportedRegionsResponse()
        for partition in [request.partition] if request.partition else sorted(known):
            for region in self._deps.aws.regions(partition):
                unsupported = [CACHE_RULES.name] if partition in NOT_OFFERED else []
                response.regions.add(region=region, partition=partition, unsupported_settings=unsupported)
        return response
