"""One row for each call on the largest state; a call may have several."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ecrkeeper.v1 import audit_service_pb2 as audit
from ecrkeeper.v1 import fleet_pb2, registry_pb2, role_pb2
from ecrkeeper.v1 import fleet_service_pb2 as fleet
from ecrkeeper.v1 import registry_settings_service_pb2 as pb
from ecrkeeper.v1 import role_service_pb2 as roles
from ecrkeeper.v1 import server_service_pb2 as server
from ecrkeeper_server.fleet.messages import set_content
from ecrkeeper_server.settings.codec import settings_from_aws
from google.longrunning import operations_pb2
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from tests.answers.large_aws import BACKFILL
from tests.answers.state import PLACES, SET, TAGS, WIDE_SET, spec
from tests.views import largest

NAME = str(largest.REGISTRY)
ACCOUNT, OTHER = "accounts/111111111111", "accounts/111111111111/registries/eu-west-2"
OWNED = f"{NAME}/settings/platform"
ROLE = f"{ACCOUNT}/serviceLinkedRoles/replication"
SET_NAME = f"registrySets/{SET}"
_KIB, _MIB = 2**10, 2**20
_ALL = 1_000


@dataclass(frozen=True, slots=True)
class Row:
    """A call, the least bytes of its longest answer, and how it ends.

    `reason` explains an error, or why no answer of the method is long.
    """

    method: str
    request: Message
    least: int = 0
    code: str = "OK"
    reason: str = ""


def rows(operations: dict[str, str]) -> list[Row]:
    """Return the calls in the order in which they can be made."""
    return [
        *_registries(), *_declarations(), *_roles(), *_fleet(), *_rollouts(), *_audit(), *_server(),
        *_operations(operations), *_deletions(),
    ]  # fmt: skip


def _registries() -> list[Row]:
    def row(method: str, request: Message, minimum: int = 0, **more: Any) -> Row:
        return Row(f"/ecrkeeper.v1.RegistrySettingsService/{method}", request, minimum, **more)

    basic, full = registry_pb2.BASIC, registry_pb2.FULL
    registry = registry_pb2.Registry(name=NAME, mode="OBSERVE")
    backfill = f"{NAME}/replicationBackfills/{BACKFILL.format(0)}"
    destination = {"region": "eu-west-1", "registry_id": "222222222200"}
    return [
        row("GetRegistry", pb.GetRegistryRequest(name=NAME), 2 * _MIB),
        row("GetRegistry", pb.GetRegistryRequest(name=NAME, view=basic), 20 * _KIB),
        row("GetRegistry", pb.GetRegistryRequest(name=NAME, refresh=True), 2 * _MIB),
        row("ListRegistries", pb.ListRegistriesRequest(parent="accounts/-", page_size=_ALL), 20 * _KIB),
        row("ListRegistries", pb.ListRegistriesRequest(parent="accounts/-", view=full), 2 * _MIB),
        row("WatchRegistries", pb.WatchRegistriesRequest(parent="accounts/-"), 20 * _KIB),
        row("WatchRegistries", pb.WatchRegistriesRequest(parent="accounts/-", view=full), 2 * _MIB),
        row("ListRegistryElements", pb.ListRegistryElementsRequest(parent=NAME, page_size=_ALL), _MIB),
        row("UpdateRegistry", pb.UpdateRegistryRequest(registry=registry, validate_only=True), 2 * _MIB),
        row("UpdateRegistry", pb.UpdateRegistryRequest(registry=registry), 2 * _MIB),
        row("ReconcileRegistry", pb.ReconcileRegistryRequest(name=f"accounts/500000000000/registries/{PLACES[0]}"),
            20 * _KIB),
        row("CheckReplication", pb.CheckReplicationRequest(name=NAME), 60 * _KIB),
        row("ExplainRepository", pb.ExplainRepositoryRequest(name=NAME, repository="00000-xxx/app"), 2 * _MIB),
        row("ValidatePullThroughCacheRule",
            pb.ValidatePullThroughCacheRuleRequest(name=NAME, ecr_repository_prefix="quay"), 500),
        row("StartReplicationBackfill",
            pb.StartReplicationBackfillRequest(parent=OTHER, destination=destination),
            reason="an operation of one caller"),
        row("ListImageReplicationStatuses",
            pb.ListImageReplicationStatusesRequest(parent=OTHER, destination=destination, page_size=_ALL), 30 * _KIB),
        row("ListReplicationBackfills",
            pb.ListReplicationBackfillsRequest(parent=NAME, page_size=_ALL), 100 * _KIB),
        row("GetReplicationBackfill", pb.GetReplicationBackfillRequest(name=backfill), _KIB),
        row("ListReplicationBackfillResults",
            pb.ListReplicationBackfillResultsRequest(name=backfill, page_size=_ALL), _MIB),
        row("StopReplicationBackfill", pb.StopReplicationBackfillRequest(name=backfill), _KIB),
    ]  # fmt: skip


def _declarations() -> list[Row]:
    def row(method: str, request: Message, minimum: int = 0, **more: Any) -> Row:
        return Row(f"/ecrkeeper.v1.RegistrySettingsService/{method}", request, minimum, **more)

    settings = settings_from_aws({largest.REPLICATION: largest.replication(256)})
    large = registry_pb2.RegistrySettings(settings=settings)
    kept = registry_pb2.RegistrySettings(name=OWNED, allow_replacement=True)
    mask = FieldMask(paths=["allow_replacement"])
    created = {"parent": OTHER, "registry_settings_id": "large", "registry_settings": large}
    imported: dict[str, Any] = {"name": OTHER, "registry_settings_id": "imported", "settings": [largest.REPLICATION]}
    return [
        row("GetRegistrySettings", pb.GetRegistrySettingsRequest(name=OWNED), _MIB),
        row("ListRegistrySettings", pb.ListRegistrySettingsRequest(parent="accounts/-/registries/-", page_size=_ALL),
            _MIB),
        row("ListRegistrySettingsRevisions",
            pb.ListRegistrySettingsRevisionsRequest(name=OWNED, page_size=_ALL), _MIB),
        row("CreateRegistrySettings", pb.CreateRegistrySettingsRequest(**created, validate_only=True), 600 * _KIB),
        row("CreateRegistrySettings", pb.CreateRegistrySettingsRequest(**created), 600 * _KIB),
        row("UpdateRegistrySettings",
            pb.UpdateRegistrySettingsRequest(registry_settings=kept, update_mask=mask, validate_only=True), _MIB),
        row("UpdateRegistrySettings",
            pb.UpdateRegistrySettingsRequest(registry_settings=kept, update_mask=mask), _MIB),
        row("RollbackRegistrySettings",
            pb.RollbackRegistrySettingsRequest(name=OWNED, revision=1, validate_only=True), 40 * _KIB),
        row("RollbackRegistrySettings",
            pb.RollbackRegistrySettingsRequest(name=OWNED, revision=2, validate_only=True), _MIB),
        row("DeleteRegistrySettings", pb.DeleteRegistrySettingsRequest(name=OWNED, validate_only=True), _MIB),
        row("DeleteRegistrySettings", pb.DeleteRegistrySettingsRequest(name=f"{OTHER}/settings/large"), 600 * _KIB),
        row("ImportRegistrySettings", pb.ImportRegistrySettingsRequest(**imported, validate_only=True), 600 * _KIB),
        row("ImportRegistrySettings", pb.ImportRegistrySettingsRequest(**imported), 600 * _KIB),
    ]  # fmt: skip


def _roles() -> list[Row]:
    def row(method: str, request: Message, minimum: int = 0, **more: Any) -> Row:
        return Row(f"/ecrkeeper.v1.RoleService/{method}", request, minimum, **more)

    changed = role_pb2.ServiceLinkedRole(name=ROLE, description="d" * 1_000, tags=dict.fromkeys(TAGS, "w" * 256))
    created: dict[str, Any] = {
        "parent": "accounts/999999999999", "service_linked_role_id": "replication",
        "service_linked_role": role_pb2.ServiceLinkedRole(description="d" * 1_000, tags=TAGS),
    }  # fmt: skip
    return [
        row("GetServiceLinkedRole", roles.GetServiceLinkedRoleRequest(name=ROLE), 50 * _KIB),
        row("GetServiceLinkedRole", roles.GetServiceLinkedRoleRequest(name=ROLE, refresh=True), 40 * _KIB),
        row("ListServiceLinkedRoles", roles.ListServiceLinkedRolesRequest(parent="accounts/-", page_size=_ALL), _MIB),
        row("WatchServiceLinkedRoles", roles.WatchServiceLinkedRolesRequest(parent="accounts/-"), 50 * _KIB),
        row("UpdateServiceLinkedRole",
            roles.UpdateServiceLinkedRoleRequest(service_linked_role=changed, validate_only=True), 80 * _KIB),
        row("UpdateServiceLinkedRole", roles.UpdateServiceLinkedRoleRequest(service_linked_role=changed), 50 * _KIB),
        row("CreateServiceLinkedRole",
            roles.CreateServiceLinkedRoleRequest(**created, validate_only=True), 20 * _KIB),
        row("CreateServiceLinkedRole", roles.CreateServiceLinkedRoleRequest(**created), 20 * _KIB),
        row("CheckServiceLinkedRoleUsage", roles.CheckServiceLinkedRoleUsageRequest(name=ROLE), 100 * _KIB),
        row("ReconcileServiceLinkedRole",
            roles.ReconcileServiceLinkedRoleRequest(name="accounts/111111111113/serviceLinkedRoles/replication"),
            20 * _KIB),
        row("ListSupportedRegions", roles.ListSupportedRegionsRequest(), 5_000),
    ]  # fmt: skip


def _fleet() -> list[Row]:
    def row(method: str, request: Message, minimum: int = 0, **more: Any) -> Row:
        return Row(f"/ecrkeeper.v1.FleetService/{method}", request, minimum, **more)

    account = "accounts/300000000000"
    labels = {f"k{i:03}".ljust(128, "k"): "w" * 256 for i in range(50)}
    written = fleet_pb2.Account(display_name="d" * 256, labels=labels, organizational_unit="o" * 1_024)
    changed = fleet_pb2.Account(name="accounts/300000000069", labels=labels)
    content = set_content(spec())
    update = fleet_pb2.RegistrySet(name=SET_NAME)
    update.MergeFrom(content)
    return [
        row("GetFleet", fleet.GetFleetRequest(name="fleet"), 800 * _KIB),
        row("CreateAccount", fleet.CreateAccountRequest(account_id="999999999998", account=written), 20 * _KIB),
        row("UpdateAccount", fleet.UpdateAccountRequest(account=changed), 20 * _KIB),
        row("GetAccount", fleet.GetAccountRequest(name=account), 20 * _KIB),
        row("ListAccounts", fleet.ListAccountsRequest(page_size=_ALL), _MIB),
        row("DeleteAccount", fleet.DeleteAccountRequest(name="accounts/999999999998"), reason="empty"),
        row("CreateRegistrySet",
            fleet.CreateRegistrySetRequest(registry_set_id="other", registry_set=content, validate_only=True), _MIB),
        row("CreateRegistrySet", fleet.CreateRegistrySetRequest(registry_set_id="other", registry_set=content),
            600 * _KIB),
        row("UpdateRegistrySet",
            fleet.UpdateRegistrySetRequest(registry_set=update, validate_only=True), _MIB),
        row("GetRegistrySet", fleet.GetRegistrySetRequest(name=SET_NAME), 600 * _KIB),
        row("ListRegistrySets", fleet.ListRegistrySetsRequest(page_size=_ALL), _MIB),
        row("ListRegistrySetTargets",
            fleet.ListRegistrySetTargetsRequest(parent=f"registrySets/{WIDE_SET}", page_size=_ALL), 64 * _KIB),
        row("ListRegistrySetRevisions",
            fleet.ListRegistrySetRevisionsRequest(parent=SET_NAME, page_size=_ALL), _MIB),
        row("DeleteRegistrySet", fleet.DeleteRegistrySetRequest(name=SET_NAME, validate_only=True), _MIB),
    ]  # fmt: skip


def _rollouts() -> list[Row]:
    def row(method: str, request: Message, minimum: int = 0, **more: Any) -> Row:
        return Row(f"/ecrkeeper.v1.FleetService/{method}", request, minimum, **more)

    def name(state: str) -> str:
        return f"registrySets/{state}/rollouts/1"

    ended = f"{SET_NAME}/rollouts/3"
    return [
        row("GetRollout", fleet.GetRolloutRequest(name=ended), 800 * _KIB),
        row("ListRollouts", fleet.ListRolloutsRequest(parent=SET_NAME, page_size=_ALL), 800 * _KIB),
        row("ListRolloutTargets", fleet.ListRolloutTargetsRequest(parent=ended, page_size=_ALL), _MIB),
        row("WatchRollout", fleet.WatchRolloutRequest(name=name("running")), 800 * _KIB),
        row("PauseRollout", fleet.PauseRolloutRequest(name=name("running")), 800 * _KIB),
        row(
            "ApproveRollout",
            fleet.ApproveRolloutRequest(name=name("awaiting-approval")),
            code="FAILED_PRECONDITION",
            reason="another principal has to approve",
        ),
        row("ResumeRollout", fleet.ResumeRolloutRequest(name=name("paused")), 800 * _KIB),
        row("CancelRollout", fleet.CancelRolloutRequest(name=name("rolling-back")), 800 * _KIB),
        row("RollBackRollout", fleet.RollBackRolloutRequest(name=name("halted")), 800 * _KIB),
    ]


def _audit() -> list[Row]:
    def row(method: str, request: Message, minimum: int) -> Row:
        return Row(f"/ecrkeeper.v1.AuditService/{method}", request, minimum)

    return [
        row("GetAuditEvent", audit.GetAuditEventRequest(name="auditEvents/1"), 200 * _KIB),
        row("ListAuditEvents", audit.ListAuditEventsRequest(page_size=_ALL), _MIB),
        row("WatchAuditEvents", audit.WatchAuditEventsRequest(start_time=Timestamp(seconds=1)), 200 * _KIB),
    ]


def _server() -> list[Row]:
    reflected = reflection_pb2.ServerReflectionRequest(file_containing_symbol="ecrkeeper.v1.RegistrySettingsService")
    service, health = "/ecrkeeper.v1.ServerService", "/grpc.health.v1.Health"
    identity = server.GetAwsIdentityRequest(parent=ACCOUNT)
    return [
        Row(f"{service}/GetServerInfo", server.GetServerInfoRequest(), reason="the server's setup"),
        Row(f"{service}/WhoAmI", server.WhoAmIRequest(resource=NAME), reason="the names in the caller's metadata"),
        Row(f"{service}/GetAwsIdentity", identity, 500),
        Row(f"{health}/Check", health_pb2.HealthCheckRequest(), reason="one status"),
        Row(f"{health}/Watch", health_pb2.HealthCheckRequest(), reason="one status"),
        # gRPC's stubs lack it.
        Row(f"{health}/List", getattr(health_pb2, "HealthListRequest")(), 200),  # noqa: B009
        Row("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", reflected, 300 * _KIB),
        Row("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", reflected, 300 * _KIB),
    ]


def _operations(ids: dict[str, str]) -> list[Row]:
    def row(method: str, request: Message, minimum: int = 0, **more: Any) -> Row:
        return Row(f"/google.longrunning.Operations/{method}", request, minimum, **more)

    pb = operations_pb2
    ended, running = f"operations/{ids['deletion']}", f"operations/{ids['running']}"
    return [
        row("GetOperation", pb.GetOperationRequest(name=ended), 500 * _KIB),
        row("GetOperation", pb.GetOperationRequest(name=f"operations/{ids['registry']}"), 40 * _KIB),
        row("WaitOperation", pb.WaitOperationRequest(name=ended), 500 * _KIB),
        row("ListOperations", pb.ListOperationsRequest(page_size=_ALL), 700 * _KIB),
        row("DeleteOperation", pb.DeleteOperationRequest(name=ended), reason="empty"),
        row(
            "CancelOperation",
            pb.CancelOperationRequest(name=running),
            code="FAILED_PRECONDITION",
            reason="operations follow declarations",
        ),
    ]


def _deletions() -> list[Row]:
    service = "/ecrkeeper.v1"
    joined = "accounts/111111111112/serviceLinkedRoles/replication"
    deleted = [roles.DeleteServiceLinkedRoleRequest(name=name, force_delete_adopted=True) for name in (ROLE, joined)]
    missing = pb.DeleteRegistryRequest(name="accounts/888888888888/registries/us-east-1", allow_missing=True)
    return [
        Row(f"{service}.RoleService/DeleteServiceLinkedRole", deleted[0]),
        Row(f"{service}.RoleService/DeleteServiceLinkedRole", deleted[1], 500 * _KIB),
        Row(f"{service}.RegistrySettingsService/DeleteRegistry", missing, reason="empty"),
        Row(
            f"{service}.RegistrySettingsService/DeleteRegistry",
            pb.DeleteRegistryRequest(name=NAME),
            code="FAILED_PRECONDITION",
            reason="1,201 owners declare it",
        ),
    ]
