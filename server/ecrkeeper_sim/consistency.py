"""Eventual consistency of ECR: reads that show a registry as it was a moment ago."""

from __future__ import annotations

import copy
from dataclasses import replace

from ecrkeeper_sim.state import Registry, World

_READING = ("Get", "List", "Describe", "BatchGet")


def shown_to(world: World, registry: Registry, operation: str) -> Registry:
    """Return the registry as the operation sees it.

    A read may see an older state, a write never does.
    """
    lag = world.settings.ecr_read_lag_seconds
    if not lag:
        registry.past.clear()
        return registry
    now = world.clock.now()
    if not operation.startswith(_READING):
        before = copy.deepcopy(replace(registry, past=[]))
        registry.past.append((now, before))
        return registry
    registry.past[:] = [(at, before) for at, before in registry.past if at > now - lag]
    stale = registry.past and world.random.random() < world.settings.ecr_stale_reads
    return registry.past[0][1] if stale else registry
