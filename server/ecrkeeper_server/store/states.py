"""The observed state of a registry or a role as values; nothing else knows the keys of the stored JSON.

A state wraps the stored JSON and reads a member when it is asked for: a sweep decodes a state for every attempt, and
most attempts need a few members.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from ecrkeeper_server.json_object import Json


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition with the time of its last transition, in microseconds."""

    type: str
    status: str
    reason: str
    message: str
    since: int

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Read a stored condition."""
        return cls(stored["type"], stored["status"], stored["reason"], stored["message"], stored["since"])

    def to_json(self) -> Json:
        """Return the condition as it is stored."""
        return {
            "type": self.type,
            "status": self.status,
            "reason": self.reason,
            "message": self.message,
            "since": self.since,
        }


@dataclass(frozen=True, slots=True)
class State:
    """The members that every resource has; `stored` is the JSON as it is in the row."""

    stored: Json

    @classmethod
    def from_json(cls, stored: Json) -> Self:
        """Wrap a stored state."""
        return cls(stored)

    def to_json(self) -> Json:
        """Return the state as it is stored."""
        return self.stored

    @property
    def conditions(self) -> list[Condition]:
        """The conditions of the last attempt."""
        return [Condition.from_json(each) for each in self.stored.get("conditions", ())]

    @property
    def error(self) -> Mapping[str, Any] | None:
        """The error to show, as it is stored."""
        return self.stored.get("error")

    @property
    def drift(self) -> Sequence[Mapping[str, Any]]:
        """The elements that differ."""
        return self.stored.get("drift") or ()

    @property
    def remediation(self) -> Mapping[str, Any]:
        """The last remediation; empty if there was none."""
        return self.stored.get("remediation") or {}


@dataclass(frozen=True, slots=True)
class RegistryState(State):
    """The observed state of a registry; maps are by setting."""

    @property
    def owners(self) -> Mapping[str, State]:
        """The conditions and errors of declarations, by owner, where they may differ from the registry's."""
        return {owner: State(stored) for owner, stored in (self.stored.get("owners") or {}).items()}

    @property
    def applied(self) -> Mapping[str, Mapping[str, Any]]:
        """The elements that were written, or found as they are declared."""
        return self.stored.get("applied") or {}

    @property
    def unconfirmed(self) -> Mapping[str, Sequence[str]]:
        """The keys of first writes whose effect was not observed yet."""
        return self.stored.get("unconfirmed") or {}

    @property
    def settled(self) -> Mapping[str, Mapping[str, Any]]:
        """The elements that AWS had as they were desired."""
        return self.stored.get("settled") or {}

    @property
    def observed(self) -> Mapping[str, Mapping[str, Any]]:
        """The shapes that AWS returned."""
        return self.stored.get("observed") or {}

    @property
    def suspects(self) -> Mapping[str, Any]:
        """The elements that AWS rejects."""
        return self.stored.get("suspects") or {}

    @property
    def denials(self) -> Mapping[str, Mapping[str, Sequence[str]]]:
        """The elements that deny something, with their owners."""
        return self.stored.get("denials") or {}

    @property
    def problems(self) -> Mapping[str, Mapping[str, str]]:
        """Why AWS cannot use elements that it accepted, by key."""
        return self.stored.get("problems") or {}

    @property
    def checks(self) -> Sequence[Mapping[str, Any]]:
        """The checks of replication destinations."""
        return self.stored.get("checks") or ()


@dataclass(frozen=True, slots=True)
class RoleState(State):
    """The observed state of a role."""

    @property
    def observed(self) -> bool:
        """Whether IAM was asked for the role."""
        return "role" in self.stored

    @property
    def role(self) -> Mapping[str, Any] | None:
        """The role as IAM has it; None if it has none."""
        return self.stored.get("role")

    @property
    def role_id(self) -> str | None:
        """The id of the role that was observed last."""
        return self.role["role_id"] if self.role else None

    @property
    def provenance(self) -> str | None:
        """How the role came to be; None if that is not known."""
        return self.stored.get("provenance")

    @property
    def remembered(self) -> Mapping[str, str]:
        """The provenance that a backup has of a role, with the id of that role."""
        return self.stored.get("remembered") or {}

    @property
    def create_intended_at(self) -> int | None:
        """When a creation was recorded whose answer is not known."""
        return self.stored.get("create_intended_at")

    @property
    def applied_tags(self) -> Mapping[str, Any]:
        """The tags that were written."""
        return self.stored.get("applied_tags") or {}

    @property
    def deletion(self) -> Mapping[str, Any]:
        """How far the deletion is; empty if none is under way."""
        return self.stored.get("deletion") or {}
