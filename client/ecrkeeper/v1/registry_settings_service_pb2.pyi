import datetime

from ecrkeeper.v1 import common_pb2 as _common_pb2
from ecrkeeper.v1 import registry_pb2 as _registry_pb2
from ecrkeeper.v1 import settings_pb2 as _settings_pb2
from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.api import resource_pb2 as _resource_pb2
from google.longrunning import operations_pb2 as _operations_pb2
from google.protobuf import empty_pb2 as _empty_pb2
from google.protobuf import field_mask_pb2 as _field_mask_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetRegistryRequest(_message.Message):
    """Request of `GetRegistry`."""
    __slots__ = ("name", "refresh", "view")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REFRESH_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    name: str
    """Required. The registry: `accounts/{account}/registries/{region}`."""
    refresh: bool
    """Optional. Observes AWS first, within the deadline of the call, for every registry that
    ecrkeeper can read. `observed`, `elements`, `drift` and `reconciling` show the result, which
    ecrkeeper does not store. `conditions`, `last_error` and the checks are those of the last
    reconciliation."""
    view: _registry_pb2.RegistryView
    """Optional. The view to return; `FULL` if unset."""
    def __init__(self, name: _Optional[str] = ..., refresh: bool = ..., view: _Optional[_Union[_registry_pb2.RegistryView, str]] = ...) -> None: ...

class ListRegistriesRequest(_message.Message):
    """Request of `ListRegistries`."""
    __slots__ = ("parent", "page_size", "page_token", "filter", "view")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    parent: str
    """Required. The account: `accounts/{account}`, or `accounts/-` for all."""
    page_size: int
    """Optional. At most this many; 100 if unset. A number above 1,000 is read as 1,000."""
    page_token: str
    """Optional. The `next_page_token` of the previous page. Keep all other fields unchanged."""
    filter: str
    """Optional. AIP-160: restrictions `field = value`, `!=` or `:` (has), combined with `AND`,
    `OR`, `NOT` (or `-`) and parentheses. `OR` binds tighter than `AND`: `a OR b AND c` means `(a OR
    b) AND c`. White space between restrictions means `AND`. Values match as a whole, without
    wildcards, and may be quoted. Only values of `element` may contain `*`, which matches the
    character itself. Fields: `account`, `region`, `owner`; `mode` (`ENFORCE`, `OBSERVE`, `PAUSED`);
    `reconciling` and `drift` (`true`, `false`); `reason`, the reason of the condition `Ready`;
    `setting` and `element`, the setting and the key of an entry of `drift`; `conditions.Ready`,
    `conditions.Synced`, `conditions.Blocked`, `conditions.Degraded` (`TRUE`, `FALSE`, `UNKNOWN`).
    For example `region = "us-east-1" AND (reason = AWS_ACCESS_DENIED OR setting =
    registry_policy)`. Enum values may have any case; unknown values fail with `INVALID_ARGUMENT`.
    The database looks up `account`, `region`, `owner`, `reason`, `drift`, `setting` and `element`
    in indexes, and the server compares the other fields with each registry that remains."""
    view: _registry_pb2.RegistryView
    """Optional. The view to return; `BASIC` if unset."""
    def __init__(self, parent: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., filter: _Optional[str] = ..., view: _Optional[_Union[_registry_pb2.RegistryView, str]] = ...) -> None: ...

