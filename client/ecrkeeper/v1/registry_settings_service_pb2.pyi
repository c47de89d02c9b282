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
    __slots__ = ("name", "refresh", "view")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REFRESH_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    name: str
    refresh: bool
    view: _registry_pb2.RegistryView
    def __init__(self, name: _Optional[str] = ..., refresh: bool = ..., view: _Optional[_Union[_registry_pb2.RegistryView, str]] = ...) -> None: ...

class ListRegistriesRequest(_message.Message):
    __slots__ = ("parent", "page_size", "page_token", "filter", "view")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    parent: str
    page_size: int
    page_token: str
    filter: str
    view: _registry_pb2.RegistryView
    def __init__(self, parent: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., filter: _Optional[str] = ..., view: _Optional[_Union[_registry_pb2.RegistryView, str]] = ...) -> None: ...

class ListRegistriesResponse(_message.Message):
    __slots__ = ("registries", "next_page_token")
    REGISTRIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    registries: _containers.RepeatedCompositeFieldContainer[_registry_pb2.Registry]
    next_page_token: str
    def __init__(self, registries: _Optional[_Iterable[_Union[_registry_pb2.Registry, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class UpdateRegistryRequest(_message.Message):
    __slots__ = ("registry", "update_mask", "validate_only", "request_id", "plan_digest")
    REGISTRY_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    PLAN_DIGEST_FIELD_NUMBER: _ClassVar[int]
    registry: _registry_pb2.Registry
    update_mask: _field_mask_pb2.FieldMask
    validate_only: bool
    request_id: str
    plan_digest: str
    def __init__(self, registry: _Optional[_Union[_registry_pb2.Registry, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., validate_only: bool = ..., request_id: _Optional[str] = ..., plan_digest: _Optional[str] = ...) -> None: ...

class DeleteRegistryRequest(_message.Message):
    __slots__ = ("name", "etag", "allow_missing", "validate_only", "request_id", "deletion_policy")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    ALLOW_MISSING_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    DELETION_POLICY_FIELD_NUMBER: _ClassVar[int]
    name: str
    etag: str
    allow_missing: bool
    validate_only: bool
    request_id: str
    deletion_policy: _common_pb2.DeletionPolicy
    def __init__(self, name: _Optional[str] = ..., etag: _Optional[str] = ..., allow_missing: bool = ..., validate_only: bool = ..., request_id: _Optional[str] = ..., deletion_policy: _Optional[_Union[_common_pb2.DeletionPolicy, str]] = ...) -> None: ...

class WatchRegistriesRequest(_message.Message):
    __slots__ = ("parent", "filter", "view")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    parent: str
    filter: str
    view: _registry_pb2.RegistryView
    def __init__(self, parent: _Optional[str] = ..., filter: _Optional[str] = ..., view: _Optional[_Union[_registry_pb2.RegistryView, str]] = ...) -> None: ...

class WatchRegistriesResponse(_message.Message):
    __slots__ = ("kind", "registry")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        KIND_UNSPECIFIED: _ClassVar[WatchRegistriesResponse.Kind]
        CURRENT: _ClassVar[WatchRegistriesResponse.Kind]
        SNAPSHOT_COMPLETE: _ClassVar[WatchRegistriesResponse.Kind]
        REMOVED: _ClassVar[WatchRegistriesResponse.Kind]
    KIND_UNSPECIFIED: WatchRegistriesResponse.Kind
    CURRENT: WatchRegistriesResponse.Kind
    SNAPSHOT_COMPLETE: WatchRegistriesResponse.Kind
    REMOVED: WatchRegistriesResponse.Kind
    KIND_FIELD_NUMBER: _ClassVar[int]
    REGISTRY_FIELD_NUMBER: _ClassVar[int]
    kind: WatchRegistriesResponse.Kind
    registry: _registry_pb2.Registry
    def __init__(self, kind: _Optional[_Union[WatchRegistriesResponse.Kind, str]] = ..., registry: _Optional[_Union[_registry_pb2.Registry, _Mapping]] = ...) -> None: ...

class ReconcileRegistryRequest(_message.Message):
    __slots__ = ("name", "request_id")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    name: str
    request_id: str
    def __init__(self, name: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class ReconcileRegistryMetadata(_message.Message):
    __slots__ = ("registry", "generation", "create_time", "end_time", "principals")
    REGISTRY_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    PRINCIPALS_FIELD_NUMBER: _ClassVar[int]
    registry: str
    generation: int
    create_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    principals: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, registry: _Optional[str] = ..., generation: _Optional[int] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., principals: _Optional[_Iterable[str]] = ...) -> None: ...

class ImportRegistrySettingsRequest(_message.Message):
    __slots__ = ("name", "registry_settings_id", "settings", "validate_only", "request_id", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REGISTRY_SETTINGS_ID_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    registry_settings_id: str
    settings: _containers.RepeatedScalarFieldContainer[str]
    validate_only: bool
    request_id: str
    reason: str
    def __init__(self, name: _Optional[str] = ..., registry_settings_id: _Optional[str] = ..., settings: _Optional[_Iterable[str]] = ..., validate_only: bool = ..., request_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class GetRegistrySettingsRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ListRegistrySettingsRequest(_message.Message):
    __slots__ = ("parent", "page_size", "page_token", "filter")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    parent: str
    page_size: int
    page_token: str
    filter: str
    def __init__(self, parent: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., filter: _Optional[str] = ...) -> None: ...

class ListRegistrySettingsResponse(_message.Message):
    __slots__ = ("registry_settings", "next_page_token")
    REGISTRY_SETTINGS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    registry_settings: _containers.RepeatedCompositeFieldContainer[_registry_pb2.RegistrySettings]
    next_page_token: str
    def __init__(self, registry_settings: _Optional[_Iterable[_Union[_registry_pb2.RegistrySettings, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class CreateRegistrySettingsRequest(_message.Message):
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
    registry_settings_id: str
    registry_settings: _registry_pb2.RegistrySettings
    validate_only: bool
    request_id: str
    force: bool
    reason: str
    plan_digest: str
    def __init__(self, parent: _Optional[str] = ..., registry_settings_id: _Optional[str] = ..., registry_settings: _Optional[_Union[_registry_pb2.RegistrySettings, _Mapping]] = ..., validate_only: bool = ..., request_id: _Optional[str] = ..., force: bool = ..., reason: _Optional[str] = ..., plan_digest: _Optional[str] = ...) -> None: ...

class UpdateRegistrySettingsRequest(_message.Message):
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
    update_mask: _field_mask_pb2.FieldMask
    allow_missing: bool
    validate_only: bool
    request_id: str
    force: bool
    reason: str
    plan_digest: str
    def __init__(self, registry_settings: _Optional[_Union[_registry_pb2.RegistrySettings, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., allow_missing: bool = ..., validate_only: bool = ..., request_id: _Optional[str] = ..., force: bool = ..., reason: _Optional[str] = ..., plan_digest: _Optional[str] = ...) -> None: ...

class DeleteRegistrySettingsRequest(_message.Message):
    __slots__ = ("name", "etag", "validate_only", "request_id", "allow_missing", "reason", "plan_digest")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    ALLOW_MISSING_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    PLAN_DIGEST_FIELD_NUMBER: _ClassVar[int]
    name: str
    etag: str
    validate_only: bool
    request_id: str
    allow_missing: bool
    reason: str
    plan_digest: str
    def __init__(self, name: _Optional[str] = ..., etag: _Optional[str] = ..., validate_only: bool = ..., request_id: _Optional[str] = ..., allow_missing: bool = ..., reason: _Optional[str] = ..., plan_digest: _Optional[str] = ...) -> None: ...

class ListRegistrySettingsRevisionsRequest(_message.Message):
    __slots__ = ("name", "page_size", "page_token")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    name: str
    page_size: int
    page_token: str
    def __init__(self, name: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListRegistrySettingsRevisionsResponse(_message.Message):
    __slots__ = ("revisions", "next_page_token")
    REVISIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    revisions: _containers.RepeatedCompositeFieldContainer[_registry_pb2.RegistrySettingsRevision]
    next_page_token: str
    def __init__(self, revisions: _Optional[_Iterable[_Union[_registry_pb2.RegistrySettingsRevision, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class RollbackRegistrySettingsRequest(_message.Message):
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
    revision: int
    etag: str
    validate_only: bool
    request_id: str
    force: bool
    reason: str
    plan_digest: str
    def __init__(self, name: _Optional[str] = ..., revision: _Optional[int] = ..., etag: _Optional[str] = ..., validate_only: bool = ..., request_id: _Optional[str] = ..., force: bool = ..., reason: _Optional[str] = ..., plan_digest: _Optional[str] = ...) -> None: ...

class ValidatePullThroughCacheRuleRequest(_message.Message):
    __slots__ = ("name", "ecr_repository_prefix")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ECR_REPOSITORY_PREFIX_FIELD_NUMBER: _ClassVar[int]
    name: str
    ecr_repository_prefix: str
    def __init__(self, name: _Optional[str] = ..., ecr_repository_prefix: _Optional[str] = ...) -> None: ...

class ValidatePullThroughCacheRuleResponse(_message.Message):
    __slots__ = ("is_valid", "failure")
    IS_VALID_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    is_valid: bool
    failure: str
    def __init__(self, is_valid: bool = ..., failure: _Optional[str] = ...) -> None: ...

class CheckReplicationRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class CheckReplicationResponse(_message.Message):
    __slots__ = ("checks",)
    CHECKS_FIELD_NUMBER: _ClassVar[int]
    checks: _containers.RepeatedCompositeFieldContainer[_registry_pb2.ReplicationCheck]
    def __init__(self, checks: _Optional[_Iterable[_Union[_registry_pb2.ReplicationCheck, _Mapping]]] = ...) -> None: ...

class ExplainRepositoryRequest(_message.Message):
    __slots__ = ("name", "repository")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REPOSITORY_FIELD_NUMBER: _ClassVar[int]
    name: str
    repository: str
    def __init__(self, name: _Optional[str] = ..., repository: _Optional[str] = ...) -> None: ...

class ExplainRepositoryResponse(_message.Message):
    __slots__ = ("repository_creation_template", "scanning_rules", "scan_frequency", "replication_pairs", "pull_through_cache_rule", "upstream_repository", "signing_rules", "pull_time_update_exclusions", "replications")
    REPOSITORY_CREATION_TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    SCANNING_RULES_FIELD_NUMBER: _ClassVar[int]
    SCAN_FREQUENCY_FIELD_NUMBER: _ClassVar[int]
    REPLICATION_PAIRS_FIELD_NUMBER: _ClassVar[int]
    PULL_THROUGH_CACHE_RULE_FIELD_NUMBER: _ClassVar[int]
    UPSTREAM_REPOSITORY_FIELD_NUMBER: _ClassVar[int]
    SIGNING_RULES_FIELD_NUMBER: _ClassVar[int]
    PULL_TIME_UPDATE_EXCLUSIONS_FIELD_NUMBER: _ClassVar[int]
    REPLICATIONS_FIELD_NUMBER: _ClassVar[int]
    repository_creation_template: _registry_pb2.Element
    scanning_rules: _containers.RepeatedCompositeFieldContainer[_registry_pb2.Element]
    scan_frequency: _settings_pb2.RegistryScanningRule.ScanFrequency
    replication_pairs: _containers.RepeatedCompositeFieldContainer[_registry_pb2.Element]
    pull_through_cache_rule: _registry_pb2.Element
    upstream_repository: str
    signing_rules: _containers.RepeatedCompositeFieldContainer[_registry_pb2.Element]
    pull_time_update_exclusions: _containers.RepeatedCompositeFieldContainer[_registry_pb2.Element]
    replications: _containers.RepeatedCompositeFieldContainer[_registry_pb2.RepositoryReplication]
    def __init__(self, repository_creation_template: _Optional[_Union[_registry_pb2.Element, _Mapping]] = ..., scanning_rules: _Optional[_Iterable[_Union[_registry_pb2.Element, _Mapping]]] = ..., scan_frequency: _Optional[_Union[_settings_pb2.RegistryScanningRule.ScanFrequency, str]] = ..., replication_pairs: _Optional[_Iterable[_Union[_registry_pb2.Element, _Mapping]]] = ..., pull_through_cache_rule: _Optional[_Union[_registry_pb2.Element, _Mapping]] = ..., upstream_repository: _Optional[str] = ..., signing_rules: _Optional[_Iterable[_Union[_registry_pb2.Element, _Mapping]]] = ..., pull_time_update_exclusions: _Optional[_Iterable[_Union[_registry_pb2.Element, _Mapping]]] = ..., replications: _Optional[_Iterable[_Union[_registry_pb2.RepositoryReplication, _Mapping]]] = ...) -> None: ...

class StartReplicationBackfillRequest(_message.Message):
    __slots__ = ("parent", "destination", "request_id", "validate_only")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    DESTINATION_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    parent: str
    destination: _settings_pb2.ReplicationDestination
    request_id: str
    validate_only: bool
    def __init__(self, parent: _Optional[str] = ..., destination: _Optional[_Union[_settings_pb2.ReplicationDestination, _Mapping]] = ..., request_id: _Optional[str] = ..., validate_only: bool = ...) -> None: ...

class StartReplicationBackfillMetadata(_message.Message):
    __slots__ = ("replication_backfill", "registry", "create_time", "end_time", "principals")
    REPLICATION_BACKFILL_FIELD_NUMBER: _ClassVar[int]
    REGISTRY_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    PRINCIPALS_FIELD_NUMBER: _ClassVar[int]
    replication_backfill: _registry_pb2.ReplicationBackfill
    registry: str
    create_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    principals: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, replication_backfill: _Optional[_Union[_registry_pb2.ReplicationBackfill, _Mapping]] = ..., registry: _Optional[str] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., principals: _Optional[_Iterable[str]] = ...) -> None: ...

class StopReplicationBackfillRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetReplicationBackfillRequest(_message.Message):
    __slots__ = ("name", "refresh")
    NAME_FIELD_NUMBER: _ClassVar[int]
    REFRESH_FIELD_NUMBER: _ClassVar[int]
    name: str
    refresh: bool
    def __init__(self, name: _Optional[str] = ..., refresh: bool = ...) -> None: ...

class ListReplicationBackfillsRequest(_message.Message):
    __slots__ = ("parent", "page_size", "page_token")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    parent: str
    page_size: int
    page_token: str
    def __init__(self, parent: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListReplicationBackfillsResponse(_message.Message):
    __slots__ = ("replication_backfills", "next_page_token")
    REPLICATION_BACKFILLS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    replication_backfills: _containers.RepeatedCompositeFieldContainer[_registry_pb2.ReplicationBackfill]
    next_page_token: str
    def __init__(self, replication_backfills: _Optional[_Iterable[_Union[_registry_pb2.ReplicationBackfill, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListReplicationBackfillResultsRequest(_message.Message):
    __slots__ = ("name", "page_size", "page_token", "status")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    name: str
    page_size: int
    page_token: str
    status: str
    def __init__(self, name: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., status: _Optional[str] = ...) -> None: ...

class ListReplicationBackfillResultsResponse(_message.Message):
    __slots__ = ("results", "next_page_token")
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[_registry_pb2.ReplicationBackfillResult]
    next_page_token: str
    def __init__(self, results: _Optional[_Iterable[_Union[_registry_pb2.ReplicationBackfillResult, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListRegistryElementsRequest(_message.Message):
    __slots__ = ("parent", "page_size", "page_token", "filter")
    PARENT_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    parent: str
    page_size: int
    page_token: str
    filter: str
    def __init__(self, parent: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., filter: _Optional[str] = ...) -> None: ...

class ListRegistryElementsResponse(_message.Message):
    __slots__ = ("elements", "next_page_token")
    ELEMENTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    elements: _containers.RepeatedCompositeFieldContainer[_registry_pb2.Element]
    next_page_token: str
    def __init__(self, elements: _Optional[_Iterable[_Union[_registry_pb2.Element, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...
