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
    """The settings of one private registry. Field names are the snake_case of AWS's member names,
    so the JSON form of each message is the AWS shape. An enum value is the AWS value.

    A setting that is absent is unmanaged: ecrkeeper does not change it. A setting that is present
    and empty declares that this owner has no elements. If you drop a setting that you declared
    earlier, ecrkeeper removes the elements that it wrote for this owner.

    Fields of the type `google.protobuf.Value` are members that AWS only reports (`registryId`,
    `createdAt`, `updatedAt`). They let you paste AWS's JSON into a request. The server ignores
    their values in requests, and never sets them in responses."""
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
    """Optional. Permissions on the registry as a whole."""
    replication_configuration: ReplicationConfiguration
    """Optional. Replication of repositories to other registries."""
    scanning_configuration: RegistryScanningConfiguration
    """Optional. Scanning of images."""
    pull_through_cache_rules: PullThroughCacheRules
    """Optional. Upstream registries to cache, each under a prefix."""
    repository_creation_templates: RepositoryCreationTemplates
    """Optional. Settings of repositories that ECR creates by itself."""
    account_settings: AccountSettings
    """Optional. Named switches of the registry."""
    pull_time_update_exclusions: PullTimeUpdateExclusions
    """Optional. Principals whose pulls do not update an image's last pull time."""
    signing_configuration: SigningConfiguration
    """Optional. Images to sign on push, and their signing profiles."""
    registry_id: _struct_pb2.Value
    """Output only. The account, as AWS reports it beside a setting; ignored."""
    def __init__(self, registry_policy: _Optional[_Union[RegistryPolicy, _Mapping]] = ..., replication_configuration: _Optional[_Union[ReplicationConfiguration, _Mapping]] = ..., scanning_configuration: _Optional[_Union[RegistryScanningConfiguration, _Mapping]] = ..., pull_through_cache_rules: _Optional[_Union[PullThroughCacheRules, _Mapping]] = ..., repository_creation_templates: _Optional[_Union[RepositoryCreationTemplates, _Mapping]] = ..., account_settings: _Optional[_Union[AccountSettings, _Mapping]] = ..., pull_time_update_exclusions: _Optional[_Union[PullTimeUpdateExclusions, _Mapping]] = ..., signing_configuration: _Optional[_Union[SigningConfiguration, _Mapping]] = ..., registry_id: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ...) -> None: ...

class RegistryPolicy(_message.Message):
    """The registry policy (`PutRegistryPolicy`). An element is one statement; its key is the `Sid`,
    or a digest of a statement without one."""
    __slots__ = ("policy_text", "registry_id")
    POLICY_TEXT_FIELD_NUMBER: _ClassVar[int]
    REGISTRY_ID_FIELD_NUMBER: _ClassVar[int]
    policy_text: str
    """Optional. An IAM policy document in JSON, at most 10,240 characters, with at least one
    statement. An empty string declares no statement. `Version` must be `2012-10-17` if the document
    uses a policy variable. An `Id` is ignored, because several owners share the document; AWS's
    `Id` stays. An AWS principal is `*`, an account, the ARN of an account's root, of one user, role
    or STS session, or a unique id such as `AROA...`. A plan warns of ECR actions that do not
    exist."""
    registry_id: _struct_pb2.Value
    """Output only. The account, as AWS reports it; ignored."""
    def __init__(self, policy_text: _Optional[str] = ..., registry_id: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ...) -> None: ...

class ReplicationConfiguration(_message.Message):
    """The replication configuration (`PutReplicationConfiguration`). An element is one pair of
    repository filter and destination, with the key `{registry_id}/{region}:{filter}`."""
    __slots__ = ("rules",)
    RULES_FIELD_NUMBER: _ClassVar[int]
    rules: _containers.RepeatedCompositeFieldContainer[ReplicationRule]
    """Optional. At most 25 rules, with at most 25 different destinations in total."""
    def __init__(self, rules: _Optional[_Iterable[_Union[ReplicationRule, _Mapping]]] = ...) -> None: ...

