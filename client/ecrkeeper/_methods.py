"""The methods of `Client`; made by protos/methods.py."""

# ruff: noqa: E501
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from google.protobuf.empty_pb2 import Empty
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp

from ecrkeeper import (
    _accounts,
    _audit,
    _backfills,
    _declarations,
    _operation,
    _registries,
    _revisions,
    _roles,
    _rollouts,
    _server,
    _sets,
)
from ecrkeeper._calls import Calls
from ecrkeeper._operation import Operation
from ecrkeeper._pager import Pager
from ecrkeeper._watch import Watch
from ecrkeeper.v1 import (
    audit_service_pb2,
    fleet_service_pb2,
    registry_settings_service_pb2,
    role_service_pb2,
    server_service_pb2,
)
from ecrkeeper.v1.audit_pb2 import AuditEvent
from ecrkeeper.v1.common_pb2 import DeletionPolicy
from ecrkeeper.v1.fleet_pb2 import (
    Account,
    Fleet,
    RegistrySet,
    RegistrySetRevision,
    RegistrySetTarget,
    Rollout,
    RolloutTarget,
)
from ecrkeeper.v1.registry_pb2 import (
    Element,
    ImageReplicationStatus,
    Registry,
    RegistrySettings,
    RegistrySettingsRevision,
    RegistryView,
    ReplicationBackfill,
    ReplicationBackfillResult,
)
from ecrkeeper.v1.role_pb2 import ServiceLinkedRole
from ecrkeeper.v1.settings_pb2 import ReplicationDestination, Settings


