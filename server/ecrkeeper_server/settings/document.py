"""Settings that AWS keeps as one document: one Get, one Put, perhaps a Delete."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ecrkeeper_server.settings.elements import Plan
from ecrkeeper_server.settings.setting import Call, Setting, Shape

_NOT_OF_THE_SHAPE = ("registryId", "ResponseMetadata")


@dataclass(frozen=True, slots=True, kw_only=True)
class Document(Setting):
    """A setting that one Put writes as a whole.

    `member` is where the Get answers with the shape (None: the answer is the
    shape itself); `body` makes the Put's parameters of the shape that is to be
    and the one that AWS has; without a `delete`, a Put of nothing removes the
    setting.
    """

    put: str
    body: Callable[[dict[str, Any], Shape], dict[str, Any]]
    member: str | None = None
    delete: str | None = None

    @property
    def writes(self) -> frozenset[str]:
        """The Put, and the Delete where there is one."""
        return frozenset({self.put} | ({self.delete} if self.delete else set()))

    def observed(self, responses: Sequence[Mapping[str, Any] | None]) -> dict[str, Any]:
        """The document that AWS has; empty if it has none."""
        response = (responses[0] if responses else None) or {}
        found = (response.get(self.member) or {}) if self.member else response
        return {name: value for name, value in found.items() if name not in _NOT_OF_THE_SHAPE}

    def calls(self, plan: Plan, observed_shape: Shape) -> list[Call]:
        """One call that makes all changes at once."""
        return [self.call(plan, observed_shape)] if plan.changes else []

    def call(self, plan: Plan, observed_shape: Shape) -> Call:
        """The call that makes AWS have a plan's target, whether or not that changes anything."""
        if self.delete and not plan.target:
            return Call("ecr", self.delete, {}, plan.changes)
        return Call("ecr", self.put, self.body(self.join(plan.target), observed_shape), plan.changes)
