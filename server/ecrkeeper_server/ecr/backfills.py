"""Replication backfills as ECR has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ecrkeeper_server.aws.client import Aws
from ecrkeeper_server.ecr.paging import read_list
from ecrkeeper_server.names import RegistryName

# The name of a backfill in lists of changed settings.
BACKFILL = "replication_backfill"
ENDED = frozenset({"COMPLETE", "FAILED", "STOPPED"})


def destination_key(destination: Mapping[str, Any]) -> str:
    """Return a replication destination as one word."""
    return f"{destination['registryId']}/{destination['region']}"


async def list_backfills(aws: Aws, registry: RegistryName) -> list[dict[str, Any]]:
    """Return all backfills that ECR knows for a registry, newest first."""
    result = await read_list(
        aws, registry.account, registry.region, "ecr", "ListReplicationBackfills", {"maxResults": 50}, items="backfills"
    )
    return sorted(result, key=lambda row: float(row.get("startedAt") or 0), reverse=True)
