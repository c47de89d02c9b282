"""The fields of a request that are bounded by AWS's quotas, over all owners."""

from __future__ import annotations

from collections.abc import Mapping

from google.protobuf.descriptor import FieldDescriptor

_QUOTAS: Mapping[str, str] = {
    "ecrkeeper.v1.RegistryPolicy.policy_text": "registry policy characters",
    "ecrkeeper.v1.ReplicationConfiguration.rules": "replication rules",
    "ecrkeeper.v1.RegistryScanningConfiguration.rules": "scanning rules",
    "ecrkeeper.v1.PullThroughCacheRules.rules": "pull-through cache rules",
    "ecrkeeper.v1.RepositoryCreationTemplates.templates": "repository creation templates",
    "ecrkeeper.v1.PullTimeUpdateExclusions.principal_arns": "pull-time update exclusions",
    "ecrkeeper.v1.SigningConfiguration.rules": "signing rules",
}


def quota_of(field: FieldDescriptor | None) -> str:
    """Return the quota that bounds a field; empty if it has its own bound."""
    return "" if field is None else _QUOTAS.get(field.full_name, "")
