"""The gRPC server with all its services."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc.aio
from ecrkeeper.v1 import (
    audit_service_pb2,
    audit_service_pb2_grpc,
    fleet_service_pb2,
    fleet_service_pb2_grpc,
    registry_settings_service_pb2,
    registry_settings_service_pb2_grpc,
    role_service_pb2,
    role_service_pb2_grpc,
    server_service_pb2,
    server_service_pb2_grpc,
)
from google.longrunning import operations_grpc, operations_pb2
from google.protobuf.descriptor import MethodDescriptor
from grpc_health.v1 import health as grpc_health
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2
from msgspec import Struct

from ecrkeeper_server.api.handlers import HandlerTable
from ecrkeeper_server.api.layers.admission import AdmissionLayer
from ecrkeeper_server.api.layers.authentication import Authentication
from ecrkeeper_server.api.layers.authorization import Authorization
from ecrkeeper_server.api.layers.capacity import Admission
from ecrkeeper_server.api.layers.errors import ErrorMapping
from ecrkeeper_server.api.layers.layer import Layer
from ecrkeeper_server.api.layers.limits import Limits
from ecrkeeper_server.api.layers.partitions import Partitions
from ecrkeeper_server.api.layers.telemetry import Telemetry
from ecrkeeper_server.api.listener import listener
from ecrkeeper_server.api.services.audit import Audit
from ecrkeeper_server.api.services.backfills import Backfills
from ecrkeeper_server.api.services.composition import composed
from ecrkeeper_server.api.services.context import Dependencies
from ecrkeeper_server.api.services.elements import Elements
from ecrkeeper_server.api.services.fleet import FleetView
from ecrkeeper_server.api.services.fleet_accounts import FleetAccounts
from ecrkeeper_server.api.services.image_replication import ImageReplication
from ecrkeeper_server.api.services.operations import Operations
from ecrkeeper_server.api.services.reflection import VERSIONS as REFLECTION
from ecrkeeper_server.api.services.reflection import add_reflection
from ecrkeeper_server.api.services.registries import Registries
from ecrkeeper_server.api.services.registry_checks import RegistryChecks
from ecrkeeper_server.api.services.registry_deletion import RegistryDeletion
from ecrkeeper_server.api.services.registry_set_lists import RegistrySetLists
from ecrkeeper_server.api.services.registry_sets import RegistrySets
from ecrkeeper_server.api.services.registry_settings import OwnerSettings
from ecrkeeper_server.api.services.revisions import Revisions
from ecrkeeper_server.api.services.role_deletion import RoleDeletion
from ecrkeeper_server.api.services.roles import Roles
from ecrkeeper_server.api.services.rollouts import Rollouts
from ecrkeeper_server.api.services.server_info import Server

SERVICES = (
    role_service_pb2.DESCRIPTOR.services_by_name["RoleService"].full_name,
    registry_settings_service_pb2.DESCRIPTOR.services_by_name["RegistrySettingsService"].full_name,
    fleet_service_pb2.DESCRIPTOR.services_by_name["FleetService"].full_name,
    audit_service_pb2.DESCRIPTOR.services_by_name["AuditService"].full_name,
    server_service_pb2.DESCRIPTOR.services_by_name["ServerService"].full_name,
    operations_pb2.DESCRIPTOR.services_by_name["Operations"].full_name,
)


def methods() -> dict[str, str]:
    """Return the served methods, as `/service/Method`, with their types in metrics."""
    files = (
        role_service_pb2, registry_settings_service_pb2, fleet_service_pb2, audit_service_pb2, server_service_pb2,
        operations_pb2, health_pb2,
    )  # fmt: skip
    served = [service for file in files for service in file.DESCRIPTOR.services_by_name.values()]
    kinds = {f"/{s.full_name}/{m.name}": _kind(m) for s in served for m in s.methods}
    reflecting: Any = reflection_pb2.DESCRIPTOR.services_by_name["ServerReflection"]
    return {**kinds, **{f"/{name}/{m.name}": _kind(m) for name in REFLECTION for m in reflecting.methods}}


def _kind(method: MethodDescriptor) -> str:
    if method.client_streaming:
        return "bidi_stream" if method.server_streaming else "client_stream"
    return "server_stream" if method.server_streaming else "unary"


def role_service(deps: Dependencies) -> Any:
    """Return the servicer of RoleService."""
    service = role_service_pb2.DESCRIPTOR.services_by_name["RoleService"]
    return composed(service, Roles(deps), RoleDeletion(deps))


def registry_settings_service(deps: Dependencies) -> Any:
    """Return the servicer of RegistrySettingsService."""
    service = registry_settings_service_pb2.DESCRIPTOR.services_by_name["RegistrySettingsService"]
    declarations = OwnerSettings(deps)
    return composed(
        service, Registries(deps), RegistryChecks(deps), Elements(deps), RegistryDeletion(deps), declarations,
        Revisions(deps, declarations), Backfills(deps), ImageReplication(deps),
    )  # fmt: skip


def fleet_service(deps: Dependencies) -> Any:
    """Return the servicer of FleetService."""
    service = fleet_service_pb2.DESCRIPTOR.services_by_name["FleetService"]
    return composed(
        service, FleetAccounts(deps), RegistrySets(deps), RegistrySetLists(deps), Rollouts(deps), FleetView(deps)
    )


class Health(grpc_health.aio.HealthServicer):
    """Health of the server and of each service."""

    async def List(self, request: Any, context: Any) -> Any:
        """Return the status of all services.

        GRPC's own servicer does not implement this call.
        """
        statuses = {
            name: await self.Check(health_pb2.HealthCheckRequest(service=name), context) for name in ("", *SERVICES)
        }
        answer: Any = getattr(health_pb2, "HealthListResponse")  # noqa: B009 - gRPC's type stubs lack it
        return answer(statuses=statuses)


class Built(Struct, frozen=True):
    """A server that is not started, its health service and its admission layer.

    `table` has the handlers of its methods, behind the same layers, for the HTTP port.
    """

    server: grpc.aio.Server
    health: Health
    admission: AdmissionLayer
    table: HandlerTable


def build(
    deps: Dependencies,
    telemetry: Telemetry,
    *,
    with_reflection: bool,
    authentication: Authentication | None = None,
    limits: Limits | None = None,
    share_port: bool = False,
) -> Built:
    """Return a server with all services."""
    limits = limits or Limits()
    first: list[Layer] = [telemetry] if authentication is None else [telemetry, authentication]
    # From the outside to the inside. Outside of admission, unary calls are handlers of type
    # stream_unary.
    admission = AdmissionLayer(limits, Admission(limits), deps.turns)
    layers = [*first, admission, ErrorMapping(Partitions(deps.partition))]
    if deps.access.configured:
        layers.append(Authorization(deps.access, deps.db))
    server, table, health = listener(layers, limits, share_port=share_port), HandlerTable(methods(), layers), Health()
    _add_services(deps, health, server, table)
    if with_reflection:
        add_reflection((*SERVICES, grpc_health.SERVICE_NAME), server)
    return Built(server, health, admission, table)


def _add_services(deps: Dependencies, health: Health, *targets: Any) -> None:
    """Register one servicer of each service with every target."""
    servicers: tuple[tuple[Callable[[Any, Any], None], Any], ...] = (
        (role_service_pb2_grpc.add_RoleServiceServicer_to_server, role_service(deps)),
        (
            registry_settings_service_pb2_grpc.add_RegistrySettingsServiceServicer_to_server,
            registry_settings_service(deps),
        ),
        (fleet_service_pb2_grpc.add_FleetServiceServicer_to_server, fleet_service(deps)),
        (audit_service_pb2_grpc.add_AuditServiceServicer_to_server, Audit(deps)),
        (server_service_pb2_grpc.add_ServerServiceServicer_to_server, Server(deps)),
        (operations_grpc.add_OperationsServicer_to_server, Operations(deps)),
        (health_pb2_grpc.add_HealthServicer_to_server, health),
    )
    for add, servicer in servicers:
        for target in targets:
            add(servicer, target)


async def set_serving(health: Health) -> None:
    """Report SERVING for the server as a whole and for each service."""
    for name in ("", *SERVICES):
        await health.set(name, health_pb2.HealthCheckResponse.SERVING)
