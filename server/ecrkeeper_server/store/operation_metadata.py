"""The metadata of operations; only here and in `backfills` are its JSON keys."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Self

from ecrkeeper_server.json_object import StoredJson
from ecrkeeper_server.roles.usage import RegionUsage


class OperationMetadata(StoredJson, frozen=True):
    """The metadata of every operation; each method has further members."""

    @classmethod
    def requested_during(cls, lease: str | None) -> Self:
        """Return the metadata of an operation requested during an attempt with a lease."""
        return cls({"behind": lease} if lease else {})

    @property
    def lease(self) -> str | None:
        """The lease of the attempt that ran at the request; None without one."""
        return self.stored.get("behind")

    @property
    def callers(self) -> Sequence[str]:
        """The principals that requested the operation, the first one first."""
        callers: Sequence[str] = self.stored.get("callers", ())
        return callers

    def with_callers(self, callers: Sequence[str]) -> Self:
        """Return the metadata with other principals."""
        return type(self)({**self.stored, "callers": list(callers)}) if callers else self


class DeletionPhase(StrEnum):
    """The phases of the deletion of a role."""

    PREFLIGHT = "PREFLIGHT"
    DELETING = "DELETING"
    CONFIRMING = "CONFIRMING"
    DONE = "DONE"
    REJECTED = "REJECTED"


class DeletionMetadata(OperationMetadata, frozen=True):
    """The metadata of an operation that deletes a role."""

    @classmethod
    def of(cls, phase: DeletionPhase) -> Self:
        """Return the metadata of a new operation."""
        return cls({"phase": str(phase)})

    @property
    def phase(self) -> str:
        """The phase; a newer replica may store one that this version does not know."""
        phase: str = self.stored.get("phase", DeletionPhase.PREFLIGHT)
        return phase

    @property
    def task(self) -> str:
        """The id of IAM's deletion task; empty before IAM has returned it."""
        task: str = self.stored.get("deletion_task_id", "")
        return task

    @property
    def usage(self) -> list[RegionUsage]:
        """The usage of the role by Region, as of the last preflight."""
        return [RegionUsage.from_json(each) for each in self.stored.get("usage", ())]

    def after(
        self, phase: DeletionPhase, *, task: str | None = None, usage: Sequence[RegionUsage] | None = None
    ) -> Self:
        """Return the metadata in another phase; a task or usage that is None stays."""
        changed: dict[str, Any] = {"phase": str(phase)}
        if task is not None:
            changed["deletion_task_id"] = task
        if usage is not None:
            changed["usage"] = [each.to_json() for each in usage]
        return type(self)({**self.stored, **changed})
