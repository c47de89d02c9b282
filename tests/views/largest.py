"""The largest settings that AWS allows in one registry, and a full registry."""

from __future__ import annotations

import json
import random
from typing import Any

from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.settings.table import SETTINGS
from ecrkeeper_server.store.rows import Declaration, Resource
from msgspec.structs import replace

REGISTRY = RegistryName("111111111111", "us-east-1")
REPLICATION, TEMPLATES = "replication_configuration", "repository_creation_templates"
NOW = 1_800_000_000_000_000


def _text(index: int, length: int) -> str:
    return f"{index:05}-".ljust(length, "x")


def replication(length: int) -> dict[str, Any]:
    """Return 25 destinations and 2,500 filters of a length: 62,500 pairs."""
    destinations = [{"region": "eu-west-1", "registryId": str(222_222_222_200 + i)} for i in range(25)]
    return {
        "rules": [
            {
                "destinations": destinations,
                "repositoryFilters": [
                    {"filter": _text(100 * rule + i, length), "filterType": "PREFIX_MATCH"} for i in range(100)
                ],
            }
            for rule in range(25)
        ]
    }


def _template(index: int) -> dict[str, Any]:
    return {
        "prefix": f"t{index:03}/",
        "description": "d" * 256,
        "appliedFor": ["PULL_THROUGH_CACHE", "REPLICATION"],
        "imageTagMutability": "IMMUTABLE",
        "lifecyclePolicy": json.dumps({"rules": [{"description": "l" * 30_000}]}),
        "repositoryPolicy": json.dumps({"Version": "2012-10-17", "Statement": [{"Sid": "s" * 9_500}]}),
        "resourceTags": [{"key": _text(i, 128), "value": "v" * 256} for i in range(50)],
    }


def templates(first: int, count: int) -> dict[str, Any]:
    """Return templates with policies of 40 KB."""
    return {"templates": [_template(i) for i in range(first, first + count)]}


def exclusions(first: int, count: int) -> dict[str, Any]:
    """Return principals with ARNs of 200 characters."""
    return {"principalArns": [f"arn:aws:iam::111111111111:role/{_text(i, 170)}" for i in range(first, first + count)]}


def all_settings(length: int = 256) -> dict[str, Any]:
    """Return every setting at AWS's maximum size."""
    statement = {
        "Sid": "s", "Effect": "Allow", "Principal": {"AWS": ["222222222222"]}, "Action": ["ecr:ReplicateImage"],
        "Resource": [f"arn:aws:ecr:us-east-1:111111111111:repository/{'r' * 9_800}"],
    }  # fmt: skip
    profile = "arn:aws:signer:us-east-1:111111111111:/signing-profiles/profile"
    return {
        "registry_policy": {"policyText": json.dumps({"Version": "2012-10-17", "Statement": [statement]})},
        TEMPLATES: templates(0, 100),
        "pull_through_cache_rules": {
            "rules": [{"ecrRepositoryPrefix": f"cache{i}", "upstreamRegistryUrl": "public.ecr.aws"} for i in range(50)]
        },
        REPLICATION: replication(length),
        "signing_configuration": {
            "rules": [
                {
                    "signingProfileArn": f"{profile}{i}",
                    "repositoryFilters": [
                        {"filter": _text(j, 256), "filterType": "WILDCARD_MATCH"} for j in range(100)
                    ],
                }
                for i in range(10)
            ]
        },
    }


def owner(name: str, settings: dict[str, Any]) -> Declaration:
    """Return a declaration of an owner."""
    return Declaration(
        account=REGISTRY.account, region=REGISTRY.region, owner=name, uid="u" * 36, settings=settings,
        deletion_policy="REMOVE", allow_replacement=True, generation=1, observed_generation=0,
        registry_generation=1, create_time=NOW, update_time=NOW,
    )  # fmt: skip


def conditions(text: str) -> list[dict[str, Any]]:
    """Return the four conditions of a blocked resource."""
    return [
        {"type": kind, "status": status, "reason": "AWS_REJECTED", "message": text, "since": NOW}
        for kind, status in (("Ready", "FALSE"), ("Synced", "FALSE"), ("Blocked", "TRUE"), ("Degraded", "FALSE"))
    ]


def error(text: str) -> dict[str, Any]:
    """Return a stored error of maximum size."""
    return {
        "code": "FAILED_PRECONDITION",
        "reason": "AWS_REJECTED",
        "message": text,
        "metadata": {"setting": TEMPLATES, "key": "k" * 3000, "owner": "o" * 3000},
        "preconditions": [["AWS_REJECTED", f"{TEMPLATES}/{i}", text] for i in range(200)],
    }


def drift_of(settings: dict[str, Any], share: float = 0.5) -> list[dict[str, Any]]:
    """Return a random share of the elements, all missing in AWS."""
    chance = random.Random(1)
    return [
        {"setting": name, "key": key, "kind": "MISSING", "desired": value, "observed": None}
        for name, shape in settings.items()
        for key, value in SETTINGS[name].split(shape).items()
        if chance.random() < share
    ]


def registry(owners: int = 1, length: int = 256) -> tuple[Resource, list[Declaration]]:
    """Return a registry of maximum size with these owners, all of it in error."""
    settings = all_settings(length)
    text = "AWS refuses the element. " * 400
    declared = [owner("platform", settings), *(owner(f"team-{i:06}".ljust(63, "z"), {}) for i in range(owners - 1))]
    drift = drift_of(settings)
    state = {
        "observed": {**settings, REPLICATION: {"rules": settings[REPLICATION]["rules"][:12]}},
        "drift": drift,
        "remediation": {"time": NOW, "drift": drift},
        "conditions": conditions(text),
        "error": error(text),
        "owners": {each.owner: {"conditions": conditions(text), "error": error(text)} for each in declared},
    }
    spec = {"mode": "ENFORCE", "unmanaged_elements": "PRESERVE", "owners": [each.owner for each in declared]}
    return replace(Resource.new(REGISTRY, spec, NOW, uid="u" * 36, generation=1), state=state), declared
