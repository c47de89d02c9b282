"""The calls of `RegistrySettingsService` that concern a registry as a whole, one function for each RPC."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from google.protobuf.empty_pb2 import Empty
from google.protobuf.field_mask_pb2 import FieldMask

from ecrkeeper._base import LongRunning, Paged, Unary, Watched
from ecrkeeper._messages import enum_value, field_mask, message_of
from ecrkeeper.v1 import registry_settings_service_pb2 as pb
from ecrkeeper.v1.common_pb2 import DeletionPolicy
from ecrkeeper.v1.registry_pb2 import (
    Element,
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
    """Returns one registry, with `refresh` as AWS has it now. NotFound if nobody declared it, unless `refresh`.

    `view` is BASIC for the state without the settings, or FULL; lists that are cut are in `truncated_fields`.
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
    """Lists the registries of one account or of all, ordered by name. InvalidArgument for a filter with faults.

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
    """Lists the elements of a registry one by one with their values, ordered by setting and key.

    A filter such as `state = OUT_OF_SYNC` selects some. NotFound; InvalidArgument for a filter with faults.
    """
    request = pb.ListRegistryElementsRequest(parent=parent, filter=filter, page_size=page_size, page_token=page_token)
    return Paged(Unary(pb.ListRegistryElementsResponse, request, timeout), lambda page: page.elements)


def update_registry(
    registry: Registry | Mapping[str, Any],
    update_mask: FieldMask | Mapping[str, Any] | Iterable[str] | None = None,
    *,
    validate_only: bool = False,
    request_id: str = "",
    timeout: float | None = None,
) -> Unary[Registry]:
    """Changes `mode` and `unmanaged_elements` of a registry, as the mask names them; without one, what is set.

    The registry may be a dictionary such as `{"name": ..., "mode": "PAUSED"}`. InvalidArgument; Conflict if its
    etag is stale.
    """
    request = pb.UpdateRegistryRequest(
        registry=message_of(Registry, registry, "registry"),
        update_mask=field_mask(update_mask),
        validate_only=validate_only,
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
    """Forgets a registry that nobody declares anything for; AWS stays as it is.

    FailedPrecondition while owners declare something, while operations run, and while elements are still to be removed
    from AWS unless the policy is `ABANDON`; NotFound unless `allow_missing`; Conflict.
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
    """Streams registries: all that match now, then each change; it goes on after the server was away.

    `view` is BASIC for the state without the settings, or FULL.
    Unavailable if the server cannot be reached at first; DeadlineExceeded if a timeout was given.
    """
    chosen = enum_value(RegistryView, view, "view")
    request = pb.WatchRegistriesRequest(parent=parent, filter=filter, view=chosen)
    return Watched(pb.WatchRegistriesResponse, request, timeout)


def reconcile_registry(name: str, *, request_id: str = "", timeout: float | None = None) -> LongRunning[Registry]:
    """Looks at AWS now and corrects what differs; done when AWS matches the generation of the call. NotFound.

    The result is the basic view of the registry at the end of the operation, which keeps it.
    """
    return LongRunning(Registry, pb.ReconcileRegistryRequest(name=name, request_id=request_id), timeout)


def validate_pull_through_cache_rule(
    name: str, ecr_repository_prefix: str, *, timeout: float | None = None
) -> Unary[pb.ValidatePullThroughCacheRuleResponse]:
    """Lets ECR log in to the upstream of a cache rule and says whether that works.

    NotFound if ECR has no rule with this prefix.
    """
    request = pb.ValidatePullThroughCacheRuleRequest(name=name, ecr_repository_prefix=ecr_repository_prefix)
    return Unary(pb.ValidatePullThroughCacheRuleResponse, request, timeout)


def check_replication(name: str, *, timeout: float | None = None) -> Unary[pb.CheckReplicationResponse]:
    """Checks for each replication destination whether images can arrive there."""
    return Unary(pb.CheckReplicationResponse, pb.CheckReplicationRequest(name=name), timeout)


def explain_repository(
    name: str, repository: str, *, timeout: float | None = None
) -> Unary[pb.ExplainRepositoryResponse]:
    """Says which settings of a registry apply to one repository name, and who declares them."""
    return Unary(pb.ExplainRepositoryResponse, pb.ExplainRepositoryRequest(name=name, repository=repository), timeout)


def start_replication_backfill(
    parent: str,
    destination: ReplicationDestination | Mapping[str, Any],
    *,
    validate_only: bool = False,
    request_id: str = "",
    timeout: float | None = None,
) -> LongRunning[ReplicationBackfill]:
    """Copies what a registry already holds to one of its destinations, a message or a dictionary in AWS's shape.

    FailedPrecondition if the destination is not in the replication configuration or is being filled already. What ECR
    refuses later, such as more than 10 at a time, is the error of the operation.
    """
    request = pb.StartReplicationBackfillRequest(
        parent=parent,
        destination=message_of(ReplicationDestination, destination, "destination"),
        validate_only=validate_only,
        request_id=request_id,
    )
    return LongRunning(ReplicationBackfill, request, timeout)


def stop_replication_backfill(name: str, *, timeout: float | None = None) -> Unary[ReplicationBackfill]:
    """Asks ECR to stop a backfill. NotFound."""
    return Unary(ReplicationBackfill, pb.StopReplicationBackfillRequest(name=name), timeout)


def get_replication_backfill(
    name: str, *, refresh: bool = False, timeout: float | None = None
) -> Unary[ReplicationBackfill]:
    """Returns one backfill as ECR has it now, with or without `refresh`. NotFound."""
    return Unary(ReplicationBackfill, pb.GetReplicationBackfillRequest(name=name, refresh=refresh), timeout)


def list_replication_backfills(
    parent: str, *, page_size: int = 0, page_token: str = "", timeout: float | None = None
) -> Paged[ReplicationBackfill, pb.ListReplicationBackfillsResponse]:
    """Lists the backfills of a registry, newest first."""
    request = pb.ListReplicationBackfillsRequest(parent=parent, page_size=page_size, page_token=page_token)
    return Paged(Unary(pb.ListReplicationBackfillsResponse, request, timeout), lambda page: page.replication_backfills)


def list_replication_backfill_results(
    name: str,
    *,
    status: str = "",
    page_size: int = 0,
    page_token: str = "",
    timeout: float | None = None,
) -> Paged[ReplicationBackfillResult, pb.ListReplicationBackfillResultsResponse]:
    """Lists how each image of a finished backfill fared; `status` is COMPLETE, FAILED or empty for both. NotFound."""
    request = pb.ListReplicationBackfillResultsRequest(
        name=name, status=status, page_size=page_size, page_token=page_token
    )
    return Paged(Unary(pb.ListReplicationBackfillResultsResponse, request, timeout), lambda page: page.results)
