"""States of Terraform and OpenTofu, in the shapes in which those write them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

AWS = "registry.terraform.io/hashicorp/aws"
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "Replication",
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::333333333333:root"},
            "Action": ["ecr:CreateRepository", "ecr:ReplicateImage"],
            "Resource": "arn:aws:ecr:us-east-1:{account}:repository/*",
        }
    ],
}


def policy_of(account: str) -> str:
    """Return a registry policy as text, as the provider keeps it."""
    return json.dumps(POLICY).replace("{account}", account)


def shown(*resources: Mapping[str, Any], modules: Mapping[str, list[Mapping[str, Any]]] | None = None) -> str:
    """Return the output of `terraform show -json`."""
    children = [{"address": address, "resources": inner} for address, inner in (modules or {}).items()]
    root = {"resources": list(resources), "child_modules": children}
    return json.dumps({"format_version": "1.0", "terraform_version": "1.12.2", "values": {"root_module": root}})


def resource(address: str, **values: Any) -> dict[str, Any]:
    """Return one resource of `terraform show -json`."""
    indexed = address.rpartition("]")[2] or address.partition("[")[0]
    kind = next(part for part in indexed.split(".") if part.startswith("aws_"))
    return {"address": address, "mode": "managed", "type": kind, "provider_name": AWS, "values": values}


def state_file(*resources: Mapping[str, Any], version: int = 4) -> str:
    """Return a state file."""
    return json.dumps({"version": version, "terraform_version": "1.5.7", "serial": 3, "resources": list(resources)})


def raw(kind: str, name: str, *instances: Mapping[str, Any], module: str = "", alias: str = "") -> dict[str, Any]:
    """Return one resource of a state file."""
    provider = f'provider["{AWS}"]' + (f".{alias}" if alias else "")
    block = {"mode": "managed", "type": kind, "name": name, "provider": provider, "instances": list(instances)}
    return {"module": module, **block} if module else block


def instance(key: str | int | None = None, **attributes: Any) -> dict[str, Any]:
    """Return one instance of a resource of a state file."""
    content: dict[str, Any] = {"schema_version": 0, "attributes": attributes}
    return content if key is None else {"index_key": key, **content}


def rule(prefix: str, upstream: str, account: str, **more: Any) -> dict[str, Any]:
    """Return the attributes of a cache rule."""
    return {
        "id": prefix,
        "credential_arn": "",
        "custom_role_arn": "",
        "ecr_repository_prefix": prefix,
        "registry_id": account,
        "upstream_registry_url": upstream,
        "upstream_repository_prefix": "ROOT",
        **more,
    }


def replication(account: str, *prefixes: str, region: str = "us-west-2") -> dict[str, Any]:
    """Return the attributes of a replication configuration of one rule."""
    filters = [{"filter": prefix, "filter_type": "PREFIX_MATCH"} for prefix in prefixes]
    rule = {"destination": [{"region": region, "registry_id": account}], "repository_filter": filters}
    return {"id": account, "registry_id": account, "replication_configuration": [{"rule": [rule]}]}


def role(account: str, service: str = "replication", **more: Any) -> dict[str, Any]:
    """Return the attributes of a service-linked role of ECR."""
    principal = f"{service}.ecr.amazonaws.com"
    arn = f"arn:aws:iam::{account}:role/aws-service-role/{principal}/AWSServiceRoleForECRReplication"
    return {"arn": arn, "aws_service_name": principal, "custom_suffix": "", "description": "", "id": arn, **more}
