"""The calls of `RegistrySettingsService` on registries, one function for each RPC."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from google.protobuf.empty_pb2 import Empty
from google.protobuf.field_mask_pb2 import FieldMask

from ecrkeeper._base import LongRunning, Paged, Unary, Watched
from ecrkeeper._messages import enum_value, field_mask, message_of
from ecrkeeper.v1 import registry_settings_service_pb2 as pb
from ecrkeeper.v1.common_pb2 import DeletionPolicy
from ecrkeeper.v1.registry_pb2 import Element, Registry, RegistryView


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