class ReplicationRule(_message.Message):
    """Copies the repositories that match any of the filters to every destination."""
    __slots__ = ("destinations", "repository_filters", "delete_replication")
    DESTINATIONS_FIELD_NUMBER: _ClassVar[int]
    REPOSITORY_FILTERS_FIELD_NUMBER: _ClassVar[int]
    DELETE_REPLICATION_FIELD_NUMBER: _ClassVar[int]
    destinations: _containers.RepeatedCompositeFieldContainer[ReplicationDestination]
    """Required. The destinations; at least one, at most 100."""
    repository_filters: _containers.RepeatedCompositeFieldContainer[ReplicationRepositoryFilter]
    """Optional. The repositories; if empty, all. At most 100."""
    delete_replication: DeleteReplication
    """Optional. Copies deletions as well. If absent, ECR does not copy deletions. Enabling it
    removes images at the destination."""
    def __init__(self, destinations: _Optional[_Iterable[_Union[ReplicationDestination, _Mapping]]] = ..., repository_filters: _Optional[_Iterable[_Union[ReplicationRepositoryFilter, _Mapping]]] = ..., delete_replication: _Optional[_Union[DeleteReplication, _Mapping]] = ...) -> None: ...

class ReplicationDestination(_message.Message):
    """A registry to copy images to. It must be in the source's partition and may not be the source
    registry itself."""
    __slots__ = ("region", "registry_id")
    REGION_FIELD_NUMBER: _ClassVar[int]
    REGISTRY_ID_FIELD_NUMBER: _ClassVar[int]
    region: str
    """Required. The Region of the destination, for example `eu-west-1`."""
    registry_id: str
    """Required. The account of the destination, 12 digits. Use the source's account to replicate to
    another Region of it."""
    def __init__(self, region: _Optional[str] = ..., registry_id: _Optional[str] = ...) -> None: ...

class ReplicationRepositoryFilter(_message.Message):
    """A literal prefix of repository names."""
    __slots__ = ("filter", "filter_type")
    class FilterType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        """How a replication filter matches."""
        __slots__ = ()
        FILTER_TYPE_UNSPECIFIED: _ClassVar[ReplicationRepositoryFilter.FilterType]
        """Rejected."""
        PREFIX_MATCH: _ClassVar[ReplicationRepositoryFilter.FilterType]
        """The repository's name begins with the filter."""
    FILTER_TYPE_UNSPECIFIED: ReplicationRepositoryFilter.FilterType
    PREFIX_MATCH: ReplicationRepositoryFilter.FilterType
    FILTER_FIELD_NUMBER: _ClassVar[int]
    FILTER_TYPE_FIELD_NUMBER: _ClassVar[int]
    filter: str
    """Required. The prefix, 2 to 256 characters, no wildcard; a trailing `/` or `-` is allowed."""
    filter_type: ReplicationRepositoryFilter.FilterType
    """Required. Always `PREFIX_MATCH`."""
    def __init__(self, filter: _Optional[str] = ..., filter_type: _Optional[_Union[ReplicationRepositoryFilter.FilterType, str]] = ...) -> None: ...

class DeleteReplication(_message.Message):
    """Copying of deletions by a rule."""
    __slots__ = ("enabled",)
    ENABLED_FIELD_NUMBER: _ClassVar[int]
    enabled: bool
    """Required. True to delete images at the destination when they are deleted at the source."""
    def __init__(self, enabled: bool = ...) -> None: ...

