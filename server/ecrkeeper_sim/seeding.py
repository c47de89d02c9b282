"""Direct reads and writes of the state for the control plane, in AWS's shapes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ecrkeeper_sim.ecr_backfills import described_backfill, new_backfill, update_backfills
from ecrkeeper_sim.ecr_cache_rules import canonical_prefix
from ecrkeeper_sim.ecr_images import new_image
from ecrkeeper_sim.ecr_repositories import new_repository
from ecrkeeper_sim.ecr_templates import patched
from ecrkeeper_sim.iam_api import described
from ecrkeeper_sim.partitions import partition_of
from ecrkeeper_sim.policy_documents import normalised, rendered
from ecrkeeper_sim.secrets_api import add_secret
from ecrkeeper_sim.state import Account, Json, Registry, World

_BACKFILL_MEMBERS = ("replicationBackfillId", "startedAt", "endedAt", "results")


def seed_registry(world: World, registry: Registry, body: Json) -> None:
    """Set the parts of the registry that the body names.

    Raises KeyError on an unknown part.
    """
    for part in body:
        if part not in _PARTS:
            raise KeyError(part)
    registry.past.clear()
    for part, setter in _PARTS.items():
        if part in body:
            setter(world, registry, body[part])


def shown_registry(world: World, registry: Registry) -> Json:
    """Return the whole state of the registry, in the form in which it can be seeded."""
    update_backfills(world, registry)
    secrets = world.account(registry.account).secrets.get(registry.region, {})
    return {
        "registryId": registry.account,
        "region": registry.region,
        "scope": registry.scope,
        "blobMounting": registry.blob_mounting,
        "policyText": None if registry.policy is None else rendered(registry.policy),
        "replicationConfiguration": {"rules": registry.replication_rules},
        "scanning": registry.scanning,
        "pullThroughCacheRules": [rule for _, rule in sorted(registry.cache_rules.items())],
        "templates": [template for _, template in sorted(registry.templates.items())],
        "signing": registry.signing,
        "exclusions": sorted(registry.exclusions),
        "backfills": [described_backfill(job) for job in registry.backfills.values()],
        "repositories": sorted(registry.repositories),
        "images": {
            name: sorted(image["imageTag"] for image in images.values()) for name, images in registry.images.items()
        },
        "secrets": [
            {"name": s.name, "arn": s.arn, "value": s.value, "kms_key_id": s.kms_key_id} for s in secrets.values()
        ],
        "unknown_members": registry.unknown_members,
    }


def configure_account(account: Account, body: Json) -> None:
    """Change what the body names of the account; raises KeyError on an unknown name."""
    for name, value in body.items():
        if name == "enabled_regions":
            account.enabled_regions = None if value is None else frozenset(value)
        elif name == "denied":
            account.denied = bool(value)
        elif name == "iam_policy":
            account.iam_policy = value
        elif name == "scanning_blocked_by_organization":
            account.scanning_blocked_by_organization = bool(value)
        else:
            raise KeyError(name)


def shown_account(account: Account) -> Json:
    """Return the state of the account."""
    return {
        "account": account.account,
        "enabled_regions": None if account.enabled_regions is None else sorted(account.enabled_regions),
        "denied": account.denied,
        "iam_policy": account.iam_policy,
        "scanning_blocked_by_organization": account.scanning_blocked_by_organization,
        "registries": sorted(account.registries),
        "roles": [described(role, full=True) for _, role in sorted(account.roles.items())],
        "deletion_tasks": [
            {"task_id": t.task_id, "role_name": t.role_name, "status": t.status, "usage": t.usage}
            for t in account.tasks.values()
        ],
    }


def _set_policy(world: World, registry: Registry, text: str | None) -> None:
    if text is None:
        registry.policy = None
        return
    # AWS keeps documents that it accepted earlier, so nothing is validated here.
    registry.policy = normalised(json.loads(text) if isinstance(text, str) else text, partition_of(registry.region))


def _set_replication(world: World, registry: Registry, configuration: Json) -> None:
    registry.replication_rules = configuration["rules"]


def _set_scope(world: World, registry: Registry, scope: str) -> None:
    registry.scope = scope


def _set_blob_mounting(world: World, registry: Registry, value: str) -> None:
    registry.blob_mounting = value


def _set_scanning(world: World, registry: Registry, configuration: Json) -> None:
    registry.scanning = configuration


def _set_cache_rules(world: World, registry: Registry, rules: list[Json]) -> None:
    now = world.clock.now()
    fixed = {"registryId": registry.account, "createdAt": now, "updatedAt": now}
    registry.cache_rules = {(key := canonical_prefix(r["ecrRepositoryPrefix"])): _keyed(fixed, r, key) for r in rules}


def _keyed(fixed: Json, rule: Json, key: str) -> Json:
    return {**fixed, **rule, "ecrRepositoryPrefix": key}


def _set_templates(world: World, registry: Registry, templates: list[Json]) -> None:
    now = world.clock.now()
    registry.templates = {
        (key := canonical_prefix(t["prefix"])): patched({"prefix": key, "createdAt": now, "updatedAt": now}, t)
        for t in templates
    }


def _set_signing(world: World, registry: Registry, configuration: Json | None) -> None:
    registry.signing = configuration


def _set_exclusions(world: World, registry: Registry, arns: list[str]) -> None:
    registry.exclusions = dict.fromkeys(arns, world.clock.now())


def _set_backfills(world: World, registry: Registry, jobs: list[Json]) -> None:
    backfills = [new_backfill(world, j["destination"], j.get("status", "IN_PROGRESS"), pinned=True) for j in jobs]
    for job, members in zip(backfills, jobs, strict=True):
        job.update({name: members[name] for name in _BACKFILL_MEMBERS if name in members})
    registry.backfills = {job["replicationBackfillId"]: job for job in backfills}


def _set_repositories(world: World, registry: Registry, names: list[str]) -> None:
    registry.repositories = {}
    for name in names:
        new_repository(world, registry, name, {})


def _set_images(world: World, registry: Registry, tags: dict[str, list[str]]) -> None:
    registry.images = {}
    for name, image_tags in tags.items():
        for tag in image_tags:
            new_image(registry, name, tag)


def _set_secrets(world: World, registry: Registry, secrets: list[Json]) -> None:
    world.account(registry.account).secrets.pop(registry.region, None)
    for secret in secrets:
        add_secret(world, registry.account, registry.region, secret["name"], secret.get("value", ""), secret)


def _set_unknown_members(world: World, registry: Registry, members: dict[str, Json]) -> None:
    registry.unknown_members = members


_PARTS: dict[str, Callable[[World, Registry, Any], None]] = {
    "scope": _set_scope,
    "blobMounting": _set_blob_mounting,
    "policyText": _set_policy,
    "replicationConfiguration": _set_replication,
    "scanning": _set_scanning,
    "pullThroughCacheRules": _set_cache_rules,
    "templates": _set_templates,
    "signing": _set_signing,
    "exclusions": _set_exclusions,
    "backfills": _set_backfills,
    "repositories": _set_repositories,
    "images": _set_images,
    "secrets": _set_secrets,
    "unknown_members": _set_unknown_members,
}
