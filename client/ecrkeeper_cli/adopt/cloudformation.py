"""Convert the resources of a CloudFormation template to declarations; pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from ecrkeeper_files.plain_text import shown
from ecrkeeper_files.sources import Errors

from ecrkeeper_cli.adopt.kinds import Kind
from ecrkeeper_cli.adopt.members import Member, converted, policy
from ecrkeeper_cli.adopt.parts import ROLES, Adopted, Part, RolePart, collected
from ecrkeeper_cli.adopt.template import resolved

_ROLE = "AWS::IAM::ServiceLinkedRole"
_FILTERS = Member("repositoryFilters", {"Filter": Member("filter"), "FilterType": Member("filterType")})
_REPLICATION = {
    "Destinations": Member("destinations", {"Region": Member("region"), "RegistryId": Member("registryId")}),
    "RepositoryFilters": _FILTERS,
}
_TEMPLATE = {
    "AppliedFor": Member("appliedFor"),
    "CustomRoleArn": Member("customRoleArn"),
    "Description": Member("description"),
    "EncryptionConfiguration": Member(
        "encryptionConfiguration", {"EncryptionType": Member("encryptionType"), "KmsKey": Member("kmsKey")}
    ),
    "ImageTagMutability": Member("imageTagMutability"),
    "ImageTagMutabilityExclusionFilters": Member(
        "imageTagMutabilityExclusionFilters",
        {
            "ImageTagMutabilityExclusionFilterType": Member("filterType"),
            "ImageTagMutabilityExclusionFilterValue": Member("filter"),
        },
    ),
    "LifecyclePolicy": Member("lifecyclePolicy", read=policy),
    "Prefix": Member("prefix"),
    "RepositoryPolicy": Member("repositoryPolicy", read=policy),
    "ResourceTags": Member("resourceTags"),
}
_CACHE_RULE = {
    "CredentialArn": Member("credentialArn"),
    "CustomRoleArn": Member("customRoleArn"),
    "EcrRepositoryPrefix": Member("ecrRepositoryPrefix"),
    "UpstreamRegistry": Member("upstreamRegistry"),
    "UpstreamRegistryUrl": Member("upstreamRegistryUrl"),
    "UpstreamRepositoryPrefix": Member("upstreamRepositoryPrefix"),
}
_KINDS: Mapping[str, Kind] = {
    "AWS::ECR::RegistryPolicy": Kind("registryPolicy", {"PolicyText": Member("policyText", read=policy)}),
    "AWS::ECR::ReplicationConfiguration": Kind(
        "replicationConfiguration",
        {"ReplicationConfiguration": Member("configuration", {"Rules": Member("rules", _REPLICATION)})},
        value=lambda value: {"rules": [], **value.get("configuration", {})},
    ),
    "AWS::ECR::RegistryScanningConfiguration": Kind(
        "scanningConfiguration",
        {
            "ScanType": Member("scanType"),
            "Rules": Member("rules", {"ScanFrequency": Member("scanFrequency"), "RepositoryFilters": _FILTERS}),
        },
    ),
    "AWS::ECR::PullThroughCacheRule": Kind("pullThroughCacheRules", _CACHE_RULE, member="ecrRepositoryPrefix"),
    "AWS::ECR::RepositoryCreationTemplate": Kind("repositoryCreationTemplates", _TEMPLATE, member="prefix"),
    "AWS::ECR::PullTimeUpdateExclusion": Kind(
        "pullTimeUpdateExclusions",
        {"PrincipalArn": Member("arn")},
        member="arn",
        value=lambda value: value.get("arn", ""),
    ),
    "AWS::ECR::SigningConfiguration": Kind(
        "signingConfiguration",
        {"Rules": Member("rules", {"SigningProfileArn": Member("signingProfileArn"), "RepositoryFilters": _FILTERS})},
    ),
}
# Resources of repositories, which stay with CloudFormation.
_OTHERS = frozenset({"AWS::ECR::Repository", "AWS::ECR::PublicRepository"})


def adopted(
    template: Mapping[str, Any], values: Mapping[str, Any], owner: str, account: str, region: str
) -> tuple[Adopted, list[str]]:
    """Return the documents for a template.

    The second result has the names of the resources that CloudFormation is to retain.

    Errors with everything that cannot be taken over, by path.
    """
    errors: list[str] = []
    parts, roles, retained = [], [], []
    for name, resource in template["Resources"].items():
        path = f"Resources.{name}"
        kind = str(resource.get("Type")) if isinstance(resource, Mapping) else ""
        if kind not in _KINDS and kind != _ROLE:
            if kind.startswith("AWS::ECR::") and kind not in _OTHERS:
                errors.append(f"{path}.Type: ecrkeeper does not manage resources of the type {kind}")
            continue
        if "Condition" in resource:
            errors.append(f"{path}.Condition: conditions are not resolved, got {resource['Condition']!r}")
        properties = resolved(resource.get("Properties") or {}, values, f"{path}.Properties", errors)
        if not isinstance(properties, Mapping):
            errors.append(f"{path}.Properties: must be a mapping, got {shown(str(properties))}")
        elif kind != _ROLE:
            retained.append(name)
            converter = _KINDS[kind]
            value = converter.value_and_key(converted(properties, converter.table, f"{path}.Properties", errors))
            parts.append(Part(path, account, region, converter.setting, *value))
        elif properties.get("AWSServiceName") in ROLES:
            retained.append(name)
            members = {"description": properties["Description"]} if properties.get("Description") else {}
            roles.append(RolePart(path, account, ROLES[properties["AWSServiceName"]], members))
    if not retained and not errors:
        errors.append("the template has no registry settings of ECR and none of its service-linked roles")
    if errors:
        raise Errors(errors)
    return collected(parts, roles, owner), retained


def retaining(template: Mapping[str, Any], names: list[str]) -> Mapping[str, str]:
    """Return the two templates by which a stack releases resources.

    The first retains them, and the second no longer has them.
    """
    retained, without = deepcopy(dict(template)), deepcopy(dict(template))
    for name in names:
        retained["Resources"][name] |= {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
        del without["Resources"][name]
    files = {"1-retain.json": retained}
    # A stack has at least one resource; without any, it is deleted.
    if without["Resources"]:
        files["2-without.json"] = without
    return {path: json.dumps(each, indent=2, ensure_ascii=False) + "\n" for path, each in files.items()}
