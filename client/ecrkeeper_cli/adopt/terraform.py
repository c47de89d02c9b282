"""Convert the resources of a Terraform state to declarations; pure.

The attributes are those of versions 5 and 6 of the AWS provider.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ecrkeeper_files.plain_text import shown
from ecrkeeper_files.sources import Errors

from ecrkeeper_cli.adopt.kinds import Kind
from ecrkeeper_cli.adopt.members import REPORTED, Member, Table, converted, policy, tags
from ecrkeeper_cli.adopt.parts import ROLES, Adopted, Part, RolePart, collected
from ecrkeeper_cli.adopt.places import Places
from ecrkeeper_cli.adopt.state import Instance

_ROLE = "aws_iam_service_linked_role"
_ROLE_ARN = re.compile(r"arn:[a-z-]+:iam::(?P<account>[0-9]{12}):role/")
# Every resource has these; the Region is read before.
_COMMON: Table = {"id": REPORTED, "region": REPORTED, "registry_id": REPORTED, "timeouts": REPORTED}
_FILTERS = Member("repositoryFilters", {"filter": Member("filter"), "filter_type": Member("filterType")})
_DESTINATIONS = Member("destinations", {"region": Member("region"), "registry_id": Member("registryId")})
_REPLICATION_RULES = {
    "destination": _DESTINATIONS,
    "repository_filter": _FILTERS,
    "delete_replication": Member("deleteReplication", {"enabled": Member("enabled")}, single=True),
}
_TEMPLATE: Table = {
    "applied_for": Member("appliedFor"),
    "custom_role_arn": Member("customRoleArn"),
    "description": Member("description"),
    "encryption_configuration": Member(
        "encryptionConfiguration",
        {"encryption_type": Member("encryptionType"), "kms_key": Member("kmsKey")},
        single=True,
    ),
    "image_tag_mutability": Member("imageTagMutability"),
    "image_tag_mutability_exclusion_filter": Member(
        "imageTagMutabilityExclusionFilters", {"filter": Member("filter"), "filter_type": Member("filterType")}
    ),
    "lifecycle_policy": Member("lifecyclePolicy", read=policy),
    "prefix": Member("prefix"),
    "repository_policy": Member("repositoryPolicy", read=policy),
    "resource_tags": Member("resourceTags", read=tags),
}


_KINDS: Mapping[str, Kind] = {
    "aws_ecr_registry_policy": Kind("registryPolicy", {"policy": Member("policyText", read=policy)}),
    "aws_ecr_replication_configuration": Kind(
        "replicationConfiguration",
        {
            "replication_configuration": Member(
                "configuration", {"rule": Member("rules", _REPLICATION_RULES)}, single=True
            )
        },
        value=lambda value: {"rules": [], **value.get("configuration", {})},
    ),
    "aws_ecr_registry_scanning_configuration": Kind(
        "scanningConfiguration",
        {
            "scan_type": Member("scanType"),
            "rule": Member("rules", {"scan_frequency": Member("scanFrequency"), "repository_filter": _FILTERS}),
        },
    ),
    "aws_ecr_pull_through_cache_rule": Kind(
        "pullThroughCacheRules",
        {
            "credential_arn": Member("credentialArn"),
            "custom_role_arn": Member("customRoleArn"),
            "ecr_repository_prefix": Member("ecrRepositoryPrefix"),
            "upstream_registry_url": Member("upstreamRegistryUrl"),
            "upstream_repository_prefix": Member("upstreamRepositoryPrefix"),
        },
        member="ecrRepositoryPrefix",
    ),
    "aws_ecr_repository_creation_template": Kind(
        "repositoryCreationTemplates",
        _TEMPLATE,
        member="prefix",
    ),
    "aws_ecr_account_setting": Kind(
        "accountSettings",
        {"name": Member("name"), "value": Member("value")},
        member="name",
    ),
    "aws_ecr_pull_time_update_exclusion": Kind(
        "pullTimeUpdateExclusions",
        {"principal_arn": Member("arn")},
        member="arn",
        value=lambda value: value.get("arn", ""),
    ),
    "aws_ecr_signing_configuration": Kind(
        "signingConfiguration",
        {"rule": Member("rules", {"signing_profile_arn": Member("signingProfileArn"), "repository_filter": _FILTERS})},
    ),
}
# The resources of repositories, which stay with Terraform.
_REPOSITORIES = frozenset({"aws_ecr_repository", "aws_ecr_repository_policy", "aws_ecr_lifecycle_policy"})


def adopted(instances: Iterable[Instance], owner: str, places: Places) -> tuple[Adopted, list[str]]:
    """Return the documents for the instances of a state.

    The second result has the resources that Terraform is to forget.

    Errors with everything that cannot be taken over, by address and attribute.
    """
    every = list(instances)
    supported = [each for each in every if each.type in _KINDS or (each.type == _ROLE and _role_of(each) in ROLES)]
    errors = [
        f"{each.address}: ecrkeeper does not manage resources of the type {each.type}"
        for each in every
        if each.type.startswith("aws_ecr_") and each.type not in _KINDS and each.type not in _REPOSITORIES
    ]
    errors += [f"{shown(each.address)}: is no address of a resource" for each in supported if not each.is_addressable]
    errors += _mixed(every, {each.resource for each in supported})
    if not supported and not errors:
        errors.append("the state has no registry settings of ECR and none of its service-linked roles")
    accounts = {account for each in supported if (account := _account_of(each))}
    parts = [_part(each, places, accounts, errors) for each in supported if each.type != _ROLE]
    roles = [_role(each, places, accounts, errors) for each in supported if each.type == _ROLE]
    if errors:
        raise Errors(errors)
    return collected(parts, roles, owner), sorted({each.resource for each in supported})


def _mixed(every: Iterable[Instance], resources: set[str]) -> list[str]:
    """Name roles of other services in a resource that is to be forgotten as a whole."""
    return [
        f"{each.address}.aws_service_name: a `removed` block takes the whole resource {each.resource}, and "
        f"{shown(_role_of(each))} is not a service of ECR; move it with `terraform state mv`"
        for each in every
        if each.type == _ROLE and _role_of(each) not in ROLES and each.resource in resources
    ]


def _role_of(instance: Instance) -> str:
    return str(instance.values.get("aws_service_name", ""))


def _account_of(instance: Instance) -> str:
    if instance.type == _ROLE:
        match = _ROLE_ARN.match(str(instance.values.get("arn", "")))
        return match["account"] if match else ""
    return str(instance.values.get("registry_id") or "")


def _place(instance: Instance, places: Places, accounts: set[str], errors: list[str]) -> str:
    """Return the account of an instance.

    Without one of its own, it is the only one of the state.
    """
    account = _account_of(instance)
    if account and places.account and account != places.account:
        at = "arn" if instance.type == _ROLE else "registry_id"
        errors.append(f"{instance.address}.{at}: has the account {account}, and --account is {places.account}")
    account = account or places.account or (next(iter(accounts)) if len(accounts) == 1 else "")
    if not account:
        errors.append(f"{instance.address}: the state does not say the account; give --account")
    return account


def _part(instance: Instance, places: Places, accounts: set[str], errors: list[str]) -> Part:
    kind = _KINDS[instance.type]
    region = places.region(instance.address, instance.provider, str(instance.values.get("region") or ""))
    if not region:
        about = "" if instance.provider == "aws" else f"{instance.provider}="
        errors.append(f"{instance.address}: the state does not say the Region; give --region {about}REGION")
    account = _place(instance, places, accounts, errors)
    value = kind.value_and_key(converted(instance.values, {**_COMMON, **kind.table}, instance.address, errors))
    return Part(instance.address, account, region, kind.setting, *value)


def _role(instance: Instance, places: Places, accounts: set[str], errors: list[str]) -> RolePart:
    values = instance.values
    # The tags of the provider's `default_tags` are in `tags_all` only.
    tagged = values.get("tags_all") or values.get("tags") or {}
    members: dict[str, Any] = {"description": values["description"]} if values.get("description") else {}
    if not isinstance(tagged, Mapping):
        errors.append(f"{instance.address}.tags: must be a mapping, got {shown(str(tagged))}")
    elif tagged:
        members["tags"] = dict(sorted(tagged.items()))
    if values.get("custom_suffix"):
        errors.append(f"{instance.address}.custom_suffix: ECR's roles have none, got {shown(values['custom_suffix'])}")
    return RolePart(instance.address, _place(instance, places, accounts, errors), ROLES[_role_of(instance)], members)
