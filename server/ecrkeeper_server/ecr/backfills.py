"""Replication backfills as ECR has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ecrkeeper_server.aws.client import Aws
from ecrkeeper_server.ecr.paging import read_list
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.store.backfills import Backfill

# The name of a backfill in lists of changed settings.
BACKFILL = "replication_backfill"


def destination_key(destination: Mapping[str, Any]) -> str:
    """Return a replication destination as one word."""
    return f"{destination['registryId']}/{destination['region']}"


async def list_backfills(aws: Aws, registry: RegistryName) -> list[Backfill]:
    """Return all backfills that ECR knows for a registry, newest first."""
    answer = await read_list(
        aws, registry.account, registry.region, "ecr", "ListReplicationBackfills", {"maxResults": 50}, items="backfills"
    )
    return sorted(map(Backfill, answer), key=lambda each: each.started_at or 0, reverse=True)
