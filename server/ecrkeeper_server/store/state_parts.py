"""Stored conditions, errors and deletions; only this module knows their JSON keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

from msgspec import Struct, field
from msgspec.structs import replace

from ecrkeeper_server.aws_errors import AwsError
from ecrkeeper_server.errors import PreconditionViolation, QuotaViolation
from ecrkeeper_server.json_object import Json
from ecrkeeper_server.store.text_limits import TextLimits, cut


class Condition(Struct, frozen=True):
    """One condition with the time of its last transition, in microseconds."""

    type: str
    status: str
    reason: str
    message: str
    since: int

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Parse a stored condition."""
        return cls(stored["type"], stored["status"], stored["reason"], stored["message"], stored["since"])

    def to_json(self) -> Json:
        """Return the stored form."""
        return {
            "type": self.type,
            "status": self.status,
            "reason": self.reason,
            "message": self.message,
            "since": self.since,
        }

    def within(self, limits: TextLimits) -> Self:
        """Return the condition with a message within limits."""
        return replace(self, message=cut(self.message, limits.message))

    @property
    def holds(self) -> bool:
        """Whether the status is TRUE."""
        return self.status == "TRUE"


class StoredError(Struct, frozen=True, kw_only=True):
    """The error of an attempt or an operation; `code` is the name of a gRPC status.

    `since` is the start of the first consecutive attempt with it, in microseconds, or
    None. `omitted` counts the preconditions and quotas that are not stored.
    """

    code: str
    reason: str
    message: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    preconditions: Sequence[PreconditionViolation] = ()
    quotas: Sequence[QuotaViolation] = ()
    since: int | None = None
    omitted: int = 0

    @classmethod
    def of(cls, error: AwsError) -> Self:
        """Return the stored form of an AWS error, in bounded space."""
        return cls(
            code=error.grpc_code,
            reason=error.reason,
            message=error.message,
            metadata={
                "aws_code": error.aws_code,
                "operation": error.operation,
                "aws_request_id": error.aws_request_id,
                **error.metadata,
            },
            preconditions=error.preconditions,
            quotas=error.quotas,
        ).within(TextLimits())

    def within(self, limits: TextLimits) -> Self:
        """Return the error with texts and details within limits."""
        preconditions = self.preconditions[: limits.details]
        quotas = self.quotas[: limits.details]
        dropped = len(self.preconditions) - len(preconditions) + len(self.quotas) - len(quotas)
        return replace(
            self,
            message=cut(self.message, limits.message),
            metadata={name: cut(str(value), limits.value) for name, value in self.metadata.items()},
            preconditions=tuple(
                PreconditionViolation(
                    each.type, cut(each.subject, limits.subject), cut(each.description, limits.description)
                )
                for each in preconditions
            ),
            quotas=tuple(
                QuotaViolation(cut(each.subject, limits.subject), cut(each.description, limits.description))
                for each in quotas
            ),
            omitted=self.omitted + dropped,
        )

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Parse a stored error; missing members are empty."""
        return cls(
            code=stored["code"],
            reason=stored["reason"],
            message=stored["message"],
            metadata=stored.get("metadata") or {},
            preconditions=tuple(PreconditionViolation(*row) for row in stored.get("preconditions") or ()),
            quotas=tuple(QuotaViolation(*row) for row in stored.get("quotas") or ()),
            since=stored.get("since"),
            omitted=stored.get("omitted", 0),
        )

    def to_json(self) -> Json:
        """Return the stored form."""
        return {
            "code": self.code,
            "reason": self.reason,
            "message": self.message,
            "metadata": dict(self.metadata),
            "preconditions": [[each.type, each.subject, each.description] for each in self.preconditions],
            **({"quotas": [[each.subject, each.description] for each in self.quotas]} if self.quotas else {}),
            **({} if self.since is None else {"since": self.since}),
            **({"omitted": self.omitted} if self.omitted else {}),
        }

    @property
    def identity(self) -> tuple[str, str, str]:
        """The identity of the error, without its message, which may hold request ids."""
        return self.reason, self.operation, self.metadata.get("aws_code", "")

    @property
    def setting(self) -> str:
        """The setting in error; empty if unknown."""
        return self.metadata.get("setting", "")

    @property
    def operation(self) -> str:
        """The operation of AWS in error; empty if unknown."""
        return self.metadata.get("operation", "")

    @property
    def key(self) -> str:
        """The key of the element in error; empty if unknown."""
        return self.metadata.get("key", "")


class RejectedDeletion(Struct, frozen=True):
    """The error that rejected the deletion of a generation of a role."""

    generation: int
    error: StoredError

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Parse a stored rejection."""
        return cls(stored["generation"], StoredError.from_json(stored["error"]))

    def to_json(self) -> Json:
        """Return the stored form."""
        return {"generation": self.generation, "error": self.error.to_json()}


class RoleDeletion(Struct, frozen=True, kw_only=True):
    """The progress of the deletion of a role with an id.

    `task` is IAM's; None if IAM reported the role as gone. `started` is in
    microseconds, None before IAM was called. `polls` counts the polls of IAM since.
    """

    role_id: str | None = None
    task: str | None = None
    started: int | None = None
    polls: int = 0

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Parse a stored deletion; missing members have defaults."""
        return cls(
            role_id=stored.get("role_id"),
            task=stored.get("task"),
            started=stored.get("started"),
            polls=stored.get("polls", 0),
        )

    def to_json(self) -> Json:
        """Return the stored form."""
        known = {"role_id": self.role_id, "task": self.task, "started": self.started, "polls": self.polls}
        return {name: value for name, value in known.items() if value is not None}
