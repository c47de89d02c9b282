from google.api import field_behavior_pb2 as _field_behavior_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Settings(_message.Message):
    __slots__ = ("registry_policy", "replication_configuration", "scanning_configuration", "pull_through_cache_rules", "repository_creation_templates", "account_settings", "pull_time_update_exclusions", "signing_configuration", "registry_id")
    REGISTRY_POLICY_FIELD_NUMBER: _ClassVar[int]
    REPLICATION_CONFIGURATION_FIELD_NUMBER: _ClassVar[int]
    SCANNING_CONFIGURATION_FIELD_NUMBER: _ClassVar[int]
    PULL_THROUGH_CACHE_RULES_FIELD_NUMBER: _ClassVar[int]
    REPOSITORY_CREATION_TEMPLATES_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_SETTINGS_FIELD_NUMBER: _ClassVar[int]
    PULL_TIME_UPDATE_EXCLUSIONS_FIELD_NUMBER: _ClassVar[int]
    SIGNING_CONFIGURATION_FIELD_NUMBER: _ClassVar[int]
    REGISTRY_ID_FIELD_NUMBER: _ClassVar[int]
    registry_policy: RegistryPolicy
    replication_configuration: ReplicationConfiguration
    scanning_configuration: RegistryScanningConfiguration
    pull_through_cache_rules: PullThroughCacheRules
    repository_creation_templates: RepositoryCreationTemplates
    account_settings: AccountSettings
    pull_time_update_exclusions: PullTimeUpdateExclusions
    signing_configuration: SigningConfiguration
    registry_id: _struct_pb2.Value
    def __init__(self, registry_policy: _Optional[_Union[RegistryPolicy, _Mapping]] = ..., replication_configuration: _Optional[_Union[ReplicationConfiguration, _Mapping]] = ..., scanning_configuration: _Optional[_Union[RegistryScanningConfiguration, _Mapping]] = ..., pull_through_cache_rules: _Optional[_Union[PullThroughCacheRules, _Mapping]] = ..., repository_creation_templates: _Optional[_Union[RepositoryCreationTemplates, _Mapping]] = ..., account_settings: _Optional[_Union[AccountSettings, _Mapping]] = ..., pull_time_update_exclusions: _Optional[_Union[PullTimeUpdateExclusions, _Mapping]] = ..., signing_configuration: _Optional[_Union[SigningConfiguration, _Mapping]] = ..., registry_id: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ...) -> None: ...

class RegistryPolicy(_message.Message):
    __slots__ = ("policy_text", "registry_id")
    POLICY_TEXT_FIELD_NUMBER: _ClassVar[int]
    REGISTRY_ID_FIELD_NUMBER: _ClassVar[int]
    policy_text: str
    registry_id: _struct_pb2.Value
    def __init__(self, policy_text: _Optional[str] = ..., registry_id: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ...) -> None: ...

class ReplicationConfiguration(_message.Message):
    __slots__ = ("rules",)
    RULES_FIELD_NUMBER: _ClassVar[int]
    rules: _containers.RepeatedCompositeFieldContainer[ReplicationRule]
    def __init__(self, rules: _Optional[_Iterable[_Union[ReplicationRule, _Mapping]]] = ...) -> None: ...

class ReplicationRule(_message.Message):
    __slots__ = ("destinations", "repository_filters", "delete_replication")
    DESTINATIONS_FIELD_NUMBER: _ClassVar[int]
    REPOSITORY_FILTERS_FIELD_NUMBER: _ClassVar[int]
    DELETE_REPLICATION_FIELD_NUMBER: _ClassVar[int]
    destinations: _containers.RepeatedCompositeFieldContainer[ReplicationDestination]
    repository_filters: _containers.RepeatedCompositeFieldContainer[ReplicationRepositoryFilter]
    delete_replication: DeleteReplication
    def __init__(self, destinations: _Optional[_Iterable[_Union[ReplicationDestination, _Mapping]]] = ..., repository_filters: _Optional[_Iterable[_Union[ReplicationRepositoryFilter, _Mapping]]] = ..., delete_replication: _Optional[_Union[DeleteReplication, _Mapping]] = ...) -> None: ...

