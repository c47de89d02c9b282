"""The calls of `FleetService` that concern registry sets.

Each RPC has one function.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask

from ecrkeeper._base import Paged, Unary
from ecrkeeper._messages import field_mask, message_of
from ecrkeeper.v1 import fleet_service_pb2 as pb
from ecrkeeper.v1.fleet_pb2 import RegistrySet, RegistrySetRevision, RegistrySetTarget


def create_registry_set(
    registry_set_id: str,
    registry_set: RegistrySet | Mapping[str, Any],
    *,
    validate_only: bool = False,
    reason: str = "",
    request_id: str = "",
    timeout: float | None = None,
) -> Unary[RegistrySet]:
    """Create a registry set and start its first rollout.

    Settings in a dictionary have AWS's shape.

    InvalidArgument; AlreadyExists; PermissionDenied if it reaches registries for which the caller may not declare.
    """
    request = pb.CreateRegistrySetRequest(
        registry_set_id=registry_set_id,
        registry_set=message_of(RegistrySet, registry_set, "registry_set"),
        validate_only=validate_only,
        reason=reason,
        request_id=request_id,
    )
    return Unary(RegistrySet, request, timeout)


def update_registry_set(
    registry_set: RegistrySet | Mapping[str, Any],
    update_mask: FieldMask | Mapping[str, Any] | Iterable[str] | None = None,
    *,
    allow_missing: bool = False,
    validate_only: bool = False,
    allow_removals: int = 0,
    supersede: bool = False,
    reason: str = "",
    request_id: str = "",
    timeout: float | None = None,
) -> Unary[RegistrySet]:
    """Update a registry set and start or queue a rollout.

    Without a mask, the fields that are set are updated.

    `allow_removals` confirms the number of targets that lose elements. `supersede` replaces the queued revision, or
    cancels the rollout that is under way.

    InvalidArgument; NotFound unless `allow_missing`; Conflict if the etag is stale; FailedPrecondition if too many
    targets lose elements or another revision is queued; PermissionDenied as for a creation.
    """
    request = pb.UpdateRegistrySetRequest(
        registry_set=message_of(RegistrySet, registry_set, "registry_set"),
        update_mask=field_mask(update_mask),
        allow_missing=allow_missing,
        validate_only=validate_only,
        allow_removals=allow_removals,
        supersede=supersede,
        reason=reason,
        request_id=request_id,
    )
    return Unary(RegistrySet, request, timeout)


def get_registry_set(name: str, *, timeout: float | None = None) -> Unary[RegistrySet]:
    """Return one registry set, `registrySets/{set}`. NotFound."""
    return Unary(RegistrySet, pb.GetRegistrySetRequest(name=name), timeout)


def list_registry_sets(
    *, page_size: int = 0, page_token: str = "", timeout: float | None = None
) -> Paged[RegistrySet, pb.ListRegistrySetsResponse]:
    """List the registry sets, ordered by name."""
    request = pb.ListRegistrySetsRequest(page_size=page_size, page_token=page_token)
    return Paged(Unary(pb.ListRegistrySetsResponse, request, timeout), lambda page: page.registry_sets)


def delete_registry_set(
    name: str,
    *,
    etag: str = "",
    allow_missing: bool = False,
    validate_only: bool = False,
    allow_removals: int = 0,
    supersede: bool = False,
    reason: str = "",
    request_id: str = "",
    timeout: float | None = None,
) -> Unary[RegistrySet]:
    """Start the deletion of a registry set, which releases its targets in waves.

    The errors are those of an update.
    """
    request = pb.DeleteRegistrySetRequest(
        name=name,
        etag=etag,
        allow_missing=allow_missing,
        validate_only=validate_only,
        allow_removals=allow_removals,
        supersede=supersede,
        reason=reason,
        request_id=request_id,
    )
    return Unary(RegistrySet, request, timeout)


def list_registry_set_targets(
    parent: str, *, page_size: int = 0, page_token: str = "", timeout: float | None = None
) -> Paged[RegistrySetTarget, pb.ListRegistrySetTargetsResponse]:
    """List the registries that a set matches or declares for, ordered by name.

    NotFound.
    """
    request = pb.ListRegistrySetTargetsRequest(parent=parent, page_size=page_size, page_token=page_token)
    return Paged(Unary(pb.ListRegistrySetTargetsResponse, request, timeout), lambda page: page.targets)


def list_registry_set_revisions(
    parent: str, *, page_size: int = 0, page_token: str = "", timeout: float | None = None
) -> Paged[RegistrySetRevision, pb.ListRegistrySetRevisionsResponse]:
    """List the revisions of a registry set, newest first. NotFound."""
    request = pb.ListRegistrySetRevisionsRequest(parent=parent, page_size=page_size, page_token=page_token)
    return Paged(Unary(pb.ListRegistrySetRevisionsResponse, request, timeout), lambda page: page.revisions)