class RegistryScanningConfiguration(_message.Message):
    """The scanning configuration (`PutRegistryScanningConfiguration`). Elements are the scan type,
    with the key `scanType`, and each pair of frequency and filter, with the key
    `{scan_frequency}:{filter}`."""
    __slots__ = ("scan_type", "rules")
    class ScanType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        """The kind of scanning."""
        __slots__ = ()
        SCAN_TYPE_UNSPECIFIED: _ClassVar[RegistryScanningConfiguration.ScanType]
        """No choice."""
        BASIC: _ClassVar[RegistryScanningConfiguration.ScanType]
        """ECR's own scanning of operating-system packages."""
        ENHANCED: _ClassVar[RegistryScanningConfiguration.ScanType]
        """Scanning by Amazon Inspector, which is billed and creates Inspector's own service-linked
        role."""
    SCAN_TYPE_UNSPECIFIED: RegistryScanningConfiguration.ScanType
    BASIC: RegistryScanningConfiguration.ScanType
    ENHANCED: RegistryScanningConfiguration.ScanType
    SCAN_TYPE_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    scan_type: RegistryScanningConfiguration.ScanType
    """Optional. The kind of scanning. If unspecified, other owners choose it; ECR's default is
    `BASIC`."""
    rules: _containers.RepeatedCompositeFieldContainer[RegistryScanningRule]
    """Optional. At most 2 rules, one for each frequency."""
    def __init__(self, scan_type: _Optional[_Union[RegistryScanningConfiguration.ScanType, str]] = ..., rules: _Optional[_Iterable[_Union[RegistryScanningRule, _Mapping]]] = ...) -> None: ...