class ReplicationDestination(_message.Message):
    __slots__ = ("region", "registry_id")
    REGION_FIELD_NUMBER: _ClassVar[int]
    REGISTRY_ID_FIELD_NUMBER: _ClassVar[int]
    region: str
    registry_id: str
    def __init__(self, region: _Optional[str] = ..., registry_id: _Optional[str] = ...) -> None: ...

class ReplicationRepositoryFilter(_message.Message):
    __slots__ = ("filter", "filter_type")
    class FilterType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        FILTER_TYPE_UNSPECIFIED: _ClassVar[ReplicationRepositoryFilter.FilterType]
        PREFIX_MATCH: _ClassVar[ReplicationRepositoryFilter.FilterType]
    FILTER_TYPE_UNSPECIFIED: ReplicationRepositoryFilter.FilterType
    PREFIX_MATCH: ReplicationRepositoryFilter.FilterType
    FILTER_FIELD_NUMBER: _ClassVar[int]
    FILTER_TYPE_FIELD_NUMBER: _ClassVar[int]
    filter: str
    filter_type: ReplicationRepositoryFilter.FilterType
    def __init__(self, filter: _Optional[str] = ..., filter_type: _Optional[_Union[ReplicationRepositoryFilter.FilterType, str]] = ...) -> None: ...

class DeleteReplication(_message.Message):
    __slots__ = ("enabled",)
    ENABLED_FIELD_NUMBER: _ClassVar[int]
    enabled: bool
    def __init__(self, enabled: bool = ...) -> None: ...

class RegistryScanningConfiguration(_message.Message):
    __slots__ = ("scan_type", "rules")
    class ScanType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        SCAN_TYPE_UNSPECIFIED: _ClassVar[RegistryScanningConfiguration.ScanType]
        BASIC: _ClassVar[RegistryScanningConfiguration.ScanType]
        ENHANCED: _ClassVar[RegistryScanningConfiguration.ScanType]
    SCAN_TYPE_UNSPECIFIED: RegistryScanningConfiguration.ScanType
    BASIC: RegistryScanningConfiguration.ScanType
    ENHANCED: RegistryScanningConfiguration.ScanType
    SCAN_TYPE_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    scan_type: RegistryScanningConfiguration.ScanType
    rules: _containers.RepeatedCompositeFieldContainer[RegistryScanningRule]
    def __init__(self, scan_type: _Optional[_Union[RegistryScanningConfiguration.ScanType, str]] = ..., rules: _Optional[_Iterable[_Union[RegistryScanningRule, _Mapping]]] = ...) -> None: ...

