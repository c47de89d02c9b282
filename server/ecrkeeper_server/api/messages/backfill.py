"""Conversion of replication backfills to messages."""

from __future__ import annotations

from typing import Any

from ecrkeeper.v1 import registry_pb2

from ecrkeeper_server.api.messages.fields import number, timestamp
from ecrkeeper_server.names import BackfillName, RegistryName
from ecrkeeper_server.settings.codec import from_aws
from ecrkeeper_server.store.backfills import Backfill

_FAILURE_CODES = 100


def backfill(registry: RegistryName, row: Backfill) -> registry_pb2.ReplicationBackfill:
    """Return a backfill as a message."""
    message = registry_pb2.ReplicationBackfill(
        name=str(BackfillName(registry, row.id)),
        status=number(registry_pb2.ReplicationBackfill, "Status", row.status),
        failure_code=row.failure_code,
        total_replication_count=row.total_count,
        completed_replication_count=row.completed_count,
        failed_replication_count=row.failed_count,
        failure_codes=row.failure_codes[:_FAILURE_CODES],
        start_time=_ecr_time(row.started_at),
        end_time=_ecr_time(row.ended_at),
    )
    from_aws(row.destination, message.destination)
    return message


def _ecr_time(seconds: float | None) -> Any:
    return None if seconds is None else timestamp(int(seconds * 1_000_000))
