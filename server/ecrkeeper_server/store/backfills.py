"""Replication backfills and operations on them; only here are their JSON keys.

Both wrap the JSON: the members of ECR's answer that nothing reads are stored as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

from ecrkeeper_server.json_object import StoredJson
from ecrkeeper_server.store.operation_metadata import OperationMetadata

_ENDED = frozenset({"COMPLETE", "FAILED", "STOPPED"})


class Backfill(StoredJson, frozen=True):
    """A backfill; `stored` is ECR's answer, times are in seconds."""

    @property
    def id(self) -> str:
        """ECR's id."""
        return str(self.stored["replicationBackfillId"])

    @property
    def destination(self) -> Mapping[str, Any]:
        """The destination in ECR's form."""
        return self.stored.get("destination") or {}

    @property
    def status(self) -> str:
        """The status; empty if it is not known."""
        return self.stored.get("status") or ""

    @property
    def ended(self) -> bool:
        """Whether ECR does not work on it any more."""
        return self.status in _ENDED

    @property
    def failure_code(self) -> str:
        """The reason of a failure; empty without one."""
        return self.stored.get("failureCode") or ""

    @property
    def failure_codes(self) -> Sequence[str]:
        """The reasons why images were not replicated."""
        return self._progress.get("failureCodes") or ()

    @property
    def total_count(self) -> int:
        """The number of replications."""
        return self._progress.get("totalReplicationCount") or 0

    @property
    def completed_count(self) -> int:
        """The number of replications that succeeded."""
        return self._progress.get("completedReplicationCount") or 0

    @property
    def failed_count(self) -> int:
        """The number of replications that failed."""
        return self._progress.get("failedReplicationCount") or 0

    @property
    def started_at(self) -> float | None:
        """The time of the start; None if it is not known."""
        return _seconds(self.stored.get("startedAt"))

    @property
    def ended_at(self) -> float | None:
        """The time of the end; None before."""
        return _seconds(self.stored.get("endedAt"))

    @property
    def _progress(self) -> Mapping[str, Any]:
        return self.stored.get("progress") or {}


class BackfillMetadata(OperationMetadata, frozen=True):
    """The metadata of an operation that starts a backfill."""

    @classmethod
    def of(cls, destination: Mapping[str, Any]) -> Self:
        """Return the metadata of an operation before the call to ECR."""
        return cls({"destination": destination})

    @property
    def destination(self) -> Mapping[str, Any]:
        """The destination in ECR's form."""
        return self.stored.get("destination") or {}

    @property
    def others(self) -> Sequence[str] | None:
        """The ids of earlier backfills to the destination; None before the call to ECR."""
        return self.stored.get("others")

    @property
    def backfill(self) -> Backfill | None:
        """The backfill as it was last observed; None if ECR returned none yet."""
        stored = self.stored.get("backfill")
        return Backfill(stored) if stored else None

    def with_others(self, others: Sequence[str]) -> Self:
        """Return the metadata with the ids of earlier backfills."""
        return type(self)({**self.stored, "others": list(others)})

    def with_backfill(self, backfill: Backfill) -> Self:
        """Return the metadata with an observed backfill."""
        return type(self)({**self.stored, "backfill": backfill.to_json()})


def _seconds(value: Any) -> float | None:
    return None if value is None else float(value)