class ListRegistriesResponse(_message.Message):
    """Response of `ListRegistries`."""
    __slots__ = ("registries", "next_page_token")
    REGISTRIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    registries: _containers.RepeatedCompositeFieldContainer[_registry_pb2.Registry]
    """Output only. The registries."""
    next_page_token: str
    """Output only. Token of the next page; empty on the last page."""
    def __init__(self, registries: _Optional[_Iterable[_Union[_registry_pb2.Registry, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class UpdateRegistryRequest(_message.Message):
    """Request of `UpdateRegistry`."""
    __slots__ = ("registry", "update_mask", "validate_only", "request_id", "plan_digest")
    REGISTRY_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    PLAN_DIGEST_FIELD_NUMBER: _ClassVar[int]
    registry: _registry_pb2.Registry
    """Required. The registry; `name` identifies it, `etag` guards the write."""
    update_mask: _field_mask_pb2.FieldMask
    """Optional. The fields to update: `mode`, `unmanaged_elements`. If empty, the call updates the
    fields that are set. `*` updates all fields and resets unset ones to their defaults."""
    validate_only: bool
    """Optional. Runs every check and returns the plan, without changing anything."""
    request_id: str
    """Optional. UUID that you choose; ecrkeeper stores it for a day. A repeated call with the same
    id and content has no second effect and returns the current resource. With other content, the
    call fails with `ALREADY_EXISTS`."""
    plan_digest: str
    """Optional. The digest of the plan that this write is to carry out. If the request, the
    registry's generation or its settings in AWS have changed since the plan, the call fails with
    `ABORTED` and the reason `PLAN_STALE`."""
    def __init__(self, registry: _Optional[_Union[_registry_pb2.Registry, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., validate_only: bool = ..., request_id: _Optional[str] = ..., plan_digest: _Optional[str] = ...) -> None: ...

class DeleteRegistryRequest(_message.Message):
    """Request of `DeleteRegistry`."""
    __slots__ = ("name", "etag", "allow_missing", "validate_only", "request_id", "deletion_policy")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    ALLOW_MISSING_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    DELETION_POLICY_FIELD_NUMBER: _ClassVar[int]
    name: str
    """Required. The registry: `accounts/{account}/registries/{region}`."""
    etag: str
    """Optional. The etag that you read. If the registry changed since, the call fails with
    `ABORTED`."""
    allow_missing: bool
    """Optional. Succeeds if ecrkeeper does not know the registry."""
    validate_only: bool
    """Optional. Runs every check, without changing anything."""
    request_id: str
    """Optional. UUID that you choose; ecrkeeper stores it for a day. A repeated call with the same
    id and content has no second effect and succeeds. With other content, the call fails with
    `ALREADY_EXISTS`."""
    deletion_policy: _common_pb2.DeletionPolicy
    """Optional. With `REMOVE`, the default, the call fails while AWS holds elements that ecrkeeper
    is to remove. `ABANDON` keeps these in AWS as unmanaged elements."""
    def __init__(self, name: _Optional[str] = ..., etag: _Optional[str] = ..., allow_missing: bool = ..., validate_only: bool = ..., request_id: _Optional[str] = ..., deletion_policy: _Optional[_Union[_common_pb2.DeletionPolicy, str]] = ...) -> None: ...

class WatchRegistriesRequest(_message.Message):
    """Request of `WatchRegistries`."""
    __slots__ = ("parent", "filter", "view")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    parent: str
    """Required. The account: `accounts/{account}`, or `accounts/-` for all."""
    filter: str
    """Optional. As in `ListRegistries`."""
    view: _registry_pb2.RegistryView
    """Optional. The view to return; `BASIC` if unset."""
    def __init__(self, parent: _Optional[str] = ..., filter: _Optional[str] = ..., view: _Optional[_Union[_registry_pb2.RegistryView, str]] = ...) -> None: ...

class WatchRegistriesResponse(_message.Message):
    """One message of the stream."""
    __slots__ = ("kind", "registry")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        """Kind of a message."""
        __slots__ = ()
        KIND_UNSPECIFIED: _ClassVar[WatchRegistriesResponse.Kind]
        """Never sent."""
        CURRENT: _ClassVar[WatchRegistriesResponse.Kind]
        """The current registry, in the snapshot or after a change."""
        SNAPSHOT_COMPLETE: _ClassVar[WatchRegistriesResponse.Kind]
        """The snapshot is complete; changes follow."""
        REMOVED: _ClassVar[WatchRegistriesResponse.Kind]
        """A registry no longer matches; only its name is set."""
    KIND_UNSPECIFIED: WatchRegistriesResponse.Kind
    CURRENT: WatchRegistriesResponse.Kind
    SNAPSHOT_COMPLETE: WatchRegistriesResponse.Kind
    REMOVED: WatchRegistriesResponse.Kind
    KIND_FIELD_NUMBER: _ClassVar[int]
    REGISTRY_FIELD_NUMBER: _ClassVar[int]
    kind: WatchRegistriesResponse.Kind
    """Output only. Kind of the message."""
    registry: _registry_pb2.Registry
    """Output only. The registry."""
    def __init__(self, kind: _Optional[_Union[WatchRegistriesResponse.Kind, str]] = ..., registry: _Optional[_Union[_registry_pb2.Registry, _Mapping]] = ...) -> None: ...

class ReconcileRegistryRequest(_message.Message):
    """Request of `ReconcileRegistry`."""
    __slots__ = ("name", "request_id")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    name: str
    """Required. The registry: `accounts/{account}/registries/{region}`."""
    request_id: str
    """Optional. UUID that you choose; ecrkeeper stores it for a day. A repeated call with the same
    id and content has no second effect and returns the operation of the first call. With other
    content, the call fails with `ALREADY_EXISTS`."""
    def __init__(self, name: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class ReconcileRegistryMetadata(_message.Message):
    """Progress of a reconciliation."""
    __slots__ = ("registry", "generation", "create_time", "end_time", "principals")
    REGISTRY_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    PRINCIPALS_FIELD_NUMBER: _ClassVar[int]
    registry: str
    """Output only. The registry."""
    generation: int
    """Output only. The generation that AWS is to match."""
    create_time: _timestamp_pb2.Timestamp
    """Output only. Time at which the operation began."""
    end_time: _timestamp_pb2.Timestamp
    """Output only. Time at which the operation ended; unset while it runs."""
    principals: _containers.RepeatedScalarFieldContainer[str]
    """Output only. The principals that requested the operation: the one that started it, then those
    that joined it, at most 100. Empty if the server does not authenticate callers."""
    def __init__(self, registry: _Optional[str] = ..., generation: _Optional[int] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., principals: _Optional[_Iterable[str]] = ...) -> None: ...

class ImportRegistrySettingsRequest(_message.Message):
    """Request of `ImportRegistrySettings`."""
    __slots__ = ("name", "registry_settings_id", "settings", "validate_only", "request_id", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REGISTRY_SETTINGS_ID_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    """Required. The registry: `accounts/{account}/registries/{region}`."""
    registry_settings_id: str
    """Required. The owner of the new declaration."""
    settings: _containers.RepeatedScalarFieldContainer[str]
    """Optional. The settings to import, by field name in `Settings`. If empty, the call imports all
    settings that AWS has."""
    validate_only: bool
    """Optional. Runs every check and returns the plan, without changing anything."""
    request_id: str
    """Optional. UUID that you choose; ecrkeeper stores it for a day. A repeated call with the same
    id and content has no second effect and returns the current resource. With other content, the
    call fails with `ALREADY_EXISTS`."""
    reason: str
    """Optional. Reason for the change, stored with the revision; at most 1,000 characters."""
    def __init__(self, name: _Optional[str] = ..., registry_settings_id: _Optional[str] = ..., settings: _Optional[_Iterable[str]] = ..., validate_only: bool = ..., request_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class GetRegistrySettingsRequest(_message.Message):
    """Request of `GetRegistrySettings`."""
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    """Required. The declaration: `accounts/{account}/registries/{region}/settings/{owner}`."""
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ListRegistrySettingsRequest(_message.Message):
    """Request of `ListRegistrySettings`."""
    __slots__ = ("parent", "page_size", "page_token", "filter")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    parent: str
    """Required. The registry; `-` for all: `accounts/-/registries/-`."""
    page_size: int
    """Optional. At most this many; 100 if unset. A number above 1,000 is read as 1,000."""
    page_token: str
    """Optional. The `next_page_token` of the previous page. Keep all other fields unchanged."""
    filter: str
    """Optional. AIP-160, as in `ListRegistries`. Fields: `account`, `region`, `owner`,
    `apply_group`."""
    def __init__(self, parent: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., filter: _Optional[str] = ...) -> None: ...

class ListRegistrySettingsResponse(_message.Message):
    """Response of `ListRegistrySettings`."""
    __slots__ = ("registry_settings", "next_page_token")
    REGISTRY_SETTINGS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    registry_settings: _containers.RepeatedCompositeFieldContainer[_registry_pb2.RegistrySettings]
    """Output only. The declarations."""
    next_page_token: str
    """Output only. Token of the next page; empty on the last page."""
    def __init__(self, registry_settings: _Optional[_Iterable[_Union[_registry_pb2.RegistrySettings, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class CreateRegistrySettingsRequest(_message.Message):
    """Request of `CreateRegistrySettings`."""
    __slots__ = ("parent", "registry_settings_id", "registry_settings", "validate_only", "request_id", "force", "reason", "plan_digest")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    REGISTRY_SETTINGS_ID_FIELD_NUMBER: _ClassVar[int]
    REGISTRY_SETTINGS_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    FORCE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    PLAN_DIGEST_FIELD_NUMBER: _ClassVar[int]
    parent: str
    """Required. The registry: `accounts/{account}/registries/{region}`."""
    registry_settings_id: str
    """Required. The owner: 1 to 63 of `[a-z0-9-]`, beginning with a letter, not ending with a
    hyphen."""
    registry_settings: _registry_pb2.RegistrySettings
    """Required. The declaration. Its `settings` are required; `settings: {}` declares nothing."""
    validate_only: bool
    """Optional. Runs every check and returns the plan, without changing anything."""
    request_id: str
    """Optional. UUID that you choose; ecrkeeper stores it for a day. A repeated call with the same
    id and content has no second effect and returns the current resource. With other content, the
    call fails with `ALREADY_EXISTS`."""
    force: bool
    """Optional. Takes over elements for which another owner declares a different value."""
    reason: str
    """Optional. Reason for the change, stored with the revision; at most 1,000 characters."""
    plan_digest: str
    """Optional. The digest of the plan that this write is to carry out. If the request, the
    registry's generation or its settings in AWS have changed since the plan, the call fails with
    `ABORTED` and the reason `PLAN_STALE`."""
    def __init__(self, parent: _Optional[str] = ..., registry_settings_id: _Optional[str] = ..., registry_settings: _Optional[_Union[_registry_pb2.RegistrySettings, _Mapping]] = ..., validate_only: bool = ..., request_id: _Optional[str] = ..., force: bool = ..., reason: _Optional[str] = ..., plan_digest: _Optional[str] = ...) -> None: ...

class UpdateRegistrySettingsRequest(_message.Message):
    """Request of `UpdateRegistrySettings`."""
    __slots__ = ("registry_settings", "update_mask", "allow_missing", "validate_only", "request_id", "force", "reason", "plan_digest")
    REGISTRY_SETTINGS_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    ALLOW_MISSING_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    FORCE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    PLAN_DIGEST_FIELD_NUMBER: _ClassVar[int]
    registry_settings: _registry_pb2.RegistrySettings
    """Required. The declaration; `name` identifies it, `etag` guards the write."""
    update_mask: _field_mask_pb2.FieldMask
    """Optional. The fields to update. If empty, the call updates the fields that are set,
    `settings` as a whole. `*` updates all fields and resets unset ones to their defaults. A
    creation takes all fields. A write that replaces `settings` and has none fails with
    `INVALID_ARGUMENT`; `settings: {}` declares nothing."""
    allow_missing: bool
    """Optional. Creates the declaration if it does not exist."""
    validate_only: bool
    """Optional. Runs every check and returns the plan, without changing anything."""
    request_id: str
    """Optional. UUID that you choose; ecrkeeper stores it for a day. A repeated call with the same
    id and content has no second effect and returns the current resource. With other content, the
    call fails with `ALREADY_EXISTS`."""
    force: bool
    """Optional. Takes over elements for which another owner declares a different value."""
    reason: str
    """Optional. Reason for the change, stored with the revision; at most 1,000 characters."""
    plan_digest: str
    """Optional. The digest of the plan that this write is to carry out. If the request, the
    registry's generation or its settings in AWS have changed since the plan, the call fails with
    `ABORTED` and the reason `PLAN_STALE`."""
    def __init__(self, registry_settings: _Optional[_Union[_registry_pb2.RegistrySettings, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., allow_missing: bool = ..., validate_only: bool = ..., request_id: _Optional[str] = ..., force: bool = ..., reason: _Optional[str] = ..., plan_digest: _Optional[str] = ...) -> None: ...

class DeleteRegistrySettingsRequest(_message.Message):
    """Request of `DeleteRegistrySettings`."""
    __slots__ = ("name", "etag", "validate_only", "request_id", "allow_missing", "reason", "plan_digest")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ALLOW_MISSING_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    PLAN_DIGEST_FIELD_NUMBER: _ClassVar[int]
    name: str
    """Required. The declaration: `accounts/{account}/registries/{region}/settings/{owner}`."""
    etag: str
    """Optional. The etag that you read. If the resource changed since, the call fails with
    `ABORTED`."""
    validate_only: bool
    """Optional. Runs every check and returns the plan, without changing anything."""
    request_id: str
    """Optional. UUID that you choose; ecrkeeper stores it for a day. A repeated call with the same
    id and content has no second effect and returns a declaration with only its name. With other
    content, the call fails with `ALREADY_EXISTS`."""
    allow_missing: bool
    """Optional. Succeeds if the declaration does not exist."""
    reason: str
    """Optional. Reason for the change, stored with the revision; at most 1,000 characters."""
    plan_digest: str
    """Optional. The digest of the plan that this write is to carry out. If the request, the
    registry's generation or its settings in AWS have changed since the plan, the call fails with
    `ABORTED` and the reason `PLAN_STALE`."""
    def __init__(self, name: _Optional[str] = ..., etag: _Optional[str] = ..., validate_only: bool = ..., request_id: _Optional[str] = ..., allow_missing: bool = ..., reason: _Optional[str] = ..., plan_digest: _Optional[str] = ...) -> None: ...

class ListRegistrySettingsRevisionsRequest(_message.Message):
    """Request of `ListRegistrySettingsRevisions`."""
    __slots__ = ("name", "page_size", "page_token")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    name: str
    """Required. The declaration: `accounts/{account}/registries/{region}/settings/{owner}`."""
    page_size: int
    """Optional. At most this many; 100 if unset. A number above 1,000 is read as 1,000."""
    page_token: str
    """Optional. The `next_page_token` of the previous page. Keep all other fields unchanged."""
    def __init__(self, name: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListRegistrySettingsRevisionsResponse(_message.Message):
    """Response of `ListRegistrySettingsRevisions`."""
    __slots__ = ("revisions", "next_page_token")
    REVISIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    revisions: _containers.RepeatedCompositeFieldContainer[_registry_pb2.RegistrySettingsRevision]
    """Output only. The revisions, newest first."""
    next_page_token: str
    """Output only. Token of the next page; empty on the last page."""
    def __init__(self, revisions: _Optional[_Iterable[_Union[_registry_pb2.RegistrySettingsRevision, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class RollbackRegistrySettingsRequest(_message.Message):
    """Request of `RollbackRegistrySettings`."""
    __slots__ = ("name", "revision", "etag", "validate_only", "request_id", "force", "reason", "plan_digest")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    FORCE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    PLAN_DIGEST_FIELD_NUMBER: _ClassVar[int]
    name: str
    """Required. The declaration: `accounts/{account}/registries/{region}/settings/{owner}`."""
    revision: int
    """Required. The revision to declare again. 0 is the state of AWS before the first declaration;
    you must set it explicitly."""
    etag: str
    """Optional. The etag that you read. If the resource changed since, the call fails with
    `ABORTED`."""
    validate_only: bool
    """Optional. Runs every check and returns the plan, without changing anything."""
    request_id: str
    """Optional. UUID that you choose; ecrkeeper stores it for a day. A repeated call with the same
    id and content has no second effect and returns the current resource. With other content, the
    call fails with `ALREADY_EXISTS`."""
    force: bool
    """Optional. Takes over elements for which another owner declares a different value."""
    reason: str
    """Optional. Reason for the change, stored with the revision; at most 1,000 characters."""
    plan_digest: str
    """Optional. The digest of the plan that this write is to carry out. If the request, the
    registry's generation or its settings in AWS have changed since the plan, the call fails with
    `ABORTED` and the reason `PLAN_STALE`."""
    def __init__(self, name: _Optional[str] = ..., revision: _Optional[int] = ..., etag: _Optional[str] = ..., validate_only: bool = ..., request_id: _Optional[str] = ..., force: bool = ..., reason: _Optional[str] = ..., plan_digest: _Optional[str] = ...) -> None: ...

class ValidatePullThroughCacheRuleRequest(_message.Message):
    """Request of `ValidatePullThroughCacheRule`."""
    __slots__ = ("name", "ecr_repository_prefix")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ECR_REPOSITORY_PREFIX_FIELD_NUMBER: _ClassVar[int]
    name: str
    """Required. The registry: `accounts/{account}/registries/{region}`."""
    ecr_repository_prefix: str
    """Required. The prefix of the rule."""
    def __init__(self, name: _Optional[str] = ..., ecr_repository_prefix: _Optional[str] = ...) -> None: ...

class ValidatePullThroughCacheRuleResponse(_message.Message):
    """Result of a cache rule's validation."""
    __slots__ = ("is_valid", "failure")
    IS_VALID_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    is_valid: bool
    """Output only. True if ECR could log in to the upstream."""
    failure: str
    """Output only. ECR's error message."""
    def __init__(self, is_valid: bool = ..., failure: _Optional[str] = ...) -> None: ...

class CheckReplicationRequest(_message.Message):
    """Request of `CheckReplication`."""
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    """Required. The registry: `accounts/{account}/registries/{region}`."""
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class CheckReplicationResponse(_message.Message):
    """Result of the replication checks."""
    __slots__ = ("checks", "truncated_fields")
    CHECKS_FIELD_NUMBER: _ClassVar[int]
    TRUNCATED_FIELDS_FIELD_NUMBER: _ClassVar[int]
    checks: _containers.RepeatedCompositeFieldContainer[_registry_pb2.ReplicationCheck]
    """Output only. One check for each destination."""
    truncated_fields: _containers.RepeatedScalarFieldContainer[str]
    """Output only. `checks` if the list is incomplete because the message would be too long."""
    def __init__(self, checks: _Optional[_Iterable[_Union[_registry_pb2.ReplicationCheck, _Mapping]]] = ..., truncated_fields: _Optional[_Iterable[str]] = ...) -> None: ...

class ExplainRepositoryRequest(_message.Message):
    """Request of `ExplainRepository`."""
    __slots__ = ("name", "repository")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REPOSITORY_FIELD_NUMBER: _ClassVar[int]
    name: str
    """Required. The registry: `accounts/{account}/registries/{region}`."""
    repository: str
    """Required. The name of the repository, which need not exist: 2 to 256 characters."""
    def __init__(self, name: _Optional[str] = ..., repository: _Optional[str] = ...) -> None: ...

class ExplainRepositoryResponse(_message.Message):
    """Settings that apply to a repository."""
    __slots__ = ("repository_creation_template", "scanning_rules", "scan_frequency", "replication_pairs", "pull_through_cache_rule", "upstream_repository", "signing_rules", "pull_time_update_exclusions", "replications", "truncated_fields")
    REPOSITORY_CREATION_TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    SCANNING_RULES_FIELD_NUMBER: _ClassVar[int]
    SCAN_FREQUENCY_FIELD_NUMBER: _ClassVar[int]
    REPLICATION_PAIRS_FIELD_NUMBER: _ClassVar[int]
    PULL_THROUGH_CACHE_RULE_FIELD_NUMBER: _ClassVar[int]
    UPSTREAM_REPOSITORY_FIELD_NUMBER: _ClassVar[int]
    SIGNING_RULES_FIELD_NUMBER: _ClassVar[int]
    PULL_TIME_UPDATE_EXCLUSIONS_FIELD_NUMBER: _ClassVar[int]
    REPLICATIONS_FIELD_NUMBER: _ClassVar[int]
    TRUNCATED_FIELDS_FIELD_NUMBER: _ClassVar[int]
    repository_creation_template: _registry_pb2.Element
    """Output only. The template that a new repository of this name gets."""
    scanning_rules: _containers.RepeatedCompositeFieldContainer[_registry_pb2.Element]
    """Output only. The scanning pairs that match; with `ENHANCED` scanning, `CONTINUOUS_SCAN` takes
    precedence."""
    scan_frequency: _settings_pb2.RegistryScanningRule.ScanFrequency
    """Output only. The effective scanning of the repository."""
    replication_pairs: _containers.RepeatedCompositeFieldContainer[_registry_pb2.Element]
    """Output only. The replication pairs that match."""
    pull_through_cache_rule: _registry_pb2.Element
    """Output only. The cache rule that a pull of this name uses."""
    upstream_repository: str
    """Output only. The repository at the upstream that such a pull reads."""
    signing_rules: _containers.RepeatedCompositeFieldContainer[_registry_pb2.Element]
    """Output only. The signing pairs that match; every one of them signs."""
    pull_time_update_exclusions: _containers.RepeatedCompositeFieldContainer[_registry_pb2.Element]
    """Output only. The principals whose pulls do not update an image's last pull time, in every
    repository."""
    replications: _containers.RepeatedCompositeFieldContainer[_registry_pb2.RepositoryReplication]
    """Output only. The arrival of the repository's images at each replication destination.
    ecrkeeper reads the registry policy of each destination whose filters match."""
    truncated_fields: _containers.RepeatedScalarFieldContainer[str]
    """Output only. Lists that are incomplete because the message would be too long, for example
    `signing_rules`. `ListRegistryElements` has all elements."""
    def __init__(self, repository_creation_template: _Optional[_Union[_registry_pb2.Element, _Mapping]] = ..., scanning_rules: _Optional[_Iterable[_Union[_registry_pb2.Element, _Mapping]]] = ..., scan_frequency: _Optional[_Union[_settings_pb2.RegistryScanningRule.ScanFrequency, str]] = ..., replication_pairs: _Optional[_Iterable[_Union[_registry_pb2.Element, _Mapping]]] = ..., pull_through_cache_rule: _Optional[_Union[_registry_pb2.Element, _Mapping]] = ..., upstream_repository: _Optional[str] = ..., signing_rules: _Optional[_Iterable[_Union[_registry_pb2.Element, _Mapping]]] = ..., pull_time_update_exclusions: _Optional[_Iterable[_Union[_registry_pb2.Element, _Mapping]]] = ..., replications: _Optional[_Iterable[_Union[_registry_pb2.RepositoryReplication, _Mapping]]] = ..., truncated_fields: _Optional[_Iterable[str]] = ...) -> None: ...

class StartReplicationBackfillRequest(_message.Message):
    """Request of `StartReplicationBackfill`."""
    __slots__ = ("parent", "destination", "request_id", "validate_only")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    DESTINATION_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    parent: str
    """Required. The registry: `accounts/{account}/registries/{region}`."""
    destination: _settings_pb2.ReplicationDestination
    """Required. The destination."""
    request_id: str
    """Optional. UUID that you choose; ecrkeeper stores it for a day. A repeated call with the same
    id and content has no second effect and returns the operation of the first call. With other
    content, the call fails with `ALREADY_EXISTS`."""
    validate_only: bool
    """Optional. Runs every check and returns source and destination in the metadata, without
    changing anything."""
    def __init__(self, parent: _Optional[str] = ..., destination: _Optional[_Union[_settings_pb2.ReplicationDestination, _Mapping]] = ..., request_id: _Optional[str] = ..., validate_only: bool = ...) -> None: ...

class StartReplicationBackfillMetadata(_message.Message):
    """Progress of a backfill."""
    __slots__ = ("replication_backfill", "registry", "create_time", "end_time", "principals")
    REPLICATION_BACKFILL_FIELD_NUMBER: _ClassVar[int]
    REGISTRY_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    PRINCIPALS_FIELD_NUMBER: _ClassVar[int]
    replication_backfill: _registry_pb2.ReplicationBackfill
    """Output only. The backfill as ECR described it last. Until ECR knows it, only its destination
    is set."""
    registry: str
    """Output only. The source registry."""
    create_time: _timestamp_pb2.Timestamp
    """Output only. Time at which the operation began."""
    end_time: _timestamp_pb2.Timestamp
    """Output only. Time at which the operation ended; unset while it runs."""
    principals: _containers.RepeatedScalarFieldContainer[str]
    """Output only. The principals that requested the operation: the one that started it, then those
    that joined it, at most 100. Empty if the server does not authenticate callers."""
    def __init__(self, replication_backfill: _Optional[_Union[_registry_pb2.ReplicationBackfill, _Mapping]] = ..., registry: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., principals: _Optional[_Iterable[str]] = ...) -> None: ...

class StopReplicationBackfillRequest(_message.Message):
    """Request of `StopReplicationBackfill`."""
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    """Required. The backfill:
    `accounts/{account}/registries/{region}/replicationBackfills/{id}`."""
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetReplicationBackfillRequest(_message.Message):
    """Request of `GetReplicationBackfill`."""
    __slots__ = ("name", "refresh")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REFRESH_FIELD_NUMBER: _ClassVar[int]
    name: str
    """Required. The backfill:
    `accounts/{account}/registries/{region}/replicationBackfills/{id}`."""
    refresh: bool
    """Optional. No effect: the call always asks ECR. For a backfill that ECR has forgotten, it
    returns the last known state."""
    def __init__(self, name: _Optional[str] = ..., refresh: bool = ...) -> None: ...

class ListReplicationBackfillsRequest(_message.Message):
    """Request of `ListReplicationBackfills`."""
    __slots__ = ("parent", "page_size", "page_token")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    parent: str
    """Required. The registry: `accounts/{account}/registries/{region}`."""
    page_size: int
    """Optional. At most this many; 100 if unset. A number above 1,000 is read as 1,000."""
    page_token: str
    """Optional. The `next_page_token` of the previous page. Keep all other fields unchanged."""
    def __init__(self, parent: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListReplicationBackfillsResponse(_message.Message):
    """Response of `ListReplicationBackfills`."""
    __slots__ = ("replication_backfills", "next_page_token")
    REPLICATION_BACKFILLS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    replication_backfills: _containers.RepeatedCompositeFieldContainer[_registry_pb2.ReplicationBackfill]
    """Output only. The backfills."""
    next_page_token: str
    """Output only. Token of the next page; empty on the last page."""
    def __init__(self, replication_backfills: _Optional[_Iterable[_Union[_registry_pb2.ReplicationBackfill, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListReplicationBackfillResultsRequest(_message.Message):
    """Request of `ListReplicationBackfillResults`."""
    __slots__ = ("name", "page_size", "page_token", "status")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    name: str
    """Required. The backfill:
    `accounts/{account}/registries/{region}/replicationBackfills/{id}`."""
    page_size: int
    """Optional. At most this many; 100 if unset. A number above 1,000 is read as 1,000."""
    page_token: str
    """Optional. The `next_page_token` of the previous page. Keep all other fields unchanged."""
    status: str
    """Optional. `COMPLETE` or `FAILED`; empty for both."""
    def __init__(self, name: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., status: _Optional[str] = ...) -> None: ...

class ListReplicationBackfillResultsResponse(_message.Message):
    """Response of `ListReplicationBackfillResults`."""
    __slots__ = ("results", "next_page_token")
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[_registry_pb2.ReplicationBackfillResult]
    """Output only. The images."""
    next_page_token: str
    """Output only. Token of the next page; empty on the last page."""
    def __init__(self, results: _Optional[_Iterable[_Union[_registry_pb2.ReplicationBackfillResult, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListImageReplicationStatusesRequest(_message.Message):
    """Request of `ListImageReplicationStatuses`."""
    __slots__ = ("parent", "page_size", "page_token", "destination", "repository_prefixes")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    DESTINATION_FIELD_NUMBER: _ClassVar[int]
    REPOSITORY_PREFIXES_FIELD_NUMBER: _ClassVar[int]
    parent: str
    """Required. The registry: `accounts/{account}/registries/{region}`."""
    page_size: int
    """Optional. At most this many; 20 if unset. A number above 20 is read as 20. A page may be
    shorter or empty, and others follow as long as there is a token."""
    page_token: str
    """Optional. The `next_page_token` of the previous page. Keep all other fields unchanged."""
    destination: _settings_pb2.ReplicationDestination
    """Required. The destination."""
    repository_prefixes: _containers.RepeatedScalarFieldContainer[str]
    """Optional. Only repositories with one of these prefixes; empty for all."""
    def __init__(self, parent: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., destination: _Optional[_Union[_settings_pb2.ReplicationDestination, _Mapping]] = ..., repository_prefixes: _Optional[_Iterable[str]] = ...) -> None: ...

class ListImageReplicationStatusesResponse(_message.Message):
    """Response of `ListImageReplicationStatuses`."""
    __slots__ = ("image_replication_statuses", "next_page_token")
    IMAGE_REPLICATION_STATUSES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    image_replication_statuses: _containers.RepeatedCompositeFieldContainer[_registry_pb2.ImageReplicationStatus]
    """Output only. The images."""
    next_page_token: str
    """Output only. Token of the next page; empty on the last page."""
    def __init__(self, image_replication_statuses: _Optional[_Iterable[_Union[_registry_pb2.ImageReplicationStatus, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListRegistryElementsRequest(_message.Message):
    """Request of `ListRegistryElements`."""
    __slots__ = ("parent", "page_size", "page_token", "filter")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    parent: str
    """Required. The registry: `accounts/{account}/registries/{region}`."""
    page_size: int
    """Optional. At most this many; 100 if unset. A number above 1,000 is read as 1,000."""
    page_token: str
    """Optional. The `next_page_token` of the previous page. Keep all other fields unchanged."""
    filter: str
    """Optional. AIP-160, as in `ListRegistries`. Fields: `setting`, `key`, `state` (`IN_SYNC`,
    `OUT_OF_SYNC`, `UNMANAGED`, `REMOVING`), `owner`; a `*` in `key` matches the character itself.
    For example `state = OUT_OF_SYNC AND owner = "team-a"`."""
    def __init__(self, parent: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., filter: _Optional[str] = ...) -> None: ...

class ListRegistryElementsResponse(_message.Message):
    """Response of `ListRegistryElements`."""
    __slots__ = ("elements", "next_page_token")
    ELEMENTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    elements: _containers.RepeatedCompositeFieldContainer[_registry_pb2.Element]
    """Output only. The elements, with complete values. Each replication pair is one element."""
    next_page_token: str
    """Output only. Token of the next page; empty on the last page."""
    def __init__(self, elements: _Optional[_Iterable[_Union[_registry_pb2.Element, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...
