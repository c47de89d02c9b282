"""The calls of `RegistrySettingsService` on revisions, one function for each RPC."""

from __future__ import annotations

from ecrkeeper._base import Paged, Unary
from ecrkeeper.v1 import registry_settings_service_pb2 as pb
from ecrkeeper.v1.registry_pb2 import RegistrySettings, RegistrySettingsRevision


def list_registry_settings_revisions(
    name: str, *, page_size: int = 0, page_token: str = "", timeout: float | None = None
) -> Paged[RegistrySettingsRevision, pb.ListRegistrySettingsRevisionsResponse]:
    """Lists the revisions of a declaration, newest first. NotFound."""
    request = pb.ListRegistrySettingsRevisionsRequest(name=name, page_size=page_size, page_token=page_token)
    return Paged(Unary(pb.ListRegistrySettingsRevisionsResponse, request, timeout), lambda page: page.revisions)


def rollback_registry_settings(
    name: str,
    revision: int,
    *,
    etag: str = "",
    validate_only: bool = False,
    force: bool = False,
    reason: str = "",
    plan_digest: str = "",
    request_id: str = "",
    timeout: float | None = None,
) -> Unary[RegistrySettings]:
    """Declares the content of a revision again.

    NotFound; Conflict; FailedPrecondition as for an update.
    """
    request = pb.RollbackRegistrySettingsRequest(
        name=name,
        revision=revision,
        etag=etag,
        validate_only=validate_only,
        force=force,
        reason=reason,
        plan_digest=plan_digest,
        request_id=request_id,
    )
    return Unary(RegistrySettings, request, timeout)
