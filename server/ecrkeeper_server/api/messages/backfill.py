"""Conversion of replication backfills to messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ecrkeeper.v1 import registry_pb2

from ecrkeeper_server.api.messages.resource import number, timestamp
from ecrkeeper_server.names import BackfillName, RegistryName
from ecrkeeper_server.settings.codec import from_aws

_FAILURE_CODES = 100


def backfill(registry: RegistryName, row: Mapping[str, Any]) -> registry_pb2.ReplicationBackfill:
    """Return a backfill as a message."""
    progress = row.get("progress") or {}
    message = registry_pb2.ReplicationBackfill(
        name=str(BackfillName(registry, row["replicationBackfillId"])),
        status=number(registry_pb2.ReplicationBackfill, "Status", row.get("status")),
        failure_code=row.get("failureCode") or "",
        total_replication_count=progress.get("totalReplicationCount") or 0,
        completed_replication_count=progress.get("completedReplicationCount") or 0,
        failed_replication_count=progress.get("failedReplicationCount") or 0,
        failure_codes=(progress.get("failureCodes") or [])[:_FAILURE_CODES],
        start_time=_ecr_time(row.get("startedAt")),
        end_time=_ecr_time(row.get("endedAt")),
    )
    from_aws(row["destination"], message.destination)
    return message


def _ecr_time(seconds: float | None) -> Any:
    return None if seconds is None else timestamp(int(float(seconds) * 1_000_000))
