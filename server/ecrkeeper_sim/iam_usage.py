"""The resources, by Region, that use a service-linked role."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ecrkeeper_sim.iam_roles import PULL_THROUGH_CACHE, REPLICATION, TEMPLATE
from ecrkeeper_sim.partitions import partition_of
from ecrkeeper_sim.state import Account, Registry, World


def resources_in_use(registry: Registry, principal: str) -> list[str]:
    """Return ARN-like names of resources in one registry that use the service's role."""
    prefix = f"arn:{partition_of(registry.region)}:ecr:{registry.region}:{registry.account}"
    if principal == REPLICATION:
        return [f"{prefix}:replication-configuration"] if registry.replication_rules else []
    if principal == PULL_THROUGH_CACHE:
        return [f"{prefix}:pull-through-cache-rule/{key}" for key in sorted(registry.cache_rules)]
    if principal == TEMPLATE:
        return [f"{prefix}:repository-creation-template/{key}" for key in sorted(registry.templates)]
    return []


def usage(world: World, account: Account, principal: str) -> list[dict[str, Any]]:
    """Return IAM's RoleUsageList for the role of the service."""
    return [
        {"Region": registry.region, "Resources": resources}
        for registry in sorted(account.registries.values(), key=lambda r: r.region)
        if (resources := resources_in_use(registry, principal) or list(_lingering(world, registry, principal)))
    ]


def note_release(world: World, registry: Registry, principal: str, before: list[str]) -> None:
    """Record that a change released the role, because ECR's view of the usage lags."""
    if before and not resources_in_use(registry, principal):
        registry.released[principal] = (world.clock.now(), before)


def _lingering(world: World, registry: Registry, principal: str) -> Iterator[str]:
    released = registry.released.get(principal)
    if released is not None and world.clock.now() < released[0] + world.settings.usage_release_seconds:
        yield from released[1]
