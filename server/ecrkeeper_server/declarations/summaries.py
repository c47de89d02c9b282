"""Summaries of registries; only this module knows their JSON keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

from msgspec import Struct
from msgspec.structs import asdict

from ecrkeeper_server.json_object import Json
from ecrkeeper_server.store.state_parts import Condition, StoredError


class Problem(Struct, frozen=True):
    """The problem to solve first, and its element."""

    reason: str
    message: str
    setting: str
    key: str


class DeclarationStatus(Struct, frozen=True, kw_only=True):
    """The status of one owner's declaration."""

    owner: str
    generation: int
    observed_generation: int
    conditions: Sequence[Condition]
    error: StoredError | None

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Parse a stored status."""
        return cls(**{**stored, **_status(stored)})

    def to_json(self) -> Json:
        """Return the stored form."""
        return {**_members(self), **_stored_status(self)}

    @property
    def ready(self) -> bool:
        """Whether AWS matches the declaration."""
        return self.error is None and any(each.type == "Ready" and each.holds for each in self.conditions)


class RegistrySummary(Struct, frozen=True, kw_only=True):
    """A registry in lists, watches and operations; times are in microseconds.

    `element_counts` are by setting and state. `truncated` names the members that are incomplete.
    """

    name: str
    uid: str
    etag: str
    generation: int
    observed_generation: int
    create_time: int
    update_time: int
    observe_time: int | None
    due_at: int | None
    mode: str
    unmanaged_elements: str
    conditions: Sequence[Condition]
    error: StoredError | None
    owners: Sequence[str]
    owner_count: int
    declarations: Sequence[DeclarationStatus]
    element_counts: Sequence[tuple[str, str, int]]
    worst_problem: Problem | None
    truncated: Sequence[str]

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Parse a stored summary."""
        problem = stored["worst_problem"]
        return cls(
            **{
                **stored,
                **_status(stored),
                "declarations": [DeclarationStatus.from_json(each) for each in stored["declarations"]],
                "element_counts": [(setting, state, count) for setting, state, count in stored["element_counts"]],
                "worst_problem": Problem(**problem) if problem else None,
            }
        )

    def to_json(self) -> Json:
        """Return the stored form."""
        return {
            **_members(self),
            **_stored_status(self),
            "owners": list(self.owners),
            "declarations": [each.to_json() for each in self.declarations],
            "element_counts": [list(each) for each in self.element_counts],
            "worst_problem": None if self.worst_problem is None else asdict(self.worst_problem),
            "truncated": list(self.truncated),
        }


def _members(value: DeclarationStatus | RegistrySummary) -> Json:
    return {name: getattr(value, name) for name in value.__struct_fields__}


def _status(stored: Mapping[str, Any]) -> Json:
    error = stored["error"]
    return {
        "conditions": [Condition.from_json(each) for each in stored["conditions"]],
        "error": StoredError.from_json(error) if error else None,
    }


def _stored_status(value: DeclarationStatus | RegistrySummary) -> Json:
    return {
        "conditions": [each.to_json() for each in value.conditions],
        "error": None if value.error is None else value.error.to_json(),
    }
