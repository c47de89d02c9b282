"""The calls of `RoleService`, one function for each RPC."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from google.protobuf.empty_pb2 import Empty
from google.protobuf.field_mask_pb2 import FieldMask

from ecrkeeper._base import LongRunning, Paged, Unary, Watched
from ecrkeeper._messages import enum_value, field_mask, message_of
from ecrkeeper.v1 import role_service_pb2 as pb
from ecrkeeper.v1.common_pb2 import DeletionPolicy
from ecrkeeper.v1.role_pb2 import ServiceLinkedRole


def get_service_linked_role(
    name: str, *, refresh: bool = False, timeout: float | None = None
) -> Unary[ServiceLinkedRole]:
    """Returns one role; with `refresh`, observes IAM first.

    NotFound if ecrkeeper does not know the role, unless `refresh` is set.
    """
    return Unary(ServiceLinkedRole, pb.GetServiceLinkedRoleRequest(name=name, refresh=refresh), timeout)


def list_service_linked_roles(
    parent: str = "accounts/-",
    filter: str = "",
    *,
    page_size: int = 0,
    page_token: str = "",
    timeout: float | None = None,
) -> Paged[ServiceLinkedRole, pb.ListServiceLinkedRolesResponse]:
    """Lists the roles of one account or of all, ordered by name.

    InvalidArgument for an invalid filter.
    """
    request = pb.ListServiceLinkedRolesRequest(parent=parent, filter=filter, page_size=page_size, page_token=page_token)
    return Paged(Unary(pb.ListServiceLinkedRolesResponse, request, timeout), lambda page: page.service_linked_roles)


def create_service_linked_role(
    parent: str,
    service_linked_role_id: str,
    *,
    service_linked_role: ServiceLinkedRole | Mapping[str, Any] | None = None,
    validate_only: bool = False,
    request_id: str = "",
    timeout: float | None = None,
) -> Unary[ServiceLinkedRole]:
    """Declares a role: ecrkeeper creates it, or adopts it if the account has it.

    The role may be a dictionary. InvalidArgument; AlreadyExists if it is declared.
    """
    request = pb.CreateServiceLinkedRoleRequest(
        parent=parent,
        service_linked_role_id=service_linked_role_id,
        service_linked_role=None
        if service_linked_role is None
        else message_of(ServiceLinkedRole, service_linked_role, "service_linked_role"),
        validate_only=validate_only,
        request_id=request_id,
    )
    return Unary(ServiceLinkedRole, request, timeout)


def update_service_linked_role(
    service_linked_role: ServiceLinkedRole | Mapping[str, Any],
    update_mask: FieldMask | Mapping[str, Any] | Iterable[str] | None = None,
    *,
    allow_missing: bool = False,
    validate_only: bool = False,
    plan_digest: str = "",
    request_id: str = "",
    timeout: float | None = None,
) -> Unary[ServiceLinkedRole]:
    """Updates the masked fields `description`, `tags` and `mode`.

    Without a mask, those set.

    The role may be a dictionary. InvalidArgument; NotFound; Conflict if its etag or the plan is stale.
    """
    request = pb.UpdateServiceLinkedRoleRequest(
        service_linked_role=message_of(ServiceLinkedRole, service_linked_role, "service_linked_role"),
        update_mask=field_mask(update_mask),
        allow_missing=allow_missing,
        validate_only=validate_only,
        plan_digest=plan_digest,
        request_id=request_id,
    )
    return Unary(ServiceLinkedRole, request, timeout)


def delete_service_linked_role(
    name: str,
    *,
    etag: str = "",
    force_delete_adopted: bool = False,
    deletion_policy: DeletionPolicy | str | None = None,
    validate_only: bool = False,
    request_id: str = "",
    timeout: float | None = None,
) -> LongRunning[Empty]:
    """Deletes a role that no Region uses.

    If Regions use the role, the operation fails with a violation for each of them.

    With the policy `ABANDON` the role stays in AWS, and ecrkeeper forgets it. NotFound; Conflict; FailedPrecondition
    for an adopted role unless `force_delete_adopted` is set.
    """
    request = pb.DeleteServiceLinkedRoleRequest(
        name=name,
        etag=etag,
        force_delete_adopted=force_delete_adopted,
        deletion_policy=enum_value(DeletionPolicy, deletion_policy, "deletion_policy"),
        validate_only=validate_only,
        request_id=request_id,
    )
    return LongRunning(Empty, request, timeout)


def check_service_linked_role_usage(
    name: str, *, timeout: float | None = None
) -> Unary[pb.CheckServiceLinkedRoleUsageResponse]:
    """Returns the use of a role in each Region, and whether it can be deleted."""
    return Unary(pb.CheckServiceLinkedRoleUsageResponse, pb.CheckServiceLinkedRoleUsageRequest(name=name), timeout)


def reconcile_service_linked_role(
    name: str, *, request_id: str = "", timeout: float | None = None
) -> LongRunning[ServiceLinkedRole]:
    """Reconciles a role at once. NotFound."""
    request = pb.ReconcileServiceLinkedRoleRequest(name=name, request_id=request_id)
    return LongRunning(ServiceLinkedRole, request, timeout)


def watch_service_linked_roles(
    parent: str = "accounts/-", filter: str = "", *, timeout: float | None = None
) -> Watched[pb.WatchServiceLinkedRolesResponse]:
    """Streams roles: a snapshot, then each change; continues after an interruption.

    Unavailable if the first connection fails; DeadlineExceeded after `timeout`.
    """
    request = pb.WatchServiceLinkedRolesRequest(parent=parent, filter=filter)
    return Watched(pb.WatchServiceLinkedRolesResponse, request, timeout)


def list_supported_regions(
    partition: str = "", *, timeout: float | None = None
) -> Unary[pb.ListSupportedRegionsResponse]:
    """Lists the Regions that ECR has, of one partition or of all."""
    return Unary(pb.ListSupportedRegionsResponse, pb.ListSupportedRegionsRequest(partition=partition), timeout)