class RegistryScanningRule(_message.Message):
    """Scans the repositories that match any of the filters at a given frequency."""
    __slots__ = ("scan_frequency", "repository_filters")
    class ScanFrequency(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        """Frequency of scanning."""
        __slots__ = ()
        SCAN_FREQUENCY_UNSPECIFIED: _ClassVar[RegistryScanningRule.ScanFrequency]
        """Rejected."""
        SCAN_ON_PUSH: _ClassVar[RegistryScanningRule.ScanFrequency]
        """At each push."""
        CONTINUOUS_SCAN: _ClassVar[RegistryScanningRule.ScanFrequency]
        """At each push and again whenever new vulnerabilities become known."""
        MANUAL: _ClassVar[RegistryScanningRule.ScanFrequency]
        """Only on request."""
    SCAN_FREQUENCY_UNSPECIFIED: RegistryScanningRule.ScanFrequency
    SCAN_ON_PUSH: RegistryScanningRule.ScanFrequency
    CONTINUOUS_SCAN: RegistryScanningRule.ScanFrequency
    MANUAL: RegistryScanningRule.ScanFrequency
    SCAN_FREQUENCY_FIELD_NUMBER: _ClassVar[int]
    REPOSITORY_FILTERS_FIELD_NUMBER: _ClassVar[int]
    scan_frequency: RegistryScanningRule.ScanFrequency
    """Required. The frequency. `CONTINUOUS_SCAN` needs `ENHANCED` scanning. With `BASIC` scanning,
    repositories that match no rule get `MANUAL`."""
    repository_filters: _containers.RepeatedCompositeFieldContainer[ScanningRepositoryFilter]
    """Required. The repositories; at most 100."""
    def __init__(self, scan_frequency: _Optional[_Union[RegistryScanningRule.ScanFrequency, str]] = ..., repository_filters: _Optional[_Iterable[_Union[ScanningRepositoryFilter, _Mapping]]] = ...) -> None: ...

class ScanningRepositoryFilter(_message.Message):
    """A wildcard over repository names."""
    __slots__ = ("filter", "filter_type")
    class FilterType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        """How a scanning filter matches."""
        __slots__ = ()
        FILTER_TYPE_UNSPECIFIED: _ClassVar[ScanningRepositoryFilter.FilterType]
        """Rejected."""
        WILDCARD: _ClassVar[ScanningRepositoryFilter.FilterType]
        """By wildcard."""
    FILTER_TYPE_UNSPECIFIED: ScanningRepositoryFilter.FilterType
    WILDCARD: ScanningRepositoryFilter.FilterType
    FILTER_FIELD_NUMBER: _ClassVar[int]
    FILTER_TYPE_FIELD_NUMBER: _ClassVar[int]
    filter: str
    """Required. 1 to 255 characters. A filter without `*` matches every name that contains it. A
    filter with `*` must match the whole name."""
    filter_type: ScanningRepositoryFilter.FilterType
    """Required. Always `WILDCARD`."""
    def __init__(self, filter: _Optional[str] = ..., filter_type: _Optional[_Union[ScanningRepositoryFilter.FilterType, str]] = ...) -> None: ...

class PullThroughCacheRules(_message.Message):
    """The pull-through cache rules (`CreatePullThroughCacheRule`). An element is one rule; its key
    is the prefix without a trailing `/`."""
    __slots__ = ("rules",)
    RULES_FIELD_NUMBER: _ClassVar[int]
    rules: _containers.RepeatedCompositeFieldContainer[PullThroughCacheRule]
    """Optional. At most 50 in a registry."""
    def __init__(self, rules: _Optional[_Iterable[_Union[PullThroughCacheRule, _Mapping]]] = ...) -> None: ...

class PullThroughCacheRule(_message.Message):
    """Caches one upstream registry under a prefix of repository names."""
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
    """Required. The prefix, 2 to 30 characters, or `ROOT`. Immutable: another prefix is another
    rule."""
    upstream_registry_url: str
    """Required. The host of the upstream, for example `public.ecr.aws`, `registry-1.docker.io`,
    `ghcr.io`, `{name}.azurecr.io` or `{account}.dkr.ecr.{region}.amazonaws.com`. The host is case-
    sensitive, and must not be the registry itself."""
    upstream_registry: str
    """Optional. The upstream by AWS's name for it: `ecr` (another private ECR registry), `ecr-
    public` (`public.ecr.aws`), `quay` (`quay.io`), `k8s` (`registry.k8s.io`), `docker-hub`
    (`registry-1.docker.io`), `github-container-registry` (`ghcr.io`), `azure-container-registry`
    (`{name}.azurecr.io`), `gitlab-container-registry` (`registry.gitlab.com`) or `chainguard`
    (`cgr.dev`); if unset, it follows from the URL. It must match the URL if the upstream requires a
    login; otherwise AWS ignores it."""
    credential_arn: str
    """Optional. The ARN of the Secrets Manager secret with the upstream's credentials. It must be
    in the same account and Region, and its name must begin with `ecr-pullthroughcache/`. Required
    if the upstream requires a login, and not allowed otherwise."""
    custom_role_arn: str
    """Optional. The role with which ECR reads an ECR upstream; it must be in the rule's own
    account. Required if the upstream is in another account, and not allowed for upstreams other
    than ECR."""
    upstream_repository_prefix: str
    """Optional. The prefix of the repositories at the upstream; `ROOT`, the default, matches
    all."""
    registry_id: _struct_pb2.Value
    """Output only. The account, as AWS reports it; ignored."""
    created_at: _struct_pb2.Value
    """Output only. The time of the creation, as AWS reports it; ignored."""
    updated_at: _struct_pb2.Value
    """Output only. The time of the last change, as AWS reports it; ignored."""
    def __init__(self, ecr_repository_prefix: _Optional[str] = ..., upstream_registry_url: _Optional[str] = ..., upstream_registry: _Optional[str] = ..., credential_arn: _Optional[str] = ..., custom_role_arn: _Optional[str] = ..., upstream_repository_prefix: _Optional[str] = ..., registry_id: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., created_at: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., updated_at: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ...) -> None: ...

class RepositoryCreationTemplates(_message.Message):
    """The repository creation templates (`CreateRepositoryCreationTemplate`). An element is one
    template; its key is the prefix without a trailing `/`."""
    __slots__ = ("templates",)
    TEMPLATES_FIELD_NUMBER: _ClassVar[int]
    templates: _containers.RepeatedCompositeFieldContainer[RepositoryCreationTemplate]
    """Optional. The templates; at most 100."""
    def __init__(self, templates: _Optional[_Iterable[_Union[RepositoryCreationTemplate, _Mapping]]] = ...) -> None: ...

class RepositoryCreationTemplate(_message.Message):
    """The settings of repositories that ECR creates under a prefix."""
    __slots__ = ("prefix", "description", "encryption_configuration", "resource_tags", "image_tag_mutability", "image_tag_mutability_exclusion_filters", "repository_policy", "lifecycle_policy", "applied_for", "custom_role_arn", "created_at", "updated_at")
    class AppliedFor(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        """Why ECR creates a repository."""
        __slots__ = ()
        APPLIED_FOR_UNSPECIFIED: _ClassVar[RepositoryCreationTemplate.AppliedFor]
        """Rejected."""
        REPLICATION: _ClassVar[RepositoryCreationTemplate.AppliedFor]
        """An image arrives by replication."""
        PULL_THROUGH_CACHE: _ClassVar[RepositoryCreationTemplate.AppliedFor]
        """An image is cached from an upstream."""
        CREATE_ON_PUSH: _ClassVar[RepositoryCreationTemplate.AppliedFor]
        """An image is pushed to a repository that does not exist."""
    APPLIED_FOR_UNSPECIFIED: RepositoryCreationTemplate.AppliedFor
    REPLICATION: RepositoryCreationTemplate.AppliedFor
    PULL_THROUGH_CACHE: RepositoryCreationTemplate.AppliedFor
    CREATE_ON_PUSH: RepositoryCreationTemplate.AppliedFor
    class ImageTagMutability(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        """Mutability of image tags."""
        __slots__ = ()
        IMAGE_TAG_MUTABILITY_UNSPECIFIED: _ClassVar[RepositoryCreationTemplate.ImageTagMutability]
        """Read as `MUTABLE`."""
        MUTABLE: _ClassVar[RepositoryCreationTemplate.ImageTagMutability]
        """Tags can be moved."""
        IMMUTABLE: _ClassVar[RepositoryCreationTemplate.ImageTagMutability]
        """Tags cannot be moved."""
        IMMUTABLE_WITH_EXCLUSION: _ClassVar[RepositoryCreationTemplate.ImageTagMutability]
        """Tags cannot be moved, but those that match an exclusion filter can."""
        MUTABLE_WITH_EXCLUSION: _ClassVar[RepositoryCreationTemplate.ImageTagMutability]
        """Tags can be moved, but those that match an exclusion filter cannot."""
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
    """Required. The prefix, 1 to 256 characters, or `ROOT` for all repositories that no other
    template matches."""
    description: str
    """Optional. At most 256 characters."""
    encryption_configuration: EncryptionConfiguration
    """Optional. Encryption of new repositories; if absent, AES256."""
    resource_tags: _containers.RepeatedCompositeFieldContainer[Tag]
    """Optional. Tags of new repositories; at most 50. They need `custom_role_arn`."""
    image_tag_mutability: RepositoryCreationTemplate.ImageTagMutability
    """Optional. Mutability of image tags; `MUTABLE` if unspecified."""
    image_tag_mutability_exclusion_filters: _containers.RepeatedCompositeFieldContainer[ImageTagMutabilityExclusionFilter]
    """Optional. Exceptions to a `..._WITH_EXCLUSION` mutability, at most 5, in order."""
    repository_policy: str
    """Optional. The policy of new repositories: JSON, at most 10,240 characters. Its statements
    must not have a `Resource`, and may name only actions of ECR other than
    `ecr:GetAuthorizationToken`."""
    lifecycle_policy: str
    """Optional. The lifecycle policy of new repositories: JSON, at most 30,720 characters, with 1
    to 50 rules. ecrkeeper validates it as `PutLifecyclePolicy` does, because AWS parses it only
    when it creates a repository."""
    applied_for: _containers.RepeatedScalarFieldContainer[RepositoryCreationTemplate.AppliedFor]
    """Required. The causes of creation that the template applies to; at least one, each once."""
    custom_role_arn: str
    """Optional. The role that creates the repositories; needed for tags and for KMS encryption."""
    created_at: _struct_pb2.Value
    """Output only. The time of the creation, as AWS reports it; ignored."""
    updated_at: _struct_pb2.Value
    """Output only. The time of the last change, as AWS reports it; ignored."""
    def __init__(self, prefix: _Optional[str] = ..., description: _Optional[str] = ..., encryption_configuration: _Optional[_Union[EncryptionConfiguration, _Mapping]] = ..., resource_tags: _Optional[_Iterable[_Union[Tag, _Mapping]]] = ..., image_tag_mutability: _Optional[_Union[RepositoryCreationTemplate.ImageTagMutability, str]] = ..., image_tag_mutability_exclusion_filters: _Optional[_Iterable[_Union[ImageTagMutabilityExclusionFilter, _Mapping]]] = ..., repository_policy: _Optional[str] = ..., lifecycle_policy: _Optional[str] = ..., applied_for: _Optional[_Iterable[_Union[RepositoryCreationTemplate.AppliedFor, str]]] = ..., custom_role_arn: _Optional[str] = ..., created_at: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., updated_at: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ...) -> None: ...

class EncryptionConfiguration(_message.Message):
    """Encryption of repositories."""
    __slots__ = ("encryption_type", "kms_key")
    class EncryptionType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        """The kinds of encryption."""
        __slots__ = ()
        ENCRYPTION_TYPE_UNSPECIFIED: _ClassVar[EncryptionConfiguration.EncryptionType]
        """Rejected."""
        AES256: _ClassVar[EncryptionConfiguration.EncryptionType]
        """Keys managed by S3."""
        KMS: _ClassVar[EncryptionConfiguration.EncryptionType]
        """A KMS key."""
        KMS_DSSE: _ClassVar[EncryptionConfiguration.EncryptionType]
        """Two layers with a KMS key; GovCloud only."""
    ENCRYPTION_TYPE_UNSPECIFIED: EncryptionConfiguration.EncryptionType
    AES256: EncryptionConfiguration.EncryptionType
    KMS: EncryptionConfiguration.EncryptionType
    KMS_DSSE: EncryptionConfiguration.EncryptionType
    ENCRYPTION_TYPE_FIELD_NUMBER: _ClassVar[int]
    KMS_KEY_FIELD_NUMBER: _ClassVar[int]
    encryption_type: EncryptionConfiguration.EncryptionType
    """Required. The kind of encryption."""
    kms_key: str
    """Optional. The ARN of a KMS key in the same Region. Aliases are rejected."""
    def __init__(self, encryption_type: _Optional[_Union[EncryptionConfiguration.EncryptionType, str]] = ..., kms_key: _Optional[str] = ...) -> None: ...

class Tag(_message.Message):
    """A resource tag."""
    __slots__ = ("key", "value")
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    key: str
    """Required. 1 to 128 characters."""
    value: str
    """Required. At most 256 characters."""
    def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class ImageTagMutabilityExclusionFilter(_message.Message):
    """An exception to the mutability of image tags."""
    __slots__ = ("filter_type", "filter")
    class FilterType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        """How the filter matches."""
        __slots__ = ()
        FILTER_TYPE_UNSPECIFIED: _ClassVar[ImageTagMutabilityExclusionFilter.FilterType]
        """Rejected."""
        WILDCARD: _ClassVar[ImageTagMutabilityExclusionFilter.FilterType]
        """By wildcard."""
    FILTER_TYPE_UNSPECIFIED: ImageTagMutabilityExclusionFilter.FilterType
    WILDCARD: ImageTagMutabilityExclusionFilter.FilterType
    FILTER_TYPE_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    filter_type: ImageTagMutabilityExclusionFilter.FilterType
    """Required. Always `WILDCARD`."""
    filter: str
    """Required. A wildcard over image tags, 1 to 128 characters."""
    def __init__(self, filter_type: _Optional[_Union[ImageTagMutabilityExclusionFilter.FilterType, str]] = ..., filter: _Optional[str] = ...) -> None: ...

class AccountSettings(_message.Message):
    """Named switches of a registry (`PutAccountSetting`). An element is one switch; its key is the
    name. AWS cannot unset a switch: it keeps its value after its last owner drops it."""
    __slots__ = ("settings",)
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    settings: _containers.RepeatedCompositeFieldContainer[AccountSetting]
    """Optional. The switches."""
    def __init__(self, settings: _Optional[_Iterable[_Union[AccountSetting, _Mapping]]] = ...) -> None: ...

class AccountSetting(_message.Message):
    """One named switch."""
    __slots__ = ("name", "value")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    name: str
    """Required. `BASIC_SCAN_TYPE_VERSION`, `REGISTRY_POLICY_SCOPE` or `BLOB_MOUNTING`."""
    value: str
    """Required. `AWS_NATIVE`, `V2` (not reversible), and `ENABLED` or `DISABLED`, respectively."""
    def __init__(self, name: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class PullTimeUpdateExclusions(_message.Message):
    """Principals whose pulls do not update an image's last pull time
    (`RegisterPullTimeUpdateExclusion`). An element is one ARN."""
    __slots__ = ("principal_arns",)
    PRINCIPAL_ARNS_FIELD_NUMBER: _ClassVar[int]
    principal_arns: _containers.RepeatedScalarFieldContainer[str]
    """Optional. ARNs of IAM roles and users, at most 200 characters each; at most 100."""
    def __init__(self, principal_arns: _Optional[_Iterable[str]] = ...) -> None: ...

class SigningConfiguration(_message.Message):
    """The signing configuration (`PutSigningConfiguration`). An element is one pair of profile and
    filter, with the key `{signing_profile_arn} {filter}`."""
    __slots__ = ("rules",)
    RULES_FIELD_NUMBER: _ClassVar[int]
    rules: _containers.RepeatedCompositeFieldContainer[SigningRule]
    """Optional. At most 10 rules."""
    def __init__(self, rules: _Optional[_Iterable[_Union[SigningRule, _Mapping]]] = ...) -> None: ...

class SigningRule(_message.Message):
    """Signs the images of the repositories that match any of the filters."""
    __slots__ = ("signing_profile_arn", "repository_filters")
    SIGNING_PROFILE_ARN_FIELD_NUMBER: _ClassVar[int]
    REPOSITORY_FILTERS_FIELD_NUMBER: _ClassVar[int]
    signing_profile_arn: str
    """Required. The ARN of an AWS Signer profile in the same Region, without a version."""
    repository_filters: _containers.RepeatedCompositeFieldContainer[SigningRepositoryFilter]
    """Optional. The repositories; if empty, all. At most 100."""
    def __init__(self, signing_profile_arn: _Optional[str] = ..., repository_filters: _Optional[_Iterable[_Union[SigningRepositoryFilter, _Mapping]]] = ...) -> None: ...

class SigningRepositoryFilter(_message.Message):
    """A wildcard over repository names."""
    __slots__ = ("filter", "filter_type")
    class FilterType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        """How a signing filter matches."""
        __slots__ = ()
        FILTER_TYPE_UNSPECIFIED: _ClassVar[SigningRepositoryFilter.FilterType]
        """Rejected."""
        WILDCARD_MATCH: _ClassVar[SigningRepositoryFilter.FilterType]
        """By wildcard."""
    FILTER_TYPE_UNSPECIFIED: SigningRepositoryFilter.FilterType
    WILDCARD_MATCH: SigningRepositoryFilter.FilterType
    FILTER_FIELD_NUMBER: _ClassVar[int]
    FILTER_TYPE_FIELD_NUMBER: _ClassVar[int]
    filter: str
    """Required. 1 to 256 characters; `*` matches anything."""
    filter_type: SigningRepositoryFilter.FilterType
    """Required. Always `WILDCARD_MATCH`."""
    def __init__(self, filter: _Optional[str] = ..., filter_type: _Optional[_Union[SigningRepositoryFilter.FilterType, str]] = ...) -> None: ...
