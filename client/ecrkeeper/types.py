"""Settings as dictionaries, for type checkers; made by protos/typed.py.

    from ecrkeeper import types

    settings: types.Settings = {"scanningConfiguration": {"scanType": "ENHANCED"}}

Every method that takes `Settings` takes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypedDict


class SigningRepositoryFilter(TypedDict, total=False):
    """A wildcard over repository names."""

    filter: str
    filterType: Literal["WILDCARD_MATCH"]


class SigningRule(TypedDict, total=False):
    """Signs the images of the repositories that match any of the filters."""

    signingProfileArn: str
    repositoryFilters: Sequence[SigningRepositoryFilter]


class SigningConfiguration(TypedDict, total=False):
    """`SigningConfiguration` in AWS's shape.

    The signing configuration (`PutSigningConfiguration`). An element is one pair of profile and
    filter, with the key `{signing_profile_arn} {filter}`.
    """

    rules: Sequence[SigningRule]


class PullTimeUpdateExclusions(TypedDict, total=False):
    """`PullTimeUpdateExclusions` in AWS's shape.

    Principals whose pulls do not update an image's last pull time
    (`RegisterPullTimeUpdateExclusion`). An element is one ARN.
    """

    principalArns: Sequence[str]


class AccountSetting(TypedDict, total=False):
    """One named switch."""

    name: str
    value: str


class AccountSettings(TypedDict, total=False):
    """`AccountSettings` in AWS's shape.

    Named switches of a registry (`PutAccountSetting`). An element is one switch; its key is the
    name. AWS cannot unset a switch: it keeps its value after its last owner drops it.
    """

    settings: Sequence[AccountSetting]


class ImageTagMutabilityExclusionFilter(TypedDict, total=False):
    """An exception to the mutability of image tags."""

    filterType: Literal["WILDCARD"]
    filter: str


class Tag(TypedDict, total=False):
    """A resource tag."""

    Key: str
    Value: str


class EncryptionConfiguration(TypedDict, total=False):
    """Encryption of repositories."""

    encryptionType: Literal["AES256", "KMS", "KMS_DSSE"]
    kmsKey: str


class RepositoryCreationTemplate(TypedDict, total=False):
    """The settings of repositories that ECR creates under a prefix."""

    prefix: str
    description: str
    encryptionConfiguration: EncryptionConfiguration
    resourceTags: Sequence[Tag]
    imageTagMutability: Literal["MUTABLE", "IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION", "MUTABLE_WITH_EXCLUSION"]
    imageTagMutabilityExclusionFilters: Sequence[ImageTagMutabilityExclusionFilter]
    repositoryPolicy: str
    lifecyclePolicy: str
    appliedFor: Sequence[Literal["REPLICATION", "PULL_THROUGH_CACHE", "CREATE_ON_PUSH"]]
    customRoleArn: str
    createdAt: Any
    updatedAt: Any


class RepositoryCreationTemplates(TypedDict, total=False):
    """`RepositoryCreationTemplates` in AWS's shape.

    The repository creation templates (`CreateRepositoryCreationTemplate`). An element is one
    template; its key is the prefix without a trailing `/`.
    """

    templates: Sequence[RepositoryCreationTemplate]


class PullThroughCacheRule(TypedDict, total=False):
    """Caches one upstream registry under a prefix of repository names."""

    ecrRepositoryPrefix: str
    upstreamRegistryUrl: str
    upstreamRegistry: str
    credentialArn: str
    customRoleArn: str
    upstreamRepositoryPrefix: str
    registryId: Any
    createdAt: Any
    updatedAt: Any


class PullThroughCacheRules(TypedDict, total=False):
    """`PullThroughCacheRules` in AWS's shape.

    The pull-through cache rules (`CreatePullThroughCacheRule`). An element is one rule; its key is
    the prefix without a trailing `/`.
    """

    rules: Sequence[PullThroughCacheRule]


class ScanningRepositoryFilter(TypedDict, total=False):
    """A wildcard over repository names."""

    filter: str
    filterType: Literal["WILDCARD"]


class RegistryScanningRule(TypedDict, total=False):
    """Scans the repositories that match any of the filters at a given frequency."""

    scanFrequency: Literal["SCAN_ON_PUSH", "CONTINUOUS_SCAN", "MANUAL"]
    repositoryFilters: Sequence[ScanningRepositoryFilter]


class RegistryScanningConfiguration(TypedDict, total=False):
    """`RegistryScanningConfiguration` in AWS's shape.

    The scanning configuration (`PutRegistryScanningConfiguration`). Elements are the scan type,
    with the key `scanType`, and each pair of frequency and filter, with the key
    `{scan_frequency}:{filter}`.
    """

    scanType: Literal["BASIC", "ENHANCED"]
    rules: Sequence[RegistryScanningRule]


class DeleteReplication(TypedDict, total=False):
    """Copying of deletions by a rule."""

    enabled: bool


class ReplicationRepositoryFilter(TypedDict, total=False):
    """A literal prefix of repository names."""

    filter: str
    filterType: Literal["PREFIX_MATCH"]


class ReplicationDestination(TypedDict, total=False):
    """`ReplicationDestination` in AWS's shape.

    A registry to copy images to. It must be in the source's partition and may not be the source
    registry itself.
    """

    region: str
    registryId: str


class ReplicationRule(TypedDict, total=False):
    """Copies the repositories that match any of the filters to every destination."""

    destinations: Sequence[ReplicationDestination]
    repositoryFilters: Sequence[ReplicationRepositoryFilter]
    deleteReplication: DeleteReplication


class ReplicationConfiguration(TypedDict, total=False):
    """`ReplicationConfiguration` in AWS's shape.

    The replication configuration (`PutReplicationConfiguration`). An element is one pair of
    repository filter and destination, with the key `{registry_id}/{region}:{filter}`.
    """

    rules: Sequence[ReplicationRule]


class RegistryPolicy(TypedDict, total=False):
    """`RegistryPolicy` in AWS's shape.

    The registry policy (`PutRegistryPolicy`). An element is one statement; its key is the `Sid`, or
    a digest of a statement without one.
    """

    policyText: str
    registryId: Any


class Settings(TypedDict, total=False):
    """`Settings` in AWS's shape.

    The settings of one private registry. Field names are the snake_case of AWS's member names, so
    the JSON form of each message is the AWS shape. An enum value is the AWS value. A setting that
    is absent is unmanaged: ecrkeeper does not change it. A setting that is present and empty
    declares that this owner has no elements. If you drop a setting that you declared earlier,
    ecrkeeper removes the elements that it wrote for this owner. Fields of the type
    `google.protobuf.Value` are members that AWS only reports (`registryId`, `createdAt`,
    `updatedAt`). They let you paste AWS's JSON into a request. The server ignores their values in
    requests, and never sets them in responses.
    """

    registryPolicy: RegistryPolicy
    replicationConfiguration: ReplicationConfiguration
    scanningConfiguration: RegistryScanningConfiguration
    pullThroughCacheRules: PullThroughCacheRules | Sequence[PullThroughCacheRule]
    repositoryCreationTemplates: RepositoryCreationTemplates | Sequence[RepositoryCreationTemplate]
    accountSettings: AccountSettings | Sequence[AccountSetting]
    pullTimeUpdateExclusions: PullTimeUpdateExclusions | Sequence[str]
    signingConfiguration: SigningConfiguration
    registryId: Any
