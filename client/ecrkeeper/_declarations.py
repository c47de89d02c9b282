"""The calls of `RegistrySettingsService` on declarations, one function per RPC."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask

from ecrkeeper._base import Paged, Unary
from ecrkeeper._messages import field_mask, message_of, texts
from ecrkeeper._settings import declaration
from ecrkeeper.v1 import registry_settings_service_pb2 as pb
from ecrkeeper.v1.common_pb2 import DeletionPolicy
from ecrkeeper.v1.registry_pb2 import RegistrySettings
from ecrkeeper.v1.settings_pb2 import Settings

# All fields that a caller sets, less the group.
_ALL = ("settings", "deletion_policy", "allow_replacement")


def import_registry_settings(
    name: str,
    registry_settings_id: str,
    *,
    settings: Iterable[str] = (),
    validate_only: bool = False,
    reason: str = "",
    request_id: str = "",
    timeout: float | None = None,
) -> Unary[RegistrySettings]:
    """Creates a declaration of one owner from the settings that AWS has.

    AlreadyExists; FailedPrecondition if AWS cannot be read.
    """
    request = pb.ImportRegistrySettingsRequest(
        name=name,
        registry_settings_id=registry_settings_id,
        settings=texts("settings", settings),
        validate_only=validate_only,
        reason=reason,
        request_id=request_id,
    )
    return Unary(RegistrySettings, request, timeout)


def get_registry_settings(name: str, *, timeout: float | None = None) -> Unary[RegistrySettings]:
    """Returns the declaration of one owner for one registry. NotFound."""
    return Unary(RegistrySettings, pb.GetRegistrySettingsRequest(name=name), timeout)


def list_registry_settings(
    parent: str = "accounts/-/registries/-",
    filter: str = "",
    *,
    page_size: int = 0,
    page_token: str = "",
    timeout: float | None = None,
) -> Paged[RegistrySettings, pb.ListRegistrySettingsResponse]:
    """Lists the declarations for one registry or for all, ordered by name.

    InvalidArgument for an invalid filter.
    """
    request = pb.ListRegistrySettingsRequest(parent=parent, filter=filter, page_size=page_size, page_token=page_token)
    return Paged(Unary(pb.ListRegistrySettingsResponse, request, timeout), lambda page: page.registry_settings)


def create_registry_settings(
    parent: str,
    registry_settings_id: str,
    *,
    settings: Settings | Mapping[str, Any],
    deletion_policy: DeletionPolicy | str | None = None,
    allow_replacement: bool = False,
    apply_group: str = "",
    validate_only: bool = False,
    force: bool = False,
    reason: str = "",
    plan_digest: str = "",
    request_id: str = "",
    timeout: float | None = None,
) -> Unary[RegistrySettings]:
    """Creates the declaration of a new owner.

    Settings may be a dictionary in AWS's shape. With `plan_digest`, Conflict if the plan is stale.

    InvalidArgument; AlreadyExists; FailedPrecondition if another owner declares a different value
    for an element, unless `force` is set; ResourceExhausted if an AWS quota is exceeded.
    """
    request = pb.CreateRegistrySettingsRequest(
        parent=parent,
        registry_settings_id=registry_settings_id,
        registry_settings=declaration(
            "",
            settings,
            deletion_policy=deletion_policy,
            allow_replacement=allow_replacement,
            apply_group=apply_group,
        ),
        validate_only=validate_only,
        force=force,
        reason=reason,
        plan_digest=plan_digest,
        request_id=request_id,
    )
    return Unary(RegistrySettings, request, timeout)


def apply_registry_settings(
    name: str,
    settings: Settings | Mapping[str, Any],
    *,
    deletion_policy: DeletionPolicy | str | None = None,
    allow_replacement: bool = False,
    apply_group: str | None = None,
    etag: str = "",
    validate_only: bool = False,
    force: bool = False,
    reason: str = "",
    plan_digest: str = "",
    request_id: str = "",
    timeout: float | None = None,
) -> Unary[RegistrySettings]:
    """Creates or replaces a declaration; settings may be a dictionary in AWS's shape.

    The declaration then has only these settings: ecrkeeper removes from AWS what it wrote for
    dropped ones. `{}` drops all settings of this owner.

    An omitted `deletion_policy` or `allow_replacement` is reset to its default, `REMOVE` or False;
    an omitted `apply_group` stays. Use `update_registry_settings` to change only some fields.

    InvalidArgument; Conflict if the etag or the plan is stale; FailedPrecondition if another owner declares a
    different value for an element, unless `force` is set; ResourceExhausted if an AWS quota is
    exceeded.
    """
    declared = declaration(
        name,
        settings,
        deletion_policy=deletion_policy,
        allow_replacement=allow_replacement,
        apply_group=apply_group,
        etag=etag,
    )
    return update_registry_settings(
        declared, _ALL if apply_group is None else ["*"], allow_missing=True, validate_only=validate_only, force=force,
        reason=reason, plan_digest=plan_digest, request_id=request_id, timeout=timeout,
    )  # fmt: skip


def update_registry_settings(
    registry_settings: RegistrySettings | Mapping[str, Any],
    update_mask: FieldMask | Mapping[str, Any] | Iterable[str] | None = None,
    *,
    allow_missing: bool = False,
    validate_only: bool = False,
    force: bool = False,
    reason: str = "",
    plan_digest: str = "",
    request_id: str = "",
    timeout: float | None = None,
) -> Unary[RegistrySettings]:
    """Updates the masked fields of a declaration.

    Without a mask it updates the fields that are set, with `["*"]` all fields.

    The declaration may be a dictionary, with the settings in AWS's shape. `settings` is one field:
    if it is in the mask or set, the call replaces all settings. Empty `settings` declare nothing,
    so ecrkeeper removes from AWS what it wrote for this owner. To change one setting alone, put it
    into the mask, such as `settings.registry_policy`.

    InvalidArgument; NotFound; Conflict if the etag or the plan is stale; FailedPrecondition if another owner
    declares a different value for an element, unless `force` is set; ResourceExhausted if an AWS
    quota is exceeded.
    """
    request = pb.UpdateRegistrySettingsRequest(
        registry_settings=message_of(RegistrySettings, registry_settings, "registry_settings"),
        update_mask=field_mask(update_mask),
        allow_missing=allow_missing,
        validate_only=validate_only,
        force=force,
        reason=reason,
        plan_digest=plan_digest,
        request_id=request_id,
    )
    return Unary(RegistrySettings, request, timeout)


def delete_registry_settings(
    name: str,
    *,
    etag: str = "",
    allow_missing: bool = False,
    validate_only: bool = False,
    reason: str = "",
    plan_digest: str = "",
    request_id: str = "",
    timeout: float | None = None,
) -> Unary[RegistrySettings]:
    """Deletes a declaration and returns it.

    NotFound unless `allow_missing` is set; Conflict if the etag or the plan is stale.
    """
    request = pb.DeleteRegistrySettingsRequest(
        name=name,
        etag=etag,
        allow_missing=allow_missing,
        validate_only=validate_only,
        reason=reason,
        plan_digest=plan_digest,
        request_id=request_id,
    )
    return Unary(RegistrySettings, request, timeout)