class Methods(Calls):
    """One method for each RPC."""

    def get_service_linked_role(
        self, name: str, *, refresh: bool = False, timeout: float | None = None
    ) -> ServiceLinkedRole:
        """Returns one role; with `refresh`, observes IAM first.

        NotFound if ecrkeeper does not know the role, unless `refresh` is set.
        """
        return self._unary(_roles.get_service_linked_role, name, refresh=refresh, timeout=timeout)

    def list_service_linked_roles(
        self,
        parent: str = "accounts/-",
        filter: str = "",
        *,
        page_size: int = 0,
        page_token: str = "",
        timeout: float | None = None,
    ) -> Pager[ServiceLinkedRole, role_service_pb2.ListServiceLinkedRolesResponse]:
        """Lists the roles of one account or of all, ordered by name.

        InvalidArgument for an invalid filter.
        """
        return self._paged(
            _roles.list_service_linked_roles,
            parent,
            filter,
            page_size=page_size,
            page_token=page_token,
            timeout=timeout,
        )

    def create_service_linked_role(
        self,
        parent: str,
        service_linked_role_id: str,
        *,
        service_linked_role: ServiceLinkedRole | Mapping[str, Any] | None = None,
        validate_only: bool = False,
        request_id: str = "",
        timeout: float | None = None,
    ) -> ServiceLinkedRole:
        """Declares a role: ecrkeeper creates it, or adopts it if the account has it.

        The role may be a dictionary. InvalidArgument; AlreadyExists if it is declared.
        """
        return self._unary(
            _roles.create_service_linked_role,
            parent,
            service_linked_role_id,
            service_linked_role=service_linked_role,
            validate_only=validate_only,
            request_id=request_id,
            timeout=timeout,
        )

    def update_service_linked_role(
        self,
        service_linked_role: ServiceLinkedRole | Mapping[str, Any],
        update_mask: FieldMask | Mapping[str, Any] | Iterable[str] | None = None,
        *,
        allow_missing: bool = False,
        validate_only: bool = False,
        plan_digest: str = "",
        request_id: str = "",
        timeout: float | None = None,
    ) -> ServiceLinkedRole:
        """Updates the masked fields `description`, `tags` and `mode`.

        Without a mask, those set.

        The role may be a dictionary. InvalidArgument; NotFound; Conflict if its etag or the plan is stale.
        """
        return self._unary(
            _roles.update_service_linked_role,
            service_linked_role,
            update_mask,
            allow_missing=allow_missing,
            validate_only=validate_only,
            plan_digest=plan_digest,
            request_id=request_id,
            timeout=timeout,
        )

    def delete_service_linked_role(
        self,
        name: str,
        *,
        etag: str = "",
        force_delete_adopted: bool = False,
        deletion_policy: DeletionPolicy | str | None = None,
        validate_only: bool = False,
        request_id: str = "",
        timeout: float | None = None,
    ) -> Operation[Empty]:
        """Deletes a role that no Region uses.

        If Regions use the role, the operation fails with a violation for each of them.

        With the policy `ABANDON` the role stays in AWS, and ecrkeeper forgets it. NotFound; Conflict; FailedPrecondition
        for an adopted role unless `force_delete_adopted` is set.
        """
        return self._long_running(
            _roles.delete_service_linked_role,
            name,
            etag=etag,
            force_delete_adopted=force_delete_adopted,
            deletion_policy=deletion_policy,
            validate_only=validate_only,
            request_id=request_id,
            timeout=timeout,
        )

    def check_service_linked_role_usage(
        self, name: str, *, timeout: float | None = None
    ) -> role_service_pb2.CheckServiceLinkedRoleUsageResponse:
        """Returns the use of a role in each Region, and whether it can be deleted."""
        return self._unary(_roles.check_service_linked_role_usage, name, timeout=timeout)

    def reconcile_service_linked_role(
        self, name: str, *, request_id: str = "", timeout: float | None = None
    ) -> Operation[ServiceLinkedRole]:
        """Reconciles a role at once. NotFound."""
        return self._long_running(_roles.reconcile_service_linked_role, name, request_id=request_id, timeout=timeout)

    def watch_service_linked_roles(
        self, parent: str = "accounts/-", filter: str = "", *, timeout: float | None = None
    ) -> Watch[role_service_pb2.WatchServiceLinkedRolesResponse]:
        """Streams roles: a snapshot, then each change; continues after an interruption.

        Unavailable if the first connection fails; DeadlineExceeded after `timeout`.
        """
        return self._watched(_roles.watch_service_linked_roles, parent, filter, timeout=timeout)

    def list_supported_regions(
        self, partition: str = "", *, timeout: float | None = None
    ) -> role_service_pb2.ListSupportedRegionsResponse:
        """Lists the Regions that ECR has, of one partition or of all."""
        return self._unary(_roles.list_supported_regions, partition, timeout=timeout)

    def get_registry(
        self,
        name: str,
        *,
        refresh: bool = False,
        view: RegistryView | str = RegistryView.FULL,
        timeout: float | None = None,
    ) -> Registry:
        """Returns one registry; with `refresh`, observes AWS first.

        NotFound if the registry is not stored, unless `refresh` is set.

        `view` is BASIC for the state without the settings, or FULL; `truncated_fields` names lists that
        are cut.
        """
        return self._unary(_registries.get_registry, name, refresh=refresh, view=view, timeout=timeout)

    def list_registries(
        self,
        parent: str = "accounts/-",
        filter: str = "",
        *,
        page_size: int = 0,
        page_token: str = "",
        view: RegistryView | str = RegistryView.BASIC,
        timeout: float | None = None,
    ) -> Pager[Registry, registry_settings_service_pb2.ListRegistriesResponse]:
        """Lists the registries of one account or of all, ordered by name.

        InvalidArgument for an invalid filter.

        `view` is BASIC for the state without the settings, or FULL.
        """
        return self._paged(
            _registries.list_registries,
            parent,
            filter,
            page_size=page_size,
            page_token=page_token,
            view=view,
            timeout=timeout,
        )

    def list_registry_elements(
        self, parent: str, filter: str = "", *, page_size: int = 0, page_token: str = "", timeout: float | None = None
    ) -> Pager[Element, registry_settings_service_pb2.ListRegistryElementsResponse]:
        """Lists the elements of a registry with their values, ordered by setting and key.

        A filter such as `state = OUT_OF_SYNC` selects some. NotFound; InvalidArgument for an invalid
        filter.
        """
        return self._paged(
            _registries.list_registry_elements,
            parent,
            filter,
            page_size=page_size,
            page_token=page_token,
            timeout=timeout,
        )

    def update_registry(
        self,
        registry: Registry | Mapping[str, Any],
        update_mask: FieldMask | Mapping[str, Any] | Iterable[str] | None = None,
        *,
        validate_only: bool = False,
        plan_digest: str = "",
        request_id: str = "",
        timeout: float | None = None,
    ) -> Registry:
        """Updates the masked fields `mode` and `unmanaged_elements`.

        Without a mask, those set.

        The registry may be a dictionary such as `{"name": ..., "mode": "PAUSED"}`. InvalidArgument; Conflict if its
        etag or the plan is stale.
        """
        return self._unary(
            _registries.update_registry,
            registry,
            update_mask,
            validate_only=validate_only,
            plan_digest=plan_digest,
            request_id=request_id,
            timeout=timeout,
        )

    def delete_registry(
        self,
        name: str,
        *,
        etag: str = "",
        allow_missing: bool = False,
        deletion_policy: DeletionPolicy | str | None = None,
        validate_only: bool = False,
        request_id: str = "",
        timeout: float | None = None,
    ) -> Empty:
        """Deletes the record of a registry without declarations; AWS stays as it is.

        FailedPrecondition while owners declare settings, while operations run, and while AWS holds
        elements that ecrkeeper is to remove, unless the policy is `ABANDON`; NotFound unless
        `allow_missing` is set; Conflict.
        """
        return self._unary(
            _registries.delete_registry,
            name,
            etag=etag,
            allow_missing=allow_missing,
            deletion_policy=deletion_policy,
            validate_only=validate_only,
            request_id=request_id,
            timeout=timeout,
        )

    def watch_registries(
        self,
        parent: str = "accounts/-",
        filter: str = "",
        *,
        view: RegistryView | str = RegistryView.BASIC,
        timeout: float | None = None,
    ) -> Watch[registry_settings_service_pb2.WatchRegistriesResponse]:
        """Streams registries: a snapshot, then each change.

        Continues after an interruption.

        `view` is BASIC for the state without the settings, or FULL. Unavailable if the first connection
        fails; DeadlineExceeded after `timeout`.
        """
        return self._watched(_registries.watch_registries, parent, filter, view=view, timeout=timeout)

    def reconcile_registry(
        self, name: str, *, request_id: str = "", timeout: float | None = None
    ) -> Operation[Registry]:
        """Reconciles a registry at once; done when AWS matches its current generation.

        NotFound.

        The result is the registry's basic view at the end of the operation.
        """
        return self._long_running(_registries.reconcile_registry, name, request_id=request_id, timeout=timeout)

    def validate_pull_through_cache_rule(
        self, name: str, ecr_repository_prefix: str, *, timeout: float | None = None
    ) -> registry_settings_service_pb2.ValidatePullThroughCacheRuleResponse:
        """Makes ECR log in to the upstream of a cache rule, and returns the result.

        NotFound if ECR has no rule with this prefix.
        """
        return self._unary(_registries.validate_pull_through_cache_rule, name, ecr_repository_prefix, timeout=timeout)

    def check_replication(
        self, name: str, *, timeout: float | None = None
    ) -> registry_settings_service_pb2.CheckReplicationResponse:
        """Checks for each replication destination which images can arrive there."""
        return self._unary(_registries.check_replication, name, timeout=timeout)

    def explain_repository(
        self, name: str, repository: str, *, timeout: float | None = None
    ) -> registry_settings_service_pb2.ExplainRepositoryResponse:
        """Returns the settings that apply to one repository name, and their owners."""
        return self._unary(_registries.explain_repository, name, repository, timeout=timeout)

    def start_replication_backfill(
        self,
        parent: str,
        destination: ReplicationDestination | Mapping[str, Any],
        *,
        validate_only: bool = False,
        request_id: str = "",
        timeout: float | None = None,
    ) -> Operation[ReplicationBackfill]:
        """Copies the existing images of a registry to one of its replication destinations.

        The destination may be a dictionary in AWS's shape. FailedPrecondition if it is not in the
        replication configuration, or if a backfill to it is running. If ECR rejects the backfill later,
        for example as one of more than 10 at a time, the operation ends with that error.
        """
        return self._long_running(
            _backfills.start_replication_backfill,
            parent,
            destination,
            validate_only=validate_only,
            request_id=request_id,
            timeout=timeout,
        )

    def stop_replication_backfill(self, name: str, *, timeout: float | None = None) -> ReplicationBackfill:
        """Stops a backfill. NotFound."""
        return self._unary(_backfills.stop_replication_backfill, name, timeout=timeout)

    def get_replication_backfill(
        self, name: str, *, refresh: bool = False, timeout: float | None = None
    ) -> ReplicationBackfill:
        """Returns one backfill as ECR has it now, also without `refresh`. NotFound."""
        return self._unary(_backfills.get_replication_backfill, name, refresh=refresh, timeout=timeout)

    def list_replication_backfills(
        self, parent: str, *, page_size: int = 0, page_token: str = "", timeout: float | None = None
    ) -> Pager[ReplicationBackfill, registry_settings_service_pb2.ListReplicationBackfillsResponse]:
        """Lists the backfills of a registry, newest first."""
        return self._paged(
            _backfills.list_replication_backfills, parent, page_size=page_size, page_token=page_token, timeout=timeout
        )

    def list_image_replication_statuses(
        self,
        parent: str,
        destination: ReplicationDestination | Mapping[str, Any],
        *,
        repository_prefixes: Sequence[str] = (),
        page_size: int = 0,
        page_token: str = "",
        timeout: float | None = None,
    ) -> Pager[ImageReplicationStatus, registry_settings_service_pb2.ListImageReplicationStatusesResponse]:
        """Lists the images of a registry with their replication status at one destination.

        A page takes seconds, because ECR reports the status of one image at a time. FailedPrecondition if the registry is
        paused.
        """
        return self._paged(
            _backfills.list_image_replication_statuses,
            parent,
            destination,
            repository_prefixes=repository_prefixes,
            page_size=page_size,
            page_token=page_token,
            timeout=timeout,
        )

    def list_replication_backfill_results(
        self, name: str, *, status: str = "", page_size: int = 0, page_token: str = "", timeout: float | None = None
    ) -> Pager[ReplicationBackfillResult, registry_settings_service_pb2.ListReplicationBackfillResultsResponse]:
        """Lists the result of each image of a finished backfill. NotFound.

        `status` is COMPLETE, FAILED or empty for both.
        """
        return self._paged(
            _backfills.list_replication_backfill_results,
            name,
            status=status,
            page_size=page_size,
            page_token=page_token,
            timeout=timeout,
        )

    def import_registry_settings(
        self,
        name: str,
        registry_settings_id: str,
        *,
        settings: Iterable[str] = (),
        validate_only: bool = False,
        reason: str = "",
        request_id: str = "",
        timeout: float | None = None,
    ) -> RegistrySettings:
        """Creates a declaration of one owner from the settings that AWS has.

        AlreadyExists; FailedPrecondition if AWS cannot be read.
        """
        return self._unary(
            _declarations.import_registry_settings,
            name,
            registry_settings_id,
            settings=settings,
            validate_only=validate_only,
            reason=reason,
            request_id=request_id,
            timeout=timeout,
        )

    def get_registry_settings(self, name: str, *, timeout: float | None = None) -> RegistrySettings:
        """Returns the declaration of one owner for one registry. NotFound."""
        return self._unary(_declarations.get_registry_settings, name, timeout=timeout)

    def list_registry_settings(
        self,
        parent: str = "accounts/-/registries/-",
        filter: str = "",
        *,
        page_size: int = 0,
        page_token: str = "",
        timeout: float | None = None,
    ) -> Pager[RegistrySettings, registry_settings_service_pb2.ListRegistrySettingsResponse]:
        """Lists the declarations for one registry or for all, ordered by name.

        InvalidArgument for an invalid filter.
        """
        return self._paged(
            _declarations.list_registry_settings,
            parent,
            filter,
            page_size=page_size,
            page_token=page_token,
            timeout=timeout,
        )

    def create_registry_settings(
        self,
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
    ) -> RegistrySettings:
        """Creates the declaration of a new owner.

        Settings may be a dictionary in AWS's shape. With `plan_digest`, Conflict if the plan is stale.

        InvalidArgument; AlreadyExists; FailedPrecondition if another owner declares a different value
        for an element, unless `force` is set; ResourceExhausted if an AWS quota is exceeded.
        """
        return self._unary(
            _declarations.create_registry_settings,
            parent,
            registry_settings_id,
            settings=settings,
            deletion_policy=deletion_policy,
            allow_replacement=allow_replacement,
            apply_group=apply_group,
            validate_only=validate_only,
            force=force,
            reason=reason,
            plan_digest=plan_digest,
            request_id=request_id,
            timeout=timeout,
        )

    def apply_registry_settings(
        self,
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
    ) -> RegistrySettings:
        """Creates or replaces a declaration; settings may be a dictionary in AWS's shape.

        The declaration then has only these settings: ecrkeeper removes from AWS what it wrote for
        dropped ones. `{}` drops all settings of this owner.

        An omitted `deletion_policy` or `allow_replacement` is reset to its default, `REMOVE` or False;
        an omitted `apply_group` stays. Use `update_registry_settings` to change only some fields.

        InvalidArgument; Conflict if the etag or the plan is stale; FailedPrecondition if another owner declares a
        different value for an element, unless `force` is set; ResourceExhausted if an AWS quota is
        exceeded.
        """
        return self._unary(
            _declarations.apply_registry_settings,
            name,
            settings,
            deletion_policy=deletion_policy,
            allow_replacement=allow_replacement,
            apply_group=apply_group,
            etag=etag,
            validate_only=validate_only,
            force=force,
            reason=reason,
            plan_digest=plan_digest,
            request_id=request_id,
            timeout=timeout,
        )

    def update_registry_settings(
        self,
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
    ) -> RegistrySettings:
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
        return self._unary(
            _declarations.update_registry_settings,
            registry_settings,
            update_mask,
            allow_missing=allow_missing,
            validate_only=validate_only,
            force=force,
            reason=reason,
            plan_digest=plan_digest,
            request_id=request_id,
            timeout=timeout,
        )

    def delete_registry_settings(
        self,
        name: str,
        *,
        etag: str = "",
        allow_missing: bool = False,
        validate_only: bool = False,
        reason: str = "",
        plan_digest: str = "",
        request_id: str = "",
        timeout: float | None = None,
    ) -> RegistrySettings:
        """Deletes a declaration and returns it.

        NotFound unless `allow_missing` is set; Conflict if the etag or the plan is stale.
        """
        return self._unary(
            _declarations.delete_registry_settings,
            name,
            etag=etag,
            allow_missing=allow_missing,
            validate_only=validate_only,
            reason=reason,
            plan_digest=plan_digest,
            request_id=request_id,
            timeout=timeout,
        )

    def list_registry_settings_revisions(
        self, name: str, *, page_size: int = 0, page_token: str = "", timeout: float | None = None
    ) -> Pager[RegistrySettingsRevision, registry_settings_service_pb2.ListRegistrySettingsRevisionsResponse]:
        """Lists the revisions of a declaration, newest first. NotFound."""
        return self._paged(
            _revisions.list_registry_settings_revisions,
            name,
            page_size=page_size,
            page_token=page_token,
            timeout=timeout,
        )

    def rollback_registry_settings(
        self,
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
    ) -> RegistrySettings:
        """Declares the content of a revision again.

        NotFound; Conflict; FailedPrecondition as for an update.
        """
        return self._unary(
            _revisions.rollback_registry_settings,
            name,
            revision,
            etag=etag,
            validate_only=validate_only,
            force=force,
            reason=reason,
            plan_digest=plan_digest,
            request_id=request_id,
            timeout=timeout,
        )

    def create_account(
        self,
        account_id: str,
        account: Account | Mapping[str, Any] | None = None,
        *,
        validate_only: bool = False,
        reason: str = "",
        request_id: str = "",
        timeout: float | None = None,
    ) -> Account:
        """Add an account to the fleet. InvalidArgument; AlreadyExists."""
        return self._unary(
            _accounts.create_account,
            account_id,
            account,
            validate_only=validate_only,
            reason=reason,
            request_id=request_id,
            timeout=timeout,
        )

    def update_account(
        self,
        account: Account | Mapping[str, Any],
        update_mask: FieldMask | Mapping[str, Any] | Iterable[str] | None = None,
        *,
        allow_missing: bool = False,
        validate_only: bool = False,
        reason: str = "",
        request_id: str = "",
        timeout: float | None = None,
    ) -> Account:
        """Update an account; without a mask, the fields that are set.

        InvalidArgument; NotFound unless `allow_missing`; Conflict if the etag is stale; FailedPrecondition if AWS
        Organizations determines the account.
        """
        return self._unary(
            _accounts.update_account,
            account,
            update_mask,
            allow_missing=allow_missing,
            validate_only=validate_only,
            reason=reason,
            request_id=request_id,
            timeout=timeout,
        )

    def get_account(self, name: str, *, timeout: float | None = None) -> Account:
        """Return one account of the fleet, `accounts/{account}`. NotFound."""
        return self._unary(_accounts.get_account, name, timeout=timeout)

    def list_accounts(
        self, filter: str = "", *, page_size: int = 0, page_token: str = "", timeout: float | None = None
    ) -> Pager[Account, fleet_service_pb2.ListAccountsResponse]:
        """List the accounts of the fleet, ordered by name.

        InvalidArgument for a filter with faults.
        """
        return self._paged(_accounts.list_accounts, filter, page_size=page_size, page_token=page_token, timeout=timeout)

    def delete_account(
        self,
        name: str,
        *,
        etag: str = "",
        allow_missing: bool = False,
        validate_only: bool = False,
        reason: str = "",
        request_id: str = "",
        timeout: float | None = None,
    ) -> Empty:
        """Remove an account from the fleet.

        NotFound unless `allow_missing`; Conflict; FailedPrecondition if the account is in use.
        """
        return self._unary(
            _accounts.delete_account,
            name,
            etag=etag,
            allow_missing=allow_missing,
            validate_only=validate_only,
            reason=reason,
            request_id=request_id,
            timeout=timeout,
        )

    def get_fleet(self, name: str = "fleet", *, timeout: float | None = None) -> Fleet:
        """Return the problems and the open rollouts of the fleet."""
        return self._unary(_accounts.get_fleet, name, timeout=timeout)

    def create_registry_set(
        self,
        registry_set_id: str,
        registry_set: RegistrySet | Mapping[str, Any],
        *,
        validate_only: bool = False,
        reason: str = "",
        request_id: str = "",
        timeout: float | None = None,
    ) -> RegistrySet:
        """Create a registry set and start its first rollout.

        Settings in a dictionary have AWS's shape.

        InvalidArgument; AlreadyExists; PermissionDenied if it reaches registries for which the caller may not declare.
        """
        return self._unary(
            _sets.create_registry_set,
            registry_set_id,
            registry_set,
            validate_only=validate_only,
            reason=reason,
            request_id=request_id,
            timeout=timeout,
        )

    def update_registry_set(
        self,
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
    ) -> RegistrySet:
        """Update a registry set and start or queue a rollout.

        Without a mask, the fields that are set are updated.

        `allow_removals` confirms the number of targets that lose elements. `supersede` replaces the queued revision, or
        cancels the rollout that is under way.

        InvalidArgument; NotFound unless `allow_missing`; Conflict if the etag is stale; FailedPrecondition if too many
        targets lose elements or another revision is queued; PermissionDenied as for a creation.
        """
        return self._unary(
            _sets.update_registry_set,
            registry_set,
            update_mask,
            allow_missing=allow_missing,
            validate_only=validate_only,
            allow_removals=allow_removals,
            supersede=supersede,
            reason=reason,
            request_id=request_id,
            timeout=timeout,
        )

    def get_registry_set(self, name: str, *, timeout: float | None = None) -> RegistrySet:
        """Return one registry set, `registrySets/{set}`. NotFound."""
        return self._unary(_sets.get_registry_set, name, timeout=timeout)

    def list_registry_sets(
        self, *, page_size: int = 0, page_token: str = "", timeout: float | None = None
    ) -> Pager[RegistrySet, fleet_service_pb2.ListRegistrySetsResponse]:
        """List the registry sets, ordered by name."""
        return self._paged(_sets.list_registry_sets, page_size=page_size, page_token=page_token, timeout=timeout)

    def delete_registry_set(
        self,
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
    ) -> RegistrySet:
        """Start the deletion of a registry set, which releases its targets in waves.

        The errors are those of an update.
        """
        return self._unary(
            _sets.delete_registry_set,
            name,
            etag=etag,
            allow_missing=allow_missing,
            validate_only=validate_only,
            allow_removals=allow_removals,
            supersede=supersede,
            reason=reason,
            request_id=request_id,
            timeout=timeout,
        )

    def list_registry_set_targets(
        self, parent: str, *, page_size: int = 0, page_token: str = "", timeout: float | None = None
    ) -> Pager[RegistrySetTarget, fleet_service_pb2.ListRegistrySetTargetsResponse]:
        """List the registries that a set matches or declares for, ordered by name.

        NotFound.
        """
        return self._paged(
            _sets.list_registry_set_targets, parent, page_size=page_size, page_token=page_token, timeout=timeout
        )

    def list_registry_set_revisions(
        self, parent: str, *, page_size: int = 0, page_token: str = "", timeout: float | None = None
    ) -> Pager[RegistrySetRevision, fleet_service_pb2.ListRegistrySetRevisionsResponse]:
        """List the revisions of a registry set, newest first. NotFound."""
        return self._paged(
            _sets.list_registry_set_revisions, parent, page_size=page_size, page_token=page_token, timeout=timeout
        )

    def get_rollout(self, name: str, *, timeout: float | None = None) -> Rollout:
        """Return one rollout, `registrySets/{set}/rollouts/{number}`. NotFound."""
        return self._unary(_rollouts.get_rollout, name, timeout=timeout)

    def list_rollouts(
        self, parent: str, *, page_size: int = 0, page_token: str = "", timeout: float | None = None
    ) -> Pager[Rollout, fleet_service_pb2.ListRolloutsResponse]:
        """List the rollouts of a registry set, newest first."""
        return self._paged(_rollouts.list_rollouts, parent, page_size=page_size, page_token=page_token, timeout=timeout)

    def list_rollout_targets(
        self, parent: str, filter: str = "", *, page_size: int = 0, page_token: str = "", timeout: float | None = None
    ) -> Pager[RolloutTarget, fleet_service_pb2.ListRolloutTargetsResponse]:
        """List the targets of a rollout, ordered by name.

        NotFound; InvalidArgument for a filter with faults.
        """
        return self._paged(
            _rollouts.list_rollout_targets, parent, filter, page_size=page_size, page_token=page_token, timeout=timeout
        )

    def pause_rollout(
        self, name: str, *, reason: str = "", request_id: str = "", timeout: float | None = None
    ) -> Rollout:
        """Let no more targets begin.

        NotFound; FailedPrecondition if the rollout's state does not allow it.
        """
        return self._unary(_rollouts.pause_rollout, name, reason=reason, request_id=request_id, timeout=timeout)

    def resume_rollout(
        self, name: str, *, reason: str = "", request_id: str = "", timeout: float | None = None
    ) -> Rollout:
        """Continue a rollout that was paused or has halted. NotFound; FailedPrecondition."""
        return self._unary(_rollouts.resume_rollout, name, reason=reason, request_id=request_id, timeout=timeout)

    def approve_rollout(
        self, name: str, *, reason: str = "", request_id: str = "", timeout: float | None = None
    ) -> Rollout:
        """Let the next wave begin.

        NotFound; FailedPrecondition, also for the principal who started the rollout.
        """
        return self._unary(_rollouts.approve_rollout, name, reason=reason, request_id=request_id, timeout=timeout)

    def cancel_rollout(
        self, name: str, *, reason: str = "", request_id: str = "", timeout: float | None = None
    ) -> Rollout:
        """End a rollout; its targets stay where they are. NotFound; FailedPrecondition."""
        return self._unary(_rollouts.cancel_rollout, name, reason=reason, request_id=request_id, timeout=timeout)

    def roll_back_rollout(
        self, name: str, *, reason: str = "", request_id: str = "", timeout: float | None = None
    ) -> Rollout:
        """Take the changed targets back to their revision before.

        NotFound; FailedPrecondition; PermissionDenied.
        """
        return self._unary(_rollouts.roll_back_rollout, name, reason=reason, request_id=request_id, timeout=timeout)

    def watch_rollout(
        self, name: str, *, timeout: float | None = None
    ) -> Watch[fleet_service_pb2.WatchRolloutResponse]:
        """Stream a rollout: as it is now, then after each change, until it has ended.

        It goes on after the server was away. NotFound; Unavailable if the server cannot be reached at first;
        DeadlineExceeded if a timeout was given.
        """
        return self._watched(_rollouts.watch_rollout, name, timeout=timeout)

    def get_audit_event(self, name: str, *, timeout: float | None = None) -> AuditEvent:
        """Returns one event, `auditEvents/{number}`.

        NotFound if it does not exist or has expired.
        """
        return self._unary(_audit.get_audit_event, name, timeout=timeout)

    def list_audit_events(
        self,
        filter: str = "",
        *,
        start_time: Timestamp | datetime | None = None,
        end_time: Timestamp | datetime | None = None,
        page_size: int = 0,
        page_token: str = "",
        timeout: float | None = None,
    ) -> Pager[AuditEvent, audit_service_pb2.ListAuditEventsResponse]:
        """Lists events from `start_time` until before `end_time`, newest first.

        InvalidArgument for an invalid filter.

        ValueError for a time without a time zone.
        """
        return self._paged(
            _audit.list_audit_events,
            filter,
            start_time=start_time,
            end_time=end_time,
            page_size=page_size,
            page_token=page_token,
            timeout=timeout,
        )

    def watch_audit_events(
        self,
        filter: str = "",
        *,
        start_time: Timestamp | datetime | None = None,
        resume_token: str = "",
        timeout: float | None = None,
    ) -> Watch[audit_service_pb2.WatchAuditEventsResponse]:
        """Streams events from `start_time` or after a `resume_token`, then new ones.

        The stream continues after an interruption and skips nothing. An AWS write is sent again when it
        is completed. A message without an event only carries a `resume_token`. Unavailable if the first
        connection fails; DeadlineExceeded after `timeout`; ValueError for a time without a time zone.
        """
        return self._watched(
            _audit.watch_audit_events, filter, start_time=start_time, resume_token=resume_token, timeout=timeout
        )

    def get_server_info(self, *, timeout: float | None = None) -> server_service_pb2.ServerInfo:
        """Returns the version, the partition and the features of the server."""
        return self._unary(_server.get_server_info, timeout=timeout)

    def who_am_i(self, resource: str = "", *, timeout: float | None = None) -> server_service_pb2.WhoAmIResponse:
        """Returns the principal and the groups of the caller, and its verbs on a resource.

        InvalidArgument.
        """
        return self._unary(_server.who_am_i, resource, timeout=timeout)

    def get_aws_identity(self, parent: str, *, timeout: float | None = None) -> server_service_pb2.AwsIdentity:
        """Returns the AWS identity by which the server reaches `accounts/{account}`.

        FailedPrecondition if AWS rejects the credentials.
        """
        return self._unary(_server.get_aws_identity, parent, timeout=timeout)

    def list_operations(
        self,
        name: str = "operations",
        filter: str = "",
        *,
        page_size: int = 0,
        page_token: str = "",
        timeout: float | None = None,
    ) -> Pager[Any, Any]:
        """Lists operations as `google.longrunning.Operation` messages.

        A `filter` has restrictions such as `done = false AND method = ReconcileRegistry`; its other
        fields are `account`, `region` and `target`, the name of the operation's resource.
        """
        return self._paged(
            _operation.list_operations, name, filter, page_size=page_size, page_token=page_token, timeout=timeout
        )

    def delete_operation(self, name: str, *, timeout: float | None = None) -> Empty:
        """Deletes the record of an operation, without cancelling it. NotFound."""
        return self._unary(_operation.delete_operation, name, timeout=timeout)
