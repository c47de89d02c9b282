"""The calls of `RegistrySettingsService` on registries, one function for each RPC."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from google.protobuf.empty_pb2 import Empty
from google.protobuf.field_mask_pb2 import FieldMask

from ecrkeeper._base import LongRunning, Paged, Unary, Watched
from ecrkeeper._messages import enum_value, field_mask, message_of
from ecrkeeper.v1 import registry_settings_service_pb2 as pb
from ecrkeeper.v1.common_pb2 import DeletionPolicy
from ecrkeeper.v1.registry_pb2 import (
    Element,
    ImageReplicationStatus,
    Registry,
    RegistryView,
    ReplicationBackfill,
    ReplicationBackfillResult,
)
from ecrkeeper.v1.settings_pb2 import ReplicationDestination


def get_registry(
    name: str,
    *,
    refresh: bool = False,
    view: RegistryView | str = RegistryView.FULL,
    timeout: float | None = None,
) -> Unary[Registry]:
    """Returns one registry; with `refresh`, observes AWS first.

    NotFound if the registry is not stored, unless `refresh` is set.

    `view` is BASIC for the state without the settings, or FULL; `truncated_fields` names lists that
    are cut.
    """
    request = pb.GetRegistryRequest(name=name, refresh=refresh, view=enum_value(RegistryView, view, "view"))
    return Unary(Registry, request, timeout)


def list_registries(
    parent: str = "accounts/-",
    filter: str = "",
    *,
    page_size: int = 0,
    page_token: str = "",
    view: RegistryView | str = RegistryView.BASIC,
    timeout: float | None = None,
) -> Paged[Registry, pb.ListRegistriesResponse]:
    """Lists the registries of one account or of all, ordered by name.

    InvalidArgument for an invalid filter.

    `view` is BASIC for the state without the settings, or FULL.
    """
    request = pb.ListRegistriesRequest(
        parent=parent,
        filter=filter,
        page_size=page_size,
        page_token=page_token,
        view=enum_value(RegistryView, view, "view"),
    )
    return Paged(Unary(pb.ListRegistriesResponse, request, timeout), lambda page: page.registries)


def list_registry_elements(
    parent: str,
    filter: str = "",
    *,
    page_size: int = 0,
    page_token: str = "",
    timeout: float | None = None,
) -> Paged[Element, pb.ListRegistryElementsResponse]:
    """Lists the elements of a registry with their values, ordered by setting and key.

    A filter such as `state = OUT_OF_SYNC` selects some. NotFound; InvalidArgument for an invalid
    filter.
    """
    request = pb.ListRegistryElementsRequest(parent=parent, filter=filter, page_size=page_size, page_token=page_token)
    return Paged(Unary(pb.ListRegistryElementsResponse, request, timeout), lambda page: page.elements)


def update_registry(
    registry: Registry | Mapping[str, Any],
    update_mask: FieldMask | Mapping[str, Any] | Iterable[str] | None = None,
    *,
    validate_only: bool = False,
    plan_digest: str = "",
    request_id: str = "",
    timeout: float | None = None,
) -> Unary[Registry]:
    """Updates the masked fields `mode` and `unmanaged_elements`.

    Without a mask, those set.

    The registry may be a dictionary such as `{"name": ..., "mode": "PAUSED"}`. InvalidArgument; Conflict if its
    etag or the plan is stale.
    """
    request = pb.UpdateRegistryRequest(
        registry=message_of(Registry, registry, "registry"),
        update_mask=field_mask(update_mask),
        validate_only=validate_only,
        plan_digest=plan_digest,
        request_id=request_id,
    )
    return Unary(Registry, request, timeout)


def delete_registry(
    name: str,
    *,
    etag: str = "",
    allow_missing: bool = False,
    deletion_policy: DeletionPolicy | str | None = None,
    validate_only: bool = False,
    request_id: str = "",
    timeout: float | None = None,
) -> Unary[Empty]:
    """Deletes the record of a registry without declarations; AWS stays as it is.

    FailedPrecondition while owners declare settings, while operations run, and while AWS holds
    elements that ecrkeeper is to remove, unless the policy is `ABANDON`; NotFound unless
    `allow_missing` is set; Conflict.
    """
    request = pb.DeleteRegistryRequest(
        name=name,
        etag=etag,
        allow_missing=allow_missing,
        deletion_policy=enum_value(DeletionPolicy, deletion_policy, "deletion_policy"),
        validate_only=validate_only,
        request_id=request_id,
    )
    return Unary(Empty, request, timeout)


def watch_registries(
    parent: str = "accounts/-",
    filter: str = "",
    *,
    view: RegistryView | str = RegistryView.BASIC,
    timeout: float | None = None,
) -> Watched[pb.WatchRegistriesResponse]:
    """Streams registries: a snapshot, then each change.

    Continues after an interruption.

    `view` is BASIC for the state without the settings, or FULL. Unavailable if the first connection
    fails; DeadlineExceeded after `timeout`.
    """
    chosen = enum_value(RegistryView, view, "view")
    request = pb.WatchRegistriesRequest(parent=parent, filter=filter, view=chosen)
    return Watched(pb.WatchRegistriesResponse, request, timeout)


def reconcile_registry(name: str, *, request_id: str = "", timeout: float | None = None) -> LongRunning[Registry]:
    """Reconciles a registry at once; done when AWS matches its current generation.

    NotFound.

    The result is the registry's basic view at the end of the operation.
    """
    return LongRunning(Registry, pb.ReconcileRegistryRequest(name=name, request_id=request_id), timeout)


def validate_pull_through_cache_rule(
    name: str, ecr_repository_prefix: str, *, timeout: float | None = None
) -> Unary[pb.ValidatePullThroughCacheRuleResponse]:
    """Makes ECR log in to the upstream of a cache rule, and returns the result.

    NotFound if ECR has no rule with this prefix.
    """
    request = pb.ValidatePullThroughCacheRuleRequest(name=name, ecr_repository_prefix=ecr_repository_prefix)
    return Unary(pb.ValidatePullThroughCacheRuleResponse, request, timeout)


def check_replication(name: str, *, timeout: float | None = None) -> Unary[pb.CheckReplicationResponse]:
    """Checks for each replication destination which images can arrive there."""
    return Unary(pb.CheckReplicationResponse, pb.CheckReplicationRequest(name=name), timeout)


def explain_repository(
    name: str, repository: str, *, timeout: float | None = None
) -> Unary[pb.ExplainRepositoryResponse]:
    """Returns the settings that apply to one repository name, and their owners."""
    return Unary(pb.ExplainRepositoryResponse, pb.ExplainRepositoryRequest(name=name, repository=repository), timeout)


def start_replication_backfill(
    parent: str,
    destination: ReplicationDestination | Mapping[str, Any],
    *,
    validate_only: bool = False,
    request_id: str = "",
    timeout: float | None = None,
) -> LongRunning[ReplicationBackfill]:
    """Copies the existing images of a registry to one of its replication destinations.

    The destination may be a dictionary in AWS's shape. FailedPrecondition if it is not in the
    replication configuration, or if a backfill to it is running. If ECR rejects the backfill later,
    for example as one of more than 10 at a time, the operation ends with that error.
    """
    request = pb.StartReplicationBackfillRequest(
        parent=parent,
        destination=message_of(ReplicationDestination, destination, "destination"),
        validate_only=validate_only,
        request_id=request_id,
    )
    return LongRunning(ReplicationBackfill, request, timeout)


def stop_replication_backfill(name: str, *, timeout: float | None = None) -> Unary[ReplicationBackfill]:
    """Stops a backfill. NotFound."""
    return Unary(ReplicationBackfill, pb.StopReplicationBackfillRequest(name=name), timeout)


def get_replication_backfill(
    name: str, *, refresh: bool = False, timeout: float | None = None
) -> Unary[ReplicationBackfill]:
    """Returns one backfill as ECR has it now, also without `refresh`. NotFound."""
    return Unary(ReplicationBackfill, pb.GetReplicationBackfillRequest(name=name, refresh=refresh), timeout)


def list_replication_backfills(
    parent: str, *, page_size: int = 0, page_token: str = "", timeout: float | None = None
) -> Paged[ReplicationBackfill, pb.ListReplicationBackfillsResponse]:
    """Lists the backfills of a registry, newest first."""
    request = pb.ListReplicationBackfillsRequest(parent=parent, page_size=page_size, page_token=page_token)
    return Paged(Unary(pb.ListReplicationBackfillsResponse, request, timeout), lambda page: page.replication_backfills)


def list_image_replication_statuses(
    parent: str,
    destination: ReplicationDestination | Mapping[str, Any],
    *,
    repository_prefixes: Sequence[str] = (),
    page_size: int = 0,
    page_token: str = "",
    timeout: float | None = None,
) -> Paged[ImageReplicationStatus, pb.ListImageReplicationStatusesResponse]:
    """Lists the images of a registry with their replication status at one destination.

    A page takes seconds, because ECR reports the status of one image at a time. FailedPrecondition if the registry is
    paused.
    """
    request = pb.ListImageReplicationStatusesRequest(
        parent=parent,
        destination=message_of(ReplicationDestination, destination, "destination"),
        repository_prefixes=repository_prefixes,
        page_size=page_size,
        page_token=page_token,
    )
    return Paged(
        Unary(pb.ListImageReplicationStatusesResponse, request, timeout), lambda page: page.image_replication_statuses
    )


def list_replication_backfill_results(
    name: str,
    *,
    status: str = "",
    page_size: int = 0,
    page_token: str = "",
    timeout: float | None = None,
) -> Paged[ReplicationBackfillResult, pb.ListReplicationBackfillResultsResponse]:
    """Lists the result of each image of a finished backfill. NotFound.

    `status` is COMPLETE, FAILED or empty for both.
    """
    request = pb.ListReplicationBackfillResultsRequest(
        name=name, status=status, page_size=page_size, page_token=page_token
    )
    return Paged(Unary(pb.ListReplicationBackfillResultsResponse, request, timeout), lambda page: page.results)
