"""The calls of `RegistrySettingsService` on replication backfills and images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ecrkeeper._base import LongRunning, Paged, Unary
from ecrkeeper._messages import message_of
from ecrkeeper.v1 import registry_settings_service_pb2 as pb
from ecrkeeper.v1.registry_pb2 import ImageReplicationStatus, ReplicationBackfill, ReplicationBackfillResult
from ecrkeeper.v1.settings_pb2 import ReplicationDestination


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
