"""The declarations of one replication, on all sides; pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ecrkeeper import names

_PARTITIONS = {
    "cn-": "aws-cn",
    "us-gov-": "aws-us-gov",
    "us-iso-": "aws-iso",
    "us-isob-": "aws-iso-b",
    "us-isof-": "aws-iso-f",
    "eu-isoe-": "aws-iso-e",
    "eusc-": "aws-eusc",
}


def declarations(
    source: names.Name, destinations: Sequence[names.Name], owner: str, prefixes: Sequence[str], *, template: bool
) -> dict[str, dict[str, Any]]:
    """Return the settings by the names of the declarations, in order.

    Destinations come first, so that no image is sent before its destination accepts it. A destination in the source's
    account needs no permission.
    """
    by_name: dict[str, dict[str, Any]] = {}
    for each in destinations:
        settings: dict[str, Any] = {}
        if each.account != source.account:
            settings["registryPolicy"] = {"policyText": json.dumps(_policy(source, each, owner, prefixes))}
        if template:
            settings["repositoryCreationTemplates"] = {"templates": [_template(prefix) for prefix in prefixes or [""]]}
        if settings:
            by_name[names.settings(each.account, each.region, owner)] = settings
    rule: dict[str, Any] = {
        "destinations": [{"region": each.region, "registryId": each.account} for each in destinations]
    }
    if prefixes:
        rule["repositoryFilters"] = [{"filter": prefix, "filterType": "PREFIX_MATCH"} for prefix in prefixes]
    replication = {"replicationConfiguration": {"rules": [rule]}}
    by_name[names.settings(source.account, source.region, owner)] = replication
    return by_name


def registries(kind: str, registry_names: Iterable[str]) -> list[names.Name]:
    """Return the names of registries, full or short.

    ValueError names the one that is none.
    """
    parsed = []
    for each in registry_names:
        name = names.parse(each)
        if name.kind != "Registry":
            raise ValueError(f"{kind}: must be a registry such as 111111111111/us-east-1, got {each!r}")
        parsed.append(name)
    return parsed


def _policy(source: names.Name, destination: names.Name, owner: str, prefixes: Sequence[str]) -> Mapping[str, Any]:
    partition = next((p for start, p in _PARTITIONS.items() if destination.region.startswith(start)), "aws")
    where = f"arn:{partition}:ecr:{destination.region}:{destination.account}:repository/"
    # Statements of a policy are told apart by their Sid, which has letters and digits only.
    by = "".join(part.capitalize() for part in owner.split("-"))
    statement = {
        "Sid": f"{by}{source.account}{source.region.replace('-', '')}",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:{partition}:iam::{source.account}:root"},
        "Action": ["ecr:CreateRepository", "ecr:ReplicateImage"],
        "Resource": [f"{where}{prefix}*" for prefix in prefixes or [""]],
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def _template(prefix: str) -> Mapping[str, Any]:
    return {"prefix": prefix.rstrip("/") or "ROOT", "appliedFor": ["REPLICATION"]}
