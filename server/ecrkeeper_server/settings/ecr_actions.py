"""The actions of ECR that a policy can name.

Facts: the operations of botocore's model of ECR; "Actions, resources, and
condition keys for Amazon Elastic Container Registry" (service authorization
reference), which adds the actions without an operation.
"""

from __future__ import annotations

import re
from functools import lru_cache

from ecrkeeper_server.settings import globs

_OPERATIONS = """
BatchCheckLayerAvailability BatchDeleteImage BatchGetImage BatchGetRepositoryScanningConfiguration
CompleteLayerUpload CreatePullThroughCacheRule CreateRepository CreateRepositoryCreationTemplate
DeleteLifecyclePolicy DeletePullThroughCacheRule DeleteRegistryPolicy DeleteRepository
DeleteRepositoryCreationTemplate DeleteRepositoryPolicy DeleteSigningConfiguration
DeregisterPullTimeUpdateExclusion DescribeImageReplicationStatus DescribeImageScanFindings
DescribeImageSigningStatus DescribeImages DescribePullThroughCacheRules DescribeRegistry
DescribeReplicationBackfillResults DescribeRepositories DescribeRepositoryCreationTemplates GetAccountSetting
GetAuthorizationToken GetDownloadUrlForLayer GetLifecyclePolicy GetLifecyclePolicyPreview GetRegistryPolicy
GetRegistryScanningConfiguration GetRepositoryPolicy GetSigningConfiguration InitiateLayerUpload
ListImageReferrers ListImages ListPullTimeUpdateExclusions ListReplicationBackfills ListTagsForResource
PutAccountSetting PutImage PutImageScanningConfiguration PutImageTagMutability PutLifecyclePolicy
PutRegistryPolicy PutRegistryScanningConfiguration PutReplicationConfiguration PutSigningConfiguration
RegisterPullTimeUpdateExclusion SetRepositoryPolicy StartImageScan StartLifecyclePolicyPreview
StartReplicationBackfill StopReplicationBackfill TagResource UntagResource UpdateImageStorageClass
UpdatePullThroughCacheRule UpdateRepositoryCreationTemplate UploadLayerPart ValidatePullThroughCacheRule
"""
OPERATIONS = frozenset(_OPERATIONS.split())
PERMISSION_ONLY = frozenset({"BatchImportUpstreamImage", "GetImageCopyStatus", "ReplicateImage"})

_WILDCARDS = re.compile(r"[*?]+")
_KNOWN = frozenset(f"ecr:{name}".lower() for name in OPERATIONS | PERMISSION_ONLY)


@lru_cache(maxsize=4096)
def is_known(action: str) -> bool:
    """Return whether an action or a wildcard pattern names an ECR action.

    Case is ignored.
    """
    pattern = action.lower()
    if "*" not in pattern and "?" not in pattern:
        return pattern in _KNOWN
    # Comparing fixed prefixes is much faster than matching, and rules out nearly all actions.
    literal = _WILDCARDS.split(pattern)
    return any(globs.matches(pattern, known, single=True) for known in _KNOWN if all(part in known for part in literal))