class RegistryScanningRule(_message.Message):
    __slots__ = ("scan_frequency", "repository_filters")
    class ScanFrequency(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        SCAN_FREQUENCY_UNSPECIFIED: _ClassVar[RegistryScanningRule.ScanFrequency]
        SCAN_ON_PUSH: _ClassVar[RegistryScanningRule.ScanFrequency]
        CONTINUOUS_SCAN: _ClassVar[RegistryScanningRule.ScanFrequency]
        MANUAL: _ClassVar[RegistryScanningRule.ScanFrequency]
    SCAN_FREQUENCY_UNSPECIFIED: RegistryScanningRule.ScanFrequency
    SCAN_ON_PUSH: RegistryScanningRule.ScanFrequency
    CONTINUOUS_SCAN: RegistryScanningRule.ScanFrequency
    MANUAL: RegistryScanningRule.ScanFrequency
    SCAN_FREQUENCY_FIELD_NUMBER: _ClassVar[int]
    REPOSITORY_FILTERS_FIELD_NUMBER: _ClassVar[int]
    scan_frequency: RegistryScanningRule.ScanFrequency
    repository_filters: _containers.RepeatedCompositeFieldContainer[ScanningRepositoryFilter]
    def __init__(self, scan_frequency: _Optional[_Union[RegistryScanningRule.ScanFrequency, str]] = ..., repository_filters: _Optional[_Iterable[_Union[ScanningRepositoryFilter, _Mapping]]] = ...) -> None: ...

class ScanningRepositoryFilter(_message.Message):
    __slots__ = ("filter", "filter_type")
    class FilterType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        FILTER_TYPE_UNSPECIFIED: _ClassVar[ScanningRepositoryFilter.FilterType]
        WILDCARD: _ClassVar[ScanningRepositoryFilter.FilterType]
    FILTER_TYPE_UNSPECIFIED: ScanningRepositoryFilter.FilterType
    WILDCARD: ScanningRepositoryFilter.FilterType
    FILTER_FIELD_NUMBER: _ClassVar[int]
    FILTER_TYPE_FIELD_NUMBER: _ClassVar[int]
    filter: str
    filter_type: ScanningRepositoryFilter.FilterType
    def __init__(self, filter: _Optional[str] = ..., filter_type: _Optional[_Union[ScanningRepositoryFilter.FilterType, str]] = ...) -> None: ...

class PullThroughCacheRules(_message.Message):
    __slots__ = ("rules",)
    RULES_FIELD_NUMBER: _ClassVar[int]
    rules: _containers.RepeatedCompositeFieldContainer[PullThroughCacheRule]
    def __init__(self, rules: _Optional[_Iterable[_Union[PullThroughCacheRule, _Mapping]]] = ...) -> None: ...

class PullThroughCacheRule(_message.Message):
    __slots__ = ("ecr_repository_prefix", "upstream_registry_url", "upstream_registry", "credential_arn", "custom_role_arn", "upstream_repository_prefix", "registry_id", "created_at", "updated_at")
    ECR_REPOSITORY_PREFIX_FIELD_NUMBER: _ClassVar[int]
    UPSTREAM_REGISTRY_URL_FIELD_NUMBER: _ClassVar[int]
    UPSTREAM_REGISTRY_FIELD_NUMBER: _ClassVar[int]
    CREDENTIAL_ARN_FIELD_NUMBER: _ClassVar[int]
    CUSTOM_ROLE_ARN_FIELD_NUMBER: _ClassVar[int]
    UPSTREAM_REPOSITORY_PREFIX_FIELD_NUMBER: _ClassVar[int]
    REGISTRY_ID_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    ecr_repository_prefix: str
    upstream_registry_url: str
    upstream_registry: str
    credential_arn: str
    custom_role_arn: str
    upstream_repository_prefix: str
    registry_id: _struct_pb2.Value
    created_at: _struct_pb2.Value
    updated_at: _struct_pb2.Value
    def __init__(self, ecr_repository_prefix: _Optional[str] = ..., upstream_registry_url: _Optional[str] = ..., upstream_registry: _Optional[str] = ..., credential_arn: _Optional[str] = ..., custom_role_arn: _Optional[str] = ..., upstream_repository_prefix: _Optional[str] = ..., registry_id: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., created_at: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., updated_at: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ...) -> None: ...

class RepositoryCreationTemplates(_message.Message):
    __slots__ = ("templates",)
    TEMPLATES_FIELD_NUMBER: _ClassVar[int]
    templates: _containers.RepeatedCompositeFieldContainer[RepositoryCreationTemplate]
    def __init__(self, templates: _Optional[_Iterable[_Union[RepositoryCreationTemplate, _Mapping]]] = ...) -> None: ...

class RepositoryCreationTemplate(_message.Message):
    __slots__ = ("prefix", "description", "encryption_configuration", "resource_tags", "image_tag_mutability", "image_tag_mutability_exclusion_filters", "repository_policy", "lifecycle_policy", "applied_for", "custom_role_arn", "created_at", "updated_at")
    class AppliedFor(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        APPLIED_FOR_UNSPECIFIED: _ClassVar[RepositoryCreationTemplate.AppliedFor]
        REPLICATION: _ClassVar[RepositoryCreationTemplate.AppliedFor]
        PULL_THROUGH_CACHE: _ClassVar[RepositoryCreationTemplate.AppliedFor]
        CREATE_ON_PUSH: _ClassVar[RepositoryCreationTemplate.AppliedFor]
    APPLIED_FOR_UNSPECIFIED: RepositoryCreationTemplate.AppliedFor
    REPLICATION: RepositoryCreationTemplate.AppliedFor
    PULL_THROUGH_CACHE: RepositoryCreationTemplate.AppliedFor
    CREATE_ON_PUSH: RepositoryCreationTemplate.AppliedFor
    class ImageTagMutability(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        IMAGE_TAG_MUTABILITY_UNSPECIFIED: _ClassVar[RepositoryCreationTemplate.ImageTagMutability]
        MUTABLE: _ClassVar[RepositoryCreationTemplate.ImageTagMutability]
        IMMUTABLE: _ClassVar[RepositoryCreationTemplate.ImageTagMutability]
        IMMUTABLE_WITH_EXCLUSION: _ClassVar[RepositoryCreationTemplate.ImageTagMutability]
        MUTABLE_WITH_EXCLUSION: _ClassVar[RepositoryCreationTemplate.ImageTagMutability]
    IMAGE_TAG_MUTABILITY_UNSPECIFIED: RepositoryCreationTemplate.ImageTagMutability
    MUTABLE: RepositoryCreationTemplate.ImageTagMutability
    IMMUTABLE: RepositoryCreationTemplate.ImageTagMutability
    IMMUTABLE_WITH_EXCLUSION: RepositoryCreationTemplate.ImageTagMutability
    MUTABLE_WITH_EXCLUSION: RepositoryCreationTemplate.ImageTagMutability
    PREFIX_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    ENCRYPTION_CONFIGURATION_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_TAGS_FIELD_NUMBER: _ClassVar[int]
    IMAGE_TAG_MUTABILITY_FIELD_NUMBER: _ClassVar[int]
    IMAGE_TAG_MUTABILITY_EXCLUSION_FILTERS_FIELD_NUMBER: _ClassVar[int]
    REPOSITORY_POLICY_FIELD_NUMBER: _ClassVar[int]
    LIFECYCLE_POLICY_FIELD_NUMBER: _ClassVar[int]
    APPLIED_FOR_FIELD_NUMBER: _ClassVar[int]
    CUSTOM_ROLE_ARN_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    prefix: str
    description: str
    encryption_configuration: EncryptionConfiguration
    resource_tags: _containers.RepeatedCompositeFieldContainer[Tag]
    image_tag_mutability: RepositoryCreationTemplate.ImageTagMutability
    image_tag_mutability_exclusion_filters: _containers.RepeatedCompositeFieldContainer[ImageTagMutabilityExclusionFilter]
    repository_policy: str
    lifecycle_policy: str
    applied_for: _containers.RepeatedScalarFieldContainer[RepositoryCreationTemplate.AppliedFor]
    custom_role_arn: str
    created_at: _struct_pb2.Value
    updated_at: _struct_pb2.Value
    def __init__(self, prefix: _Optional[str] = ..., description: _Optional[str] = ..., encryption_configuration: _Optional[_Union[EncryptionConfiguration, _Mapping]] = ..., resource_tags: _Optional[_Iterable[_Union[Tag, _Mapping]]] = ..., image_tag_mutability: _Optional[_Union[RepositoryCreationTemplate.ImageTagMutability, str]] = ..., image_tag_mutability_exclusion_filters: _Optional[_Iterable[_Union[ImageTagMutabilityExclusionFilter, _Mapping]]] = ..., repository_policy: _Optional[str] = ..., lifecycle_policy: _Optional[str] = ..., applied_for: _Optional[_Iterable[_Union[RepositoryCreationTemplate.AppliedFor, str]]] = ..., custom_role_arn: _Optional[str] = ..., created_at: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., updated_at: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ...) -> None: ...

class EncryptionConfiguration(_message.Message):
    __slots__ = ("encryption_type", "kms_key")
    class EncryptionType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        ENCRYPTION_TYPE_UNSPECIFIED: _ClassVar[EncryptionConfiguration.EncryptionType]
        AES256: _ClassVar[EncryptionConfiguration.EncryptionType]
        KMS: _ClassVar[EncryptionConfiguration.EncryptionType]
        KMS_DSSE: _ClassVar[EncryptionConfiguration.EncryptionType]
    ENCRYPTION_TYPE_UNSPECIFIED: EncryptionConfiguration.EncryptionType
    AES256: EncryptionConfiguration.EncryptionType
    KMS: EncryptionConfiguration.EncryptionType
    KMS_DSSE: EncryptionConfiguration.EncryptionType
    ENCRYPTION_TYPE_FIELD_NUMBER: _ClassVar[int]
    KMS_KEY_FIELD_NUMBER: _ClassVar[int]
    encryption_type: EncryptionConfiguration.EncryptionType
    kms_key: str
    def __init__(self, encryption_type: _Optional[_Union[EncryptionConfiguration.EncryptionType, str]] = ..., kms_key: _Optional[str] = ...) -> None: ...

class Tag(_message.Message):
    __slots__ = ("key", "value")
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    key: str
    value: str
    def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class ImageTagMutabilityExclusionFilter(_message.Message):
    __slots__ = ("filter_type", "filter")
    class FilterType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        FILTER_TYPE_UNSPECIFIED: _ClassVar[ImageTagMutabilityExclusionFilter.FilterType]
        WILDCARD: _ClassVar[ImageTagMutabilityExclusionFilter.FilterType]
    FILTER_TYPE_UNSPECIFIED: ImageTagMutabilityExclusionFilter.FilterType
    WILDCARD: ImageTagMutabilityExclusionFilter.FilterType
    FILTER_TYPE_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    filter_type: ImageTagMutabilityExclusionFilter.FilterType
    filter: str
    def __init__(self, filter_type: _Optional[_Union[ImageTagMutabilityExclusionFilter.FilterType, str]] = ..., filter: _Optional[str] = ...) -> None: ...

class AccountSettings(_message.Message):
    __slots__ = ("settings",)
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    settings: _containers.RepeatedCompositeFieldContainer[AccountSetting]
    def __init__(self, settings: _Optional[_Iterable[_Union[AccountSetting, _Mapping]]] = ...) -> None: ...

class AccountSetting(_message.Message):
    __slots__ = ("name", "value")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: str
    def __init__(self, name: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class PullTimeUpdateExclusions(_message.Message):
    __slots__ = ("principal_arns",)
    PRINCIPAL_ARNS_FIELD_NUMBER: _ClassVar[int]
    principal_arns: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, principal_arns: _Optional[_Iterable[str]] = ...) -> None: ...

class SigningConfiguration(_message.Message):
    __slots__ = ("rules",)
    RULES_FIELD_NUMBER: _ClassVar[int]
    rules: _containers.RepeatedCompositeFieldContainer[SigningRule]
    def __init__(self, rules: _Optional[_Iterable[_Union[SigningRule, _Mapping]]] = ...) -> None: ...

class SigningRule(_message.Message):
    __slots__ = ("signing_profile_arn", "repository_filters")
    SIGNING_PROFILE_ARN_FIELD_NUMBER: _ClassVar[int]
    REPOSITORY_FILTERS_FIELD_NUMBER: _ClassVar[int]
    signing_profile_arn: str
    repository_filters: _containers.RepeatedCompositeFieldContainer[SigningRepositoryFilter]
    def __init__(self, signing_profile_arn: _Optional[str] = ..., repository_filters: _Optional[_Iterable[_Union[SigningRepositoryFilter, _Mapping]]] = ...) -> None: ...

class SigningRepositoryFilter(_message.Message):
    __slots__ = ("filter", "filter_type")
    class FilterType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        FILTER_TYPE_UNSPECIFIED: _ClassVar[SigningRepositoryFilter.FilterType]
        WILDCARD_MATCH: _ClassVar[SigningRepositoryFilter.FilterType]
    FILTER_TYPE_UNSPECIFIED: SigningRepositoryFilter.FilterType
    WILDCARD_MATCH: SigningRepositoryFilter.FilterType
    FILTER_FIELD_NUMBER: _ClassVar[int]
    FILTER_TYPE_FIELD_NUMBER: _ClassVar[int]
    filter: str
    filter_type: SigningRepositoryFilter.FilterType
    def __init__(self, filter: _Optional[str] = ..., filter_type: _Optional[_Union[SigningRepositoryFilter.FilterType, str]] = ...) -> None: ...
